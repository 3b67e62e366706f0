"""The screen: conversations at the left, one stream of messages and payments, an input line.

Events change the model; the model is painted. What is typed becomes commands. Nothing else happens
here.
"""

from __future__ import annotations

import time
from datetime import tzinfo
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Event as TextualEvent
from textual.events import Key
from textual.widgets import Input, OptionList

from . import commands, events, headings, render, safe
from .client import Client
from .commands import CommandError, Context, manual
from .commands.completion import Completion, Known, complete
from .commands.palette import Commands
from .commands.row import Row
from .doing import Doing
from .endings import sentence
from .events import Event
from .looking import Looking
from .news import news
from .typing_notice import TypingNotice
from .widgets.conversations import Conversations
from .widgets.dialogs import Info, Question
from .widgets.line import LineInput
from .widgets.status import Status
from .widgets.stream import Stream

_SHOWN_AT_ITS_LINE = ("message", "forward", "payment")
_OF_THE_STREAM = ("move", "choose_line", "scroll_stream")
_TOLD_MAX = 4
"""Notes in view beyond which news only counts as unread: after a long absence there may be much."""
_QUIET = ("conversations", "watch", "delivered", "read", "profiles")
"""What the client asks or says by itself: nobody needs to hear that it was refused."""


def _has_no_line(frame: events.Frame) -> bool:
    return frame["type"] not in _SHOWN_AT_ITS_LINE


