"""The conversations of one account, as the events tell them. No I/O, no clock, no screen.

Every entry belongs to the conversation that its box and parties name: a room's box is the room's
conversation; in one's own box it is the one with the other person. A line is one entry, or a frame
of ours that will be one; the two meet in `(sender, id)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from . import events
from .conversation import Conversation, Delivery, Line
from .endings import ENDINGS, sentence
from .events import Event, Frame
from .wallet import Wallet

_LINES = ("message", "payment", "deposit", "create", "join", "leave")
_OWN_LINES = ("message", "payment")


class Connection(Enum):
    """How we stand with the hub."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    STOPPED = "stopped"


@dataclass(slots=True)
class Shelf:
    """How far back a box has been read. `oldest`: the lowest seq we have, `None` before the first
    page; `more`: the hub has older ones."""

    oldest: int | None = None
    more: bool = True


Members: TypeAlias = dict[str, str]


class Model:
    """Everything that a screen shows; `apply` is the only way to change it."""

    def __init__(self, me: str) -> None:
        self.me = me
        """Our own name, such as `@alice`."""
        self.connection = Connection.CONNECTING
        self.trouble = ""
        """Why there is no connection, for people."""
        self.stop_code = ""
        """Why the link ended, for programs: the code of `Stopped`."""
        self.logged_out = False
        """Whether our token was revoked because we asked for it."""
        self.wallet = Wallet()
        self.conversations: dict[str, Conversation] = {}
        self.shelves: dict[str, Shelf] = {}
        self.missing: set[str] = set()
        """Rooms that the last welcome lacked: we left them elsewhere, or they are away."""
        self._endings: dict[tuple[str, str], list[Frame]] = {}
        """Entries that tell how a line ended, kept because the line may come later."""
        self._order = 0
        self._logging_out = False

    def conversation(self, name: str) -> Conversation:
        """The conversation with `name`, made if it is new."""
        found = self.conversations.get(name)
        if found is None:
            found = self.conversations[name] = Conversation(name)
            self.shelves.setdefault(self.box_of(name), Shelf())
        return found

    def box_of(self, name: str) -> str:
        """The box that holds the conversation `name`."""
        return name if name.startswith("#") else self.me

    def close(self, name: str) -> bool:
        """Forget a conversation in which nothing was stored or waits; false if anything is."""
        conversation = self.conversations.get(name)
        if conversation is None or not conversation.is_idle:
            return False
        self._leave(name)
        return True

    @property
    def waiting(self) -> int:
        """How many messages and payments of ours have no answer yet."""
        return sum(conversation.waiting for conversation in self.conversations.values())

    def apply(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case events.Connected():
                self._connected(event)
            case events.Disconnected(reason):
                self.connection, self.trouble = Connection.RECONNECTING, reason
            case events.Stopped(code, reason):
                self.connection, self.trouble = Connection.STOPPED, reason
                self.stop_code = code
                # The answer to a logout may be lost; that the token is not valid says it too.
                self.logged_out |= code == "token_invalid" and self._logging_out
            case events.Posted(frame):
                self._posted(frame)
            case events.Unknown(frame) | events.Again(frame, unknown=True):
                self._mark(frame, Delivery.UNKNOWN)
            case events.Stored(frame, ack):
                self._stored(frame, ack)
            case events.Refused(frame, _, message):
                self._mark(frame, Delivery.REFUSED, message)
            case events.EntryCame(entry, late):
                self._entry(entry)
                if not late:
                    self._follow(entry)
            case events.Page(box, entries, more):
                self._page(box, entries, more)
            case events.BalanceCame(balances, version):
                self.wallet.sheet(balances, version)

    def _connected(self, event: events.Connected) -> None:
        self.connection, self.trouble = Connection.CONNECTED, ""
        self.wallet.sheet(event.balances, event.version)
        for box in event.reset:
            self._forget(box)
        for room in [name for name in self.conversations if name.startswith("#")]:
            if room not in event.boxes and not self.conversations[room].waiting:
                self._leave(room)
                self.missing.add(room)
        self.missing.difference_update(event.boxes)
        for box in event.boxes:
            self.shelves.setdefault(box, Shelf())
            if box != self.me:
                self.conversation(box)

    def _forget(self, box: str) -> None:
        """A box was restored from a backup: what we know of it may not have happened."""
        self.shelves[box] = Shelf()
        if box == self.me:
            self._endings.clear()
        for name, conversation in self.conversations.items():
            if self.box_of(name) == box:
                conversation.forget_stored()

    def _posted(self, frame: Frame) -> None:
        for name in self._places(frame):
            self._add(name, frame | {"from": self.me})
        if frame["type"] == "read":
            self.conversation(frame["to"]).read(frame["up_to"])
        self._logging_out |= frame["type"] == "logout"

    def _mark(self, frame: Frame, delivery: Delivery, reason: str = "") -> None:
        for name in self._places(frame):
            self.conversation(name).mark(self.me, frame["id"], delivery, reason)

    def _stored(self, frame: Frame, ack: Frame) -> None:
        kind = frame["type"]
        for name in self._places(frame):
            seq = ack.get("seq") if ack.get("box") == self.box_of(name) else None
            conversation = self.conversation(name)
            conversation.stored(self.me, frame["id"], seq, ack["at"])
            line = conversation.find((self.me, frame["id"]))
            if line is not None:
                line.accepted |= ack.get("state") == "accepted"
        if kind in ("create", "join"):
            self.conversation(frame["room"])
        elif kind == "leave":
            self._leave(frame["room"])
        self.logged_out |= kind == "logout"
        if "balance" in ack:
            self.wallet.one(frame["currency"], ack["balance"])

    def _places(self, frame: Frame) -> list[str]:
        """The conversations that show a frame of ours: a payment may stand in a room too."""
        if frame["type"] not in _OWN_LINES:
            return []
        return [frame["to"], *([frame["room"]] if "room" in frame else [])]

    def _leave(self, room: str) -> None:
        self.conversations.pop(room, None)
        self.shelves.pop(room, None)

    def _page(self, box: str, entries: tuple[Frame, ...], more: bool) -> None:
        shelf = self.shelves.setdefault(box, Shelf())
        for entry in entries:
            self._entry(entry)
        if entries:
            shelf.oldest = min(entries[0]["seq"], shelf.oldest or entries[0]["seq"])
        shelf.more = more

    def _entry(self, entry: Frame) -> None:
        kind, box = entry["type"], entry["box"]
        if kind == "read":
            self._read(entry)
        elif kind in _LINES:
            name = self._place(entry)
            if name:
                self._add(name, entry)
        if kind in ENDINGS or (box == self.me and "room" in entry and _is_settled(entry)):
            self._ended(entry)
        if "balance" in entry and box == self.me:
            self.wallet.one(entry["currency"], entry["balance"])

    def _add(self, name: str, frame: Frame) -> None:
        self._order += 1
        line = Line.of(frame, self._order)
        conversation = self.conversation(name)
        conversation.add(line)
        for ending in self._endings.get(line.key, ()):
            self._end(conversation, ending)

    def _ended(self, entry: Frame) -> None:
        """An entry of our box says how a line ended, wherever that line stands: a payment that is
        settled in the payee's own box is so in the room that shows it, too."""
        self._endings.setdefault((entry["from"], entry["id"]), []).append(entry)
        for conversation in self.conversations.values():
            self._end(conversation, entry)

    def _end(self, conversation: Conversation, ending: Frame) -> None:
        line = conversation.find((ending["from"], ending["id"]))
        if line is not None:
            came_back = ending["type"] == "returned"
            conversation.end(line, ending["to"], sentence(ending) if came_back else "")

    def _follow(self, entry: Frame) -> None:
        """Leave a room that we left on another device; an old entry says nothing about now."""
        if entry["type"] == "leave" and entry["from"] == self.me and entry["box"] != self.me:
            self._leave(entry["room"])

    def _place(self, entry: Frame) -> str | None:
        """The conversation of an entry. A note about a room in one's own box is no line."""
        box = entry["box"]
        if box != self.me:
            return str(box)
        if "to" not in entry:
            return None
        return str(entry["to"] if entry["from"] == self.me else entry["from"])

    def _read(self, entry: Frame) -> None:
        if entry["from"] == self.me:
            self.conversation(entry["to"]).read(entry["up_to"])
        elif entry["to"] == self.me:
            self.conversation(entry["from"]).read_by_other(entry["up_to"])


def _is_settled(entry: Frame) -> bool:
    return entry.get("state") == "settled"
