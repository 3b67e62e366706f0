"""What the screen does for each command that was typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from . import listing, paying
from .client import LinkError, RefusedError
from .commands import Command, CommandError
from .doubts import doubt
from .events import Frame
from .exporting import export
from .facts import facts
from .listing import Item
from .model import Connection
from .questions import QUESTIONS, next_page
from .wallet import show_grouped
from .widgets.dialogs import ConfirmPayment, Info, Question, Secret
from .widgets.reader import Reader

if TYPE_CHECKING:
    from .app import ChatApp

_EPHEMERAL = ("typing", "presence")


class Doing:
    """Carries out commands for the app: posts frames, asks first, shows what was asked for."""

    def __init__(self, app: ChatApp) -> None:
        self._app = app
        self._asked: dict[str, str] = {}
        """Questions whose answers somebody wants to see, and the conversation that they are about:
        all direct ones share a box."""
        self._balance_asked = False
        self._next: tuple[Frame, Reader | None, str] | None = None
        """What `/more` asks for, where it goes, and the conversation that it is about."""
        self._local: dict[str, Callable[[Command], None]] = {
            "open": self._open,
            "close": self._close,
            "edit": self._edit,
            "info": self._info,
            "pins": self._pins,
            "more": self._more,
            "export": self._export,
            "erase": self._erase,
            "theme": self._theme,
            "help": lambda _: app.action_help(),
            "quit": lambda _: app.exit("closed"),
        }

    def do(self, command: Command) -> None:
        """Carry out a command.

        Raises:
            CommandError: if it cannot be.
        """
        self._must_be_open(command)
        question = doubt(command)
        if question is None:
            self._do_now(command)
            return
        if self._app.asks():
            raise CommandError("one thing at a time: answer the question first")

        def decided(yes: bool | None) -> None:
            if yes and not self._has_ended:
                self._do_now(command)

        self._app.push_screen(Question(question.title, Text(question.text), question.yes), decided)

    @property
    def _has_ended(self) -> bool:
        return self._app.model.connection is Connection.STOPPED

    def _must_be_open(self, command: Command) -> None:
        """What cannot be sent any more must not look as if it were on its way."""
        if self._has_ended and command.frame is not None:
            why = self._app.model.trouble
            raise CommandError(f"not sent: {why}. /quit, and start again")

    def _do_now(self, command: Command) -> None:
        frame = command.frame
        if frame is None:
            self._local[command.name](command)
        elif frame["type"] == "payment":
            self._confirm(frame)
        elif frame["type"] in _EPHEMERAL:
            self._app.client.notice(frame)
        elif frame["type"] == "balance":
            self._balance_asked = True
            self._app.client.post(frame)
        elif frame["type"] in QUESTIONS:
            self._asked[self._app.client.post(frame)] = command.values.get("place", "")
        elif str(frame.get("to", "")).startswith("$"):
            self._app.complain(f"nobody reads this; {self._app.BEGIN}")
        else:
            self._app.client.post(frame)
            if command.name == "link":
                self._show_link(frame)

    def refused(self, frame: Frame) -> None:
        """A frame of ours was refused."""
        self._asked.pop(frame["id"], None)

    def answered(self, question: Frame, answer: Frame) -> None:
        """Show an answer, if somebody asked for it."""
        place = self._asked.pop(question["id"], None)
        if place is None:
            return
        app, into = self._app, self._next[1] if self._next else None
        items = listing.items(answer, app.model.me, app.zone, place)
        following = next_page(question, answer)
        if into is not None and into.is_attached and self._continues(question):
            into.extend(items, following is not None)
        else:
            title = listing.title(question, place)
            into = Reader(title, items, following is not None, self._ask_more)
            app.push_screen(into, self._read)
        self._next = (following, into, place) if following else None

    def _continues(self, question: Frame) -> bool:
        assert self._next is not None
        return all(question.get(name) == value for name, value in self._next[0].items())

    def balance_came(self) -> None:
        """Say what we have, if somebody asked."""
        if not self._balance_asked:
            return
        self._balance_asked = False
        lines = self._app.model.wallet.lines(show_grouped)
        self._app.notify("\n".join(lines) or "no money yet", markup=False)

    def _read(self, item: Item | None) -> None:
        if item is not None and item.opens:
            self._app.open_at(item.opens, item.seq)

    def _ask_more(self) -> None:
        if self._next is not None:
            self._asked[self._app.client.post(self._next[0])] = self._next[2]

    def _more(self, _: Command) -> None:
        if self._next is None:
            raise CommandError("there is no more")
        self._ask_more()

    def _open(self, command: Command) -> None:
        name = command.values["who"]
        if name.startswith("#") and name not in self._app.model.conversations:
            raise CommandError(f"you are not in {name}; /join {name} first")
        self._app.open(name)

    def _close(self, _: Command) -> None:
        if self._app.current is None or not self._app.model.close(self._app.current):
            raise CommandError("only a conversation in which nothing is stored can be closed")
        self._app.paint_soon()

    def _pins(self, command: Command) -> None:
        place = command.values["place"]
        lines = self._app.model.conversation(place).lines
        pinned = [line for line in lines if line.view is not None and line.view.pinned]
        app = self._app
        items = [listing.said(line, place, app.model.me, app.zone) for line in pinned]
        self._app.push_screen(
            Reader(f"Pinned in {place}", items, False, self._ask_more), self._read
        )

    def _info(self, command: Command) -> None:
        app, line = self._app, command.values["line"]
        conversation = app.model.conversation(command.values["place"])
        items = facts(line, conversation, app.model.me, app.zone)
        title = f"About ^{line.seq} in {conversation.name}"
        app.push_screen(Reader(title, items, False, self._ask_more))

    def _edit(self, command: Command) -> None:
        """Bring the words to the line, to be changed there."""
        place, line = command.values["place"], command.values["line"]
        where = "" if place == self._app.current else f"{place} "
        words = " ".join(line.words.splitlines())
        self._app.line.put(f"/edit {where}^{line.seq} {words}")

    def _show_link(self, frame: Frame) -> None:
        uses = frame.get("uses", 1)
        often = "once" if uses == 1 else f"{uses} times"
        join = f"/join {frame['room']} {frame['code']}"
        text = f"Who types this may come in, {often}:\n\n{join}\n\n/unlink {frame['code']} ends it."
        self._app.push_screen(Info(f"A link into {frame['room']}", text))

    def _theme(self, command: Command) -> None:
        name = command.values.get("name")
        if name is None:
            self._app.search_themes()
        elif name in self._app.available_themes:
            self._app.theme = name
        else:
            raise CommandError(f"there is no theme {name!r}; Tab shows them")

    def _confirm(self, payment: Frame) -> None:
        if self._app.asks():
            raise CommandError("one payment at a time: answer the question first")
        model = self._app.model
        known = model.connection is Connection.CONNECTED
        available = model.wallet.available(payment["currency"]) if known else None
        paying.check(payment, model.me, available)

        def decided(yes: bool | None) -> None:
            if yes and not self._has_ended:
                self._app.client.post(payment)
                self._app.open(payment.get("room") or payment["to"])
            else:
                self._app.notify("nothing was paid")

        self._app.push_screen(ConfirmPayment(payment, model), decided)

    def _export(self, command: Command) -> None:
        self._app.run_worker(self._run_export(Path(command.values["folder"])))

    async def _run_export(self, folder: Path) -> None:
        try:
            paths = await export(self._app.client, folder)
        except (RefusedError, LinkError, OSError) as error:
            self._app.complain(f"export: {error}")
        else:
            self._app.notify("written: " + " and ".join(map(str, paths)), markup=False)

    def _erase(self, command: Command) -> None:
        if command.values:
            raise CommandError("/erase stands alone here; it asks for the password")
        me = self._app.model.me
        text = Text(f"Close {me} for ever, and destroy all its words?\n\n")
        text += Text("Nobody can undo this. What was paid stays in the books.", style="dim")

        def decided(yes: bool | None) -> None:
            if yes:
                words = f"To erase {me} now, type its password."
                self._app.push_screen(Secret("Erase the account", words), self._erase_now)
            else:
                self._app.notify("nothing was erased")

        self._app.push_screen(Question("Erase the account", text, "Erase"), decided)

    def _erase_now(self, password: str | None) -> None:
        if password:
            self._app.client.post({"type": "erase", "password": password})
        else:
            self._app.notify("nothing was erased")
