"""One conversation: its lines in order, what became of our own, and what is unread."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from enum import Enum

from .events import Frame


class Delivery(Enum):
    """What became of a line of ours. A line of others is always `STORED`."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    """No answer came before the connection broke; the hub is asked again."""
    STORED = "stored"
    ACCEPTED = "accepted"
    """Stored, but the money is still on its way. Only `Line.fate` says so."""
    READ = "read"
    REFUSED = "refused"
    RETURNED = "returned"
    """Stored, but it could not be delivered. Only `Line.fate` says so."""


@dataclass(slots=True, eq=False)
class Line:
    """A message, a payment, a deposit, or a note that someone came or went.

    `amount` is in minor units of `currency`; `at` is in milliseconds since 1970 by the store's
    clock; `seq` and `at` are `None` until the line is stored. `after` is for a refused line: the
    seq of the newest line when it was refused or came back.

    The last four are facts that only ever become true, so that they may come in any order:
    `accepted`: the money left the payer; `settled`: the payee has it; `returned`: why it came
    back; `unshown`: why the room that a payment named does not show it.
    """

    kind: str
    sender: str
    id: str
    to: str
    text: str
    order: int
    amount: int = 0
    currency: str = ""
    room: str = ""
    seq: int | None = None
    after: int | None = None
    at: int | None = None
    delivery: Delivery = Delivery.SENDING
    reason: str = ""
    accepted: bool = False
    settled: bool = False
    returned: str = ""
    unshown: str = ""

    @classmethod
    def of(cls, frame: Frame, order: int) -> Line:
        """A line from an entry, or from a frame of ours. `order` sorts what is not stored yet."""
        return cls(
            kind=frame["type"],
            sender=frame["from"],
            id=frame["id"],
            to=frame["to"] if "to" in frame else frame["room"],
            text=frame.get("text", ""),
            order=order,
            amount=frame.get("amount", 0),
            currency=frame.get("currency", ""),
            room=frame.get("room", ""),
            seq=frame.get("seq"),
            at=frame.get("at"),
            delivery=Delivery.STORED if "seq" in frame else Delivery.SENDING,
            accepted=frame.get("state") == "accepted",
            settled=frame.get("state") == "settled",
        )

    @property
    def key(self) -> tuple[str, str]:
        """What is the same for this line on every device."""
        return self.sender, self.id

    @property
    def fate(self) -> Delivery:
        """What became of the line, all told: its delivery, unless its money is on its way still,
        or it came back. Only the ledger's word counts: that somebody read it settles nothing."""
        if self.returned:
            return Delivery.RETURNED
        stored = self.delivery in (Delivery.STORED, Delivery.READ)
        if stored and self.accepted and not self.settled:
            return Delivery.ACCEPTED
        return self.delivery

    @property
    def place(self) -> tuple[float, bool, int]:
        """Where the line stands: stored lines by `seq`; one without, that was refused or came
        back, below what was there then; at the end what waits, as it was posted."""
        if self.seq is not None:
            return self.seq, False, self.order
        if self.after is not None:
            return self.after, True, self.order
        return float("inf"), False, self.order


class Conversation:
    """What was said and paid between us and `name`, which is a person or a room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Line] = []
        """In the order of the box, as every device shows them."""
        self._by_key: dict[tuple[str, str], Line] = {}
        self._read_seq = 0
        self._read_ahead: set[str] = set()
        self._read_by_other: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many lines of ours have no answer yet."""
        return sum(line.delivery in (Delivery.SENDING, Delivery.UNKNOWN) for line in self.lines)

    @property
    def is_idle(self) -> bool:
        """Whether nothing here is stored or waits: at most refused lines are."""
        return all(line.delivery is Delivery.REFUSED for line in self.lines)

    def unread(self, me: str) -> int:
        """How many lines of others came after the last read mark."""
        return sum(1 for line in self.lines if self._is_unread(line, me))

    def last_unread(self, me: str) -> Line | None:
        """The newest line that a read mark would cover."""
        return next((line for line in reversed(self.lines) if self._is_unread(line, me)), None)

    def _is_unread(self, line: Line, me: str) -> bool:
        speaks = line.kind in ("message", "payment") and line.sender != me
        return speaks and (line.seq or 0) > self._read_seq

    def add(self, line: Line) -> None:
        """Put a line where it belongs; one that is here already learns where it was stored."""
        known = self._by_key.get(line.key)
        if known is None:
            self._by_key[line.key] = line
            self._insert(line)
        elif line.seq is not None:
            known.accepted |= line.accepted
            self._store(known, line.seq, line.at)

    def find(self, key: tuple[str, str]) -> Line | None:
        """The line of that sender and id, if it is here."""
        return self._by_key.get(key)

    def stored(self, sender: str, id: str, seq: int | None, at: int) -> None:
        """The hub stored a line of ours; where in this box, if it said so."""
        line = self._by_key.get((sender, id))
        if line is not None:
            self._store(line, line.seq or seq, at)

    def mark(self, sender: str, id: str, delivery: Delivery, reason: str = "") -> None:
        """Set what became of a line of ours. What is stored stays stored."""
        line = self._by_key.get((sender, id))
        if line is not None and line.delivery not in (Delivery.STORED, Delivery.READ):
            line.delivery, line.reason = delivery, reason
            if delivery is Delivery.REFUSED:
                self._sink(line)

    def end(self, line: Line, to: str, returned: str) -> None:
        """Tell a line how it ended at `to`, which is whom it went to, or the room that was to
        show it. `returned`: why it came back from there; if empty, it did not."""
        if to == line.to and returned:
            line.returned = returned
        elif to == line.to:
            line.settled = True
        elif to == line.room:
            line.unshown = returned
        if returned and line.seq is None and to in (line.to, line.room):
            self._sink(line)

    def read(self, up_to: str) -> None:
        """We read everything up to the line `up_to`, here or on another device."""
        self._read_ahead.add(up_to)
        self._resolve_reads(self.lines)

    def read_by_other(self, up_to: str) -> None:
        """The other person read everything up to the line `up_to`."""
        self._read_by_other.add(up_to)
        self._resolve_reads(self.lines)

    def forget_stored(self) -> None:
        """Drop everything that came from the hub; what waits for an answer stays."""
        self.lines = [line for line in self.lines if line.seq is None]
        self._by_key = {line.key: line for line in self.lines}
        self._read_seq = 0

    def _sink(self, line: Line) -> None:
        """Put a line that will get no place below what is here now."""
        self.lines.remove(line)
        line.after = max((each.seq or 0 for each in self.lines), default=0)
        self._insert(line)

    def _store(self, line: Line, seq: int | None, at: int | None) -> None:
        self.lines.remove(line)
        line.seq, line.at, line.reason = seq, at, ""
        if line.delivery is not Delivery.READ:
            line.delivery = Delivery.STORED
        self._insert(line)

    def _insert(self, line: Line) -> None:
        insort(self.lines, line, key=lambda each: each.place)
        self._resolve_reads([line])

    def _resolve_reads(self, candidates: list[Line]) -> None:
        """Turn marks, which name a line, into places, as soon as the line is known."""
        for line in candidates:
            if line.seq is None:
                continue
            if line.id in self._read_ahead:
                self._read_ahead.discard(line.id)
                self._read_seq = max(self._read_seq, line.seq)
            if line.id in self._read_by_other:
                self._read_by_other.discard(line.id)
                self._mark_read(line.seq)

    def _mark_read(self, seq: int) -> None:
        for line in self.lines:
            if line.delivery is Delivery.STORED and line.seq is not None and line.seq <= seq:
                line.delivery = Delivery.READ
