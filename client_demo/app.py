"""The screen: conversations at the left, one stream of messages and payments, an input line.

Events change the model; the model is painted. What is typed becomes frames. Nothing else happens
here.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Event as TextualEvent
from textual.events import Key
from textual.widgets import Input, OptionList

from . import commands, events, safe
from .client import Client, room_entered
from .commands import CommandError, Pay, RoomCommand, Say, Simple
from .endings import sentence
from .events import Event
from .model import Connection
from .wallet import show_grouped
from .widgets.conversations import Conversations
from .widgets.dialogs import ConfirmPayment, Info
from .widgets.line import LineInput
from .widgets.status import Status
from .widgets.stream import Stream

BEGIN = "/open @bob to begin, /help for more"


class ChatApp(App[str]):
    """The terminal client of one account. Its result is the code of the link's end."""

    TITLE = "Teller"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "move(1)", "Next", priority=True),
        Binding("ctrl+p", "move(-1)", "Previous", priority=True),
        Binding("pageup", "scroll_stream(-1)", "Older", priority=True),
        Binding("pagedown", "scroll_stream(1)", "Newer", priority=True),
        Binding("f1", "help", "Help"),
    ]

    def __init__(self, client: Client, zone: tzinfo | None = None, notice: str = "") -> None:
        """`zone`: of the times shown, `None` is local; `notice`: what to say at first."""
        super().__init__()
        self.client = client
        self.model = client.model
        self.current: str | None = None
        """The conversation in view."""
        self._gone = ""
        """The conversation that was in view, and is no more."""
        self._away = False
        """Whether it may come back by itself."""
        self._zone = zone
        self._notice = notice
        self._paint_due = False
        self._balance_asked = False
        self._searched: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        """Status, conversations, stream, input."""
        yield Status(id="status")
        with Horizontal(id="middle"):
            yield Conversations(id="conversations")
            yield Stream(self._zone, id="stream")
        yield LineInput(id="input")

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

    # --- events of the client ---------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        match event:
            case events.Connected(_, boxes, resumed=resumed, reset=reset):
                for box in reset if resumed else boxes:
                    self.client.read_box(box)
            case events.BalanceCame() if self._balance_asked:
                self._balance_asked = False
                lines = self.model.wallet.lines(show_grouped)
                self.notify("\n".join(lines) or "no money yet", markup=False)
            case events.Page():
                self._search_on()
            case events.Refused(frame, _, message) if frame["type"] not in ("message", "payment"):
                self._complain(f"{frame['type']}: {message}")
            case events.Trouble(_, message):
                self._complain(message)
            case events.EntryCame(entry) if entry["type"] == "returned":
                self._complain(sentence(entry))
            case events.MembersCame(room, members, more):
                self._show_members(room, members, more)
            case events.Stopped(code, reason):
                self._stopped(code, reason)
        entered = room_entered(event)
        if entered:
            self.open(entered)
        self._paint_soon()

    def _stopped(self, code: str, reason: str) -> None:
        if code in ("closed", "token_invalid") or self.model.logged_out:
            self.exit(code)
        else:
            self._complain(f"stopped: {reason}")

    def _show_members(self, room: str, members: tuple[events.Frame, ...], more: bool) -> None:
        lines = [f"{each['who']}{'  owner' * (each['role'] == 'owner')}" for each in members]
        self.push_screen(Info(f"Members of {room}", "\n".join(lines + ["…"] * more)))

    def _complain(self, text: str) -> None:
        self.notify(safe.one_line(text), severity="error", markup=False)

    # --- painting ---------------------------------------------------------------------------

    def _paint_soon(self) -> None:
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
        stream.border_title = self.current or ""
        hint = self._hint()
        stream.show(model.conversations.get(self.current or ""), model.me, hint)
        self.line.placeholder = BEGIN if hint else "Type a message, or /help"
        self._mark_read()

    def _hint(self) -> str:
        """What to do where there is nobody to talk with."""
        if self.current is None and self._away:
            return (
                f"{self._gone} is away, or you left it elsewhere.\nTab shows the next conversation"
            )
        if self.current is None and self._gone:
            verb = "left" if self._gone.startswith("#") else "closed"
            return f"You {verb} {self._gone}.\nTab shows the next conversation; or {BEGIN}"
        return BEGIN if self.current is None or self.current.startswith("$") else ""

    def _mark_read(self) -> None:
        """What is in view on a screen that someone looks at counts as read."""
        if not self.screen_stack:
            return  # the app is about to end
        stream = self.screen_stack[0].query_one(Stream)
        if self.current and self.app_focus and stream.at_end and stream.size.height:
            self.client.mark_read(self.current)

    def on_app_focus(self) -> None:
        """Someone looks again."""
        self._paint_soon()

    # --- what people do ---------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Bring a conversation into view."""
        self.model.conversation(name)
        self.current = name
        if self.model.shelves[self.model.box_of(name)].oldest is None:
            self.client.read_older(name)
        self._paint_soon()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A conversation was clicked."""
        if event.option.id:
            self.open(event.option.id)

    def on_stream_top_reached(self) -> None:
        """Older lines are wanted."""
        if self.current:
            self._searched = self.current, len(self.model.conversations[self.current].lines)
            self.client.read_older(self.current)

    def on_stream_end_reached(self) -> None:
        """The newest lines are in view."""
        self._mark_read()

    def _search_on(self) -> None:
        """All direct conversations share one box: a page may hold nothing of the one in view."""
        if self._searched is None:
            return
        name, lines = self._searched
        conversation = self.model.conversations.get(name)
        found = conversation is None or len(conversation.lines) > lines
        if found or name != self.current or not self.client.read_older(name):
            self._searched = None

    def action_move(self, step: int) -> None:
        """To the next or previous conversation, unless a dialog is open."""
        names = self.screen_stack[0].query_one(Conversations).names
        if names and len(self.screen_stack) == 1:
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
        self.push_screen(Info("Help", commands.HELP))

    async def on_event(self, event: TextualEvent) -> None:
        """Keys that were typed before a question was in view belong to the line."""
        if isinstance(event, Key) and not event.is_forwarded and self._was_typed_ahead(event):
            self.line.call_later(self.line.take, event)
        else:
            await super().on_event(event)

    def _was_typed_ahead(self, key: Key) -> bool:
        question = self._asks()
        if question is None or question.is_answer(key):
            return False
        return key.is_printable or key.key == "enter"

    def _asks(self) -> ConfirmPayment | None:
        """The question in view, if there is one."""
        screen = self.screen_stack[-1] if self.screen_stack else None
        return screen if isinstance(screen, ConfirmPayment) else None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A line was typed."""
        if not event.value.strip():
            return
        try:
            self._do(commands.parse(event.value, self.current, self.model.wallet.currency))
        except CommandError as error:
            self._complain(str(error))
            self.line.put_back(event.value)

    def _do(self, command: commands.Command) -> None:
        match command:
            case Pay():
                self._confirm(command)
            case Say(to) if to.startswith("$"):
                self._complain(f"nobody reads this; {BEGIN}")
            case Say() | RoomCommand():
                self.client.post(commands.to_frame(command))
            case commands.Open(name):
                if name.startswith("#") and name not in self.model.conversations:
                    raise CommandError(f"you are not in {name}; /join {name} first")
                self.open(name)
            case Simple(kind):
                self._do_simple(kind)

    def _do_simple(self, kind: str) -> None:
        match kind:
            case "balance":
                self._balance_asked = True
                self.client.post({"type": "balance"})
            case "close":
                if self.current is None or not self.model.close(self.current):
                    raise CommandError(
                        "only a conversation in which nothing is stored can be closed"
                    )
                self._paint_soon()
            case "help":
                self.action_help()
            case "logout":
                self.client.post({"type": "logout"})
            case "quit":
                self.exit("closed")

    def _confirm(self, pay: Pay) -> None:
        if self._asks():
            raise CommandError("one payment at a time: answer the question first")
        known = self.model.connection is Connection.CONNECTED
        available = self.model.wallet.available(pay.currency) if known else None
        commands.check_payment(pay, self.model.me, available)

        def decided(yes: bool | None) -> None:
            if yes:
                self.client.post(commands.to_frame(pay))
                self.open(pay.room or pay.to)
            else:
                self.notify("nothing was paid")

        self.push_screen(ConfirmPayment(pay, self.model.wallet), decided)