class ChatApp(App[str]):
    """The terminal client of one account. Its result is the code of the link's end."""

    TITLE = "Teller"
    BEGIN = "/open @bob to begin, /help for more"
    CSS_PATH = "app.tcss"
    COMMANDS = {Commands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "move(1)", "Next", priority=True),
        Binding("ctrl+b", "move(-1)", "Previous", priority=True),
        Binding("ctrl+up,shift+up", "choose_line(-1)", "Choose the line above", priority=True),
        Binding("ctrl+down,shift+down", "choose_line(1)", "Choose the line below", priority=True),
        Binding("escape", "choose_none", "Choose no line"),
        Binding("pageup", "scroll_stream(-1)", "Older", priority=True),
        Binding("pagedown", "scroll_stream(1)", "Newer", priority=True),
        Binding("f1", "help", "Help"),
    ]

    def __init__(self, client: Client, zone: tzinfo | None = None, notice: str = "") -> None:
        """`zone`: of the times shown, `None` is local; `notice`: what to say at first."""
        super().__init__()
        self.client = client
        self.model = client.model
        self.zone = zone
        self.current: str | None = None
        """The conversation in view."""
        self._gone = ""
        """The conversation that was in view, and is no more."""
        self._away = False
        """Whether it may come back by itself."""
        self._notice = notice
        self._paint_due = False
        self._looking = Looking(client)
        self._doing = Doing(self)
        self._typing = TypingNotice(client)

    def compose(self) -> ComposeResult:
        """Status, conversations, stream, input."""
        yield Status(id="status")
        with Horizontal(id="middle"):
            yield Conversations(id="conversations")
            yield Stream(self.zone, id="stream")
        yield LineInput(self._complete, id="input")

    def on_mount(self) -> None:
        """Begin."""
        self.client.listen(self._on_event)
        self.line = self.query_one("#input", LineInput)
        self.line.focus()
        if self._notice:
            self.notify(self._notice, markup=False)
        self._paint()
        self.start()

    def start(self) -> None:
        """Connect, and stay connected."""
        self.run_worker(self.client.link.run(), name="link")
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.model.tick(int(time.time() * 1000)):
            self.paint_soon()

    # --- events of the client ---------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        match event:
            case events.Connected(_, boxes, resumed=resumed, reset=reset):
                for box in reset if resumed else boxes:
                    self.client.read_box(box)
            case events.BalanceCame():
                self._doing.balance_came()
            case events.Page():
                self._looking.page_came(self.current)
            case events.Answered(question, answer):
                self._doing.answered(question, answer)
            case events.Stored(frame) if events.asked_to_join(event):
                self.notify(f"you asked: an admin of {frame['room']} must let you in", markup=False)
            case events.Refused(frame, _, message, details) if _has_no_line(frame):
                self._doing.refused(frame)
                if frame["type"] not in _QUIET:
                    ends = render.until(details.get("until", 0), self.zone)
                    self.complain(f"{frame['type']}: {message}{ends}")
            case events.Trouble(_, message):
                self.complain(message)
            case events.EntryCame(entry, late=False):
                self._tell(entry)
            case events.Stopped(code, reason):
                self._stopped(code, reason)
        entered = events.room_entered(event)
        if entered:
            self.open(entered)
        self.paint_soon()

    def _tell(self, entry: events.Frame) -> None:
        """Say what matters whatever is in view."""
        if entry["type"] == "returned":
            self.complain(sentence(entry))
            return
        words = news(entry, self.model, self.current if self.app_focus else None)
        if words and len(self._notifications) < _TOLD_MAX:
            self.notify(safe.one_line(words), markup=False)
            self.bell()

    def _stopped(self, code: str, reason: str) -> None:
        if code in ("closed", "token_invalid") or self.model.logged_out:
            self.exit(code)
        else:
            self.complain(f"stopped: {reason}")

    def complain(self, text: str) -> None:
        """Say that something went wrong."""
        self.notify(safe.one_line(text), severity="error", markup=False)

    # --- painting ---------------------------------------------------------------------------

    def paint_soon(self) -> None:
        """Once for a burst of events."""
        if not self._paint_due:
            self._paint_due = True
            self.call_later(self._paint)

    def _paint(self) -> None:
        self._paint_due = False
        if not self.is_running or not self.screen_stack:
            return
        model = self.model
        if self.current is not None and self.current not in model.conversations:
            self._gone, self.current = self.current, None
            self._away = self._gone in model.missing
        if self.current is None and self._away and self._gone in model.conversations:
            self.open(self._gone)
            return
        screen = self.screen_stack[0]
        names = screen.query_one(Conversations)
        names.show(model, self.current)
        if self.current is None and names.names and not self._gone:
            self.open(names.names[0])
            return
        screen.query_one(Status).show(model)
        stream = screen.query_one(Stream)
        hint = self._hint()
        conversation = model.conversations.get(self.current or "")
        stream.show(conversation, model.me, hint or headings.hint(model, self.current or ""))
        stream.border_title = headings.title(model, self.current or "", self.zone)
        stream.border_subtitle = headings.typing(model, self.current or "")
        self._show_found(stream)
        self._show_line(stream)
        self._mark_read()

    def _show_found(self, stream: Stream) -> None:
        """Bring a line into view that was looked for, as soon as it is here."""
        try:
            line = self._looking.found(self.current)
        except LookupError as error:
            self.complain(str(error))
        else:
            if line is not None:
                stream.reveal(line.key)

    def _show_line(self, stream: Stream) -> None:
        """What the line would do, and to which line of the conversation."""
        self.line.placeholder = self.BEGIN if self._hint() else "Type a message, or /help"
        completion = self._complete(self.line.value)
        conversation = self.model.conversations.get(self.current or "")
        chosen = conversation.find(stream.selected) if conversation and stream.selected else None
        usage = Text(completion.usage)
        self.line.border_title = usage or headings.chosen(chosen, conversation, self.model.me)
        shown = f"Tab: {completion.shown}" if completion.words and self.line.value else ""
        self.line.border_subtitle = Text(shown)

    def _hint(self) -> str:
        """What to do where there is nobody to talk with."""
        if self.current is None and self._away:
            return (
                f"{self._gone} is away, or you left it elsewhere.\nTab shows the next conversation"
            )
        if self.current is None and self._gone:
            verb = "left" if self._gone.startswith("#") else "closed"
            return f"You {verb} {self._gone}.\nTab shows the next conversation; or {self.BEGIN}"
        return self.BEGIN if self.current is None or self.current.startswith("$") else ""

    def _mark_read(self) -> None:
        """What is in view on a screen that someone looks at counts as read."""
        if not self.screen_stack:
            return  # the app is about to end
        stream = self.screen_stack[0].query_one(Stream)
        if self.current and self.app_focus and stream.at_end and stream.size.height:
            self.client.mark_read(self.current)

    def on_app_focus(self) -> None:
        """Someone looks again."""
        self.client.notice({"type": "presence", "state": "online"})
        self.paint_soon()

    def on_app_blur(self) -> None:
        """Someone looks elsewhere."""
        self.client.notice({"type": "presence", "state": "away"})

    # --- what people do ---------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Bring a conversation into view."""
        self.model.conversation(name)
        self.current = name
        if self.model.shelves[self.model.box_of(name)].oldest is None:
            self.client.read_older(name)
        if name not in self.model.people.profiles and name[0] in "@#":
            self.client.post({"type": "profiles", "who": [name]})
        self.paint_soon()

    def open_at(self, name: str, seq: int) -> None:
        """Bring a person into view, or a room that we are in, and there line `seq`, unless 0."""
        if name.startswith("@") or name in self.model.conversations:
            self.open(name)
            if seq:
                self._looking.line(name, seq)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A conversation was clicked."""
        if event.option.id:
            self.open(event.option.id)

    def on_stream_line_clicked(self, event: Stream.LineClicked) -> None:
        """A line was clicked: it is chosen; clicked again, it is not."""
        stream = self.screen_stack[0].query_one(Stream)
        stream.select(None if stream.selected == event.key else event.key)
        self.paint_soon()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a dialog is open, the keys that go through conversations and lines are its own."""
        return len(self.screen_stack) == 1 or action not in _OF_THE_STREAM

    def action_choose_line(self, step: int) -> None:
        """Choose the line above or below."""
        self.screen_stack[0].query_one(Stream).step(step)
        self.paint_soon()

    def action_choose_none(self) -> None:
        """Choose no line."""
        self.screen_stack[0].query_one(Stream).select(None)
        self.paint_soon()

    def on_stream_top_reached(self) -> None:
        """Older lines are wanted."""
        if self.current:
            self._looking.older(self.current)

    def on_stream_end_reached(self) -> None:
        """The newest lines are in view."""
        self._mark_read()

    def action_move(self, step: int) -> None:
        """To the next or previous conversation."""
        names = self.screen_stack[0].query_one(Conversations).names
        if names:
            before = -1 if step > 0 else 0
            here = names.index(self.current) if self.current in names else before
            self.open(names[(here + step) % len(names)])

    def on_line_input_switched(self, event: LineInput.Switched) -> None:
        """Tab was pressed on an empty line."""
        self.action_move(event.step)

    def action_scroll_stream(self, direction: int) -> None:
        """A page up or down. At the top already, older lines are asked for."""
        stream = self.screen_stack[0].query_one(Stream)
        if direction < 0 and stream.scroll_y <= 0:
            stream.reach_up()
        elif direction < 0:
            stream.scroll_page_up(animate=False)
        else:
            stream.scroll_page_down(animate=False)

    def action_help(self) -> None:
        """Show what there is to type."""
        self.push_screen(Info("Help", manual.screen()))

    def choose(self, row: Row) -> None:
        """A command was chosen in the palette: do it, or have its arguments typed."""
        if row.is_complete and not any(arg.name == "ref" for arg in row.args):
            self._submit(f"/{row.name}")
        else:
            self.line.put(f"/{row.name} ")
            self.line.focus()

    async def on_event(self, event: TextualEvent) -> None:
        """Keys that were typed before a question was in view belong to the line."""
        if isinstance(event, Key) and not event.is_forwarded and self._was_typed_ahead(event):
            self.line.call_later(self.line.take, event)
        else:
            await super().on_event(event)

    def _was_typed_ahead(self, key: Key) -> bool:
        question = self.asks()
        if question is None or question.is_answer(key):
            return False
        return key.is_printable or key.key == "enter"

    def asks(self) -> Question | None:
        """The question in view, if there is one."""
        screen = self.screen_stack[-1] if self.screen_stack else None
        return screen if isinstance(screen, Question) else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Something is typed."""
        if event.input is self.line:
            self._typing.typed(self.line.value, self.current)
            self.paint_soon()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A line was typed."""
        if event.value.strip():
            self._submit(event.value)

    def _submit(self, line: str) -> None:
        try:
            self._doing.do(commands.parse(line, self._here()))
        except CommandError as error:
            self.complain(str(error))
            self.line.put_back(line)
        else:
            self._typing.sent()
            self.action_choose_none()

    def _here(self) -> Context:
        model, stream = self.model, self.screen_stack[0].query_one(Stream)
        return Context(
            here=self.current,
            currency=model.wallet.currency,
            me=model.me,
            lines=lambda name: model.conversation(name).lines,
            selected=stream.selected,
        )

    def _complete(self, line: str) -> Completion:
        return complete(line, Known(headings.names(self.model), tuple(self.available_themes)))
