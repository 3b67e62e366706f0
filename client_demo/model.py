"""The conversations of one account, as the events tell them. No I/O, no clock, no screen.

Every entry belongs to the conversation that its box and parties name: a room's box is the room's
conversation; in one's own box it is the one with the other person. A line is one entry, or a frame
of ours that will be one; the two meet in `(sender, id)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from protocol.folding import CHANGES, Folding

from . import events, standing
from .conversation import Conversation, Delivery, Line
from .endings import ENDINGS, sentence
from .events import Event, Frame
from .people import People
from .session import PUT_OUT
from .standing import Standing
from .wallet import Wallet

_SPOKEN = ("message", "forward", "payment", "deposit")
_OWN_LINES = ("message", "forward", "payment")
_ADMIN_NOTES = ("invite", "kick", "ban", "mute", "role", "topic", "accept", "decline")
_NOTES = ("create", "join", "leave", *_ADMIN_NOTES)
_PLACE = {"box", "seq"}
_MARKS = {"read": Delivery.READ, "delivered": Delivery.DELIVERED}


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
        self.people = People()
        self.standings: dict[str, Standing] = {}
        """How we stand with each person and room of the list."""
        self.now = 0
        """The time in milliseconds since 1970, as `tick` told it."""
        self._folding = Folding(me)
        self._endings: dict[tuple[str, str], list[Frame]] = {}
        """Entries that tell how a line ended, kept because the line may come later."""
        self._order = 0
        self._offer_days = 0
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

    def is_empty(self, name: str) -> bool:
        """Whether nothing was stored in a conversation, and nothing waits."""
        conversation = self.conversations.get(name)
        return conversation is not None and conversation.is_idle

    def close(self, name: str) -> bool:
        """Forget a conversation in which nothing was stored or waits; false if anything is."""
        if not self.is_empty(name):
            return False
        self._leave(name)
        return True

    def standing(self, name: str) -> Standing:
        """How we stand with `name`."""
        return self.standings.setdefault(name, Standing())

    def tick(self, now: int) -> bool:
        """It is `now`, in milliseconds since 1970; whether anything looks different by that."""
        self.now = now
        changed = self.people.tick()
        for conversation in self.conversations.values():
            for line in conversation.lines:
                if line.ends_at is not None and line.ends_at <= now and not line.gone:
                    self._look(conversation, line)
                    changed = True
        return changed

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
                self.people.lost()
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
            case events.Refused(frame, code, message, details):
                self._mark(frame, Delivery.REFUSED, message, details.get("until", 0))
                if frame["type"] == "history" and code == "not_a_member":
                    self._leave(frame["box"])
            case events.EntryCame(entry, late):
                self._entry(entry)
                if not late:
                    self._follow(entry)
            case events.Page():
                self._page(event)
            case _:
                self._learn(event)

    def _learn(self, event: Event) -> None:
        """Take an answer or a notice into account."""
        match event:
            case events.BalanceCame(balances, version):
                self.wallet.sheet(balances, version)
            case events.Answered(question, answer):
                self._answered(question, answer)
            case events.Noticed(notice):
                self._noticed(notice)

    def _connected(self, event: events.Connected) -> None:
        self.connection, self.trouble = Connection.CONNECTED, ""
        self.wallet.sheet(event.balances, event.version)
        self._offer_days = event.limits.get("offer_days", 0)
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
                self._folding.forget(name)

    def _posted(self, frame: Frame) -> None:
        for name in self._places(frame):
            ours = frame | {"from": self.me, "text": self._words(frame)}
            for place in _PLACE & ours.keys():  # a forward names the place of what it sends on
                del ours[place]
            self._add(name, ours)
        if frame["type"] == "read":
            self.conversation(frame["to"]).read(frame["up_to"])
        self._logging_out |= frame["type"] == "logout"

    def _words(self, frame: Frame) -> str:
        """The words of a frame of ours; those that are sent on stand elsewhere."""
        if frame["type"] != "forward":
            return str(frame.get("text", ""))
        ref = (frame["ref"]["from"], frame["ref"]["id"])
        found = (each.find(ref) for each in self.conversations.values())
        return next((line.words for line in found if line), "")

    def _mark(self, frame: Frame, delivery: Delivery, reason: str = "", until: int = 0) -> None:
        for name in self._places(frame):
            self.conversation(name).mark(self.me, frame["id"], delivery, reason, until)

    def _stored(self, frame: Frame, ack: Frame) -> None:
        kind = frame["type"]
        for name in self._places(frame):
            seq = ack.get("seq") if ack.get("box") == self.box_of(name) else None
            conversation = self.conversation(name)
            conversation.stored(self.me, frame["id"], seq, ack["at"])
            line = conversation.find((self.me, frame["id"]))
            if line is not None:
                line.accepted |= ack.get("state") == "accepted"
                line.offered |= ack.get("state") == "waiting"
        if "seq" in ack and "box" in ack:
            self._own_entry(frame, {key: ack[key] for key in ("box", "seq", "at")})
        if kind in ("create", "join") and not ack.get("asks", False):
            self.conversation(frame["room"])
        elif kind == "leave":
            self._leave(frame["room"])
        self.logged_out |= kind in ("logout", "erase")
        if "balance" in ack:
            self.wallet.one(frame["currency"], ack["balance"])

    def _own_entry(self, frame: Frame, place: Frame) -> None:
        """What we posted stands in a box now; this connection does not get it as an entry."""
        entry = frame | {"from": self.me} | place
        if frame["type"] in _OWN_LINES:
            entry["text"] = self._words(frame)
        if frame["type"] == "invite" and "code" in frame:
            return
        if frame["type"] == "topic":
            self.people.renamed(entry)
        if frame["type"] in _ADMIN_NOTES and self._place(entry):
            self._add(str(self._place(entry)), entry)
        if frame["type"] in standing.ENTRIES and "room" not in frame:
            self.standing(frame["who"]).take(entry)
        self._fold(entry)

    def _places(self, frame: Frame) -> list[str]:
        """The conversations that show a frame of ours: a payment may stand in a room too."""
        if frame["type"] not in _OWN_LINES:
            return []
        return [frame["to"], *([frame["room"]] if "room" in frame else [])]

    def _leave(self, room: str) -> None:
        self.conversations.pop(room, None)
        self.shelves.pop(room, None)

    def _page(self, page: events.Page) -> None:
        """Put a page on its shelf. One that is not next to what we have would leave a hole."""
        shelf = self.shelves.setdefault(page.box, Shelf())
        if page.before != shelf.oldest:
            return
        for entry in (*page.entries, *page.later):
            self._entry(entry)
        if page.entries:
            first = page.entries[0]["seq"]
            shelf.oldest = min(first, shelf.oldest or first)
        shelf.more = page.more

    def _entry(self, entry: Frame) -> None:
        kind, box = entry["type"], entry["box"]
        name = self._place(entry)
        if kind in _MARKS:
            self._read(entry)
        elif kind in _SPOKEN and name:
            self._add(name, entry)
            self.people.spoke(entry["from"], name)
        elif kind in _NOTES and name:
            self._add(name, entry)
        if kind in standing.ENTRIES and box == self.me and "room" not in entry:
            self.standing(entry["who"]).take(entry)
        self._fold(entry)
        if kind in ENDINGS or (box == self.me and "room" in entry and _is_settled(entry)):
            self._ended(entry)
        if "balance" in entry and box == self.me:
            self.wallet.one(entry["currency"], entry["balance"])

    def _fold(self, entry: Frame) -> None:
        """Show anew what the entry speaks of."""
        if entry["type"] not in _OWN_LINES and entry["type"] not in CHANGES:
            return
        for place, key in self._folding.add(entry):
            conversation = self.conversations.get(place)
            line = conversation.find(key) if conversation else None
            if conversation and line:
                self._look(conversation, line)

    def _look(self, conversation: Conversation, line: Line) -> None:
        line.view = self._folding.view(conversation.name, line.key, self.now) or line.view

    def _answered(self, question: Frame, answer: Frame) -> None:
        match answer["type"]:
            case "conversations":
                for each in answer["conversations"]:
                    self._listed(each)
            case "profiles":
                self.people.described(question.get("who", []), answer["profiles"])
            case "watch":
                self.people.watched(answer)

    def _listed(self, listed: Frame) -> None:
        """A conversation of the hub's list."""
        name, last = listed["who"], listed.get("last")
        self.standing(name).told(listed)
        if last is not None or name.startswith("#"):
            conversation = self.conversation(name)
            up_to = last["seq"] if last else 0
            conversation.told(listed.get("unread", 0), listed.get("read_up_to", 0), up_to)
            conversation.newest_at = max(conversation.newest_at, last["at"] if last else 0)

    def _noticed(self, notice: Frame) -> None:
        to = notice.get("to", self.me)
        place = to if to.startswith("#") else notice["from"]
        if notice["type"] in _MARKS and place in self.conversations:
            mark = _MARKS[notice["type"]]
            self.conversations[place].mark_by(notice["from"], notice["up_to"], mark)
        elif notice["from"] != self.me:
            self.people.notice(notice, place)

    def _add(self, name: str, frame: Frame) -> None:
        self._order += 1
        line = Line.of(frame, self._order)
        line.offer_days = self._offer_days
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
        """Leave a room that we left on another device, or that we were put out of, and learn what
        a room is about; an old entry says nothing about now."""
        if entry["type"] == "topic":
            self.people.renamed(entry)
        if entry["type"] in PUT_OUT:
            if entry["who"] == self.me and not entry.get("remove"):
                self._leave(entry["room"])
        elif entry["type"] == "leave" and entry["from"] == self.me and entry["box"] != self.me:
            self._leave(entry["room"])

    def _place(self, entry: Frame) -> str | None:
        """The conversation of an entry. Of notes about a room in one's own box only an invitation
        is a line, in the conversation with who invites."""
        box = entry["box"]
        if box != self.me:
            return str(box)
        if entry["type"] == "invite" and entry["from"] != self.me:
            return str(entry["from"])
        if "to" not in entry:
            return None
        return str(entry["to"] if entry["from"] == self.me else entry["from"])

    def _read(self, entry: Frame) -> None:
        if entry["from"] == self.me:
            if entry["type"] == "read":
                self.conversation(entry["to"]).read(entry["up_to"])
        elif entry["to"] == self.me:
            mark = _MARKS[entry["type"]]
            self.conversation(entry["from"]).mark_by(entry["from"], entry["up_to"], mark)


def _is_settled(entry: Frame) -> bool:
    return entry.get("state") == "settled"
