"""One conversation: its lines in order, who read what of them, and what is unread."""

from __future__ import annotations

from bisect import insort

from .lines import Delivery, Key, Line

__all__ = ["Conversation", "Delivery", "Line"]

_SPEAKS = ("message", "payment", "forward")


class Conversation:
    """What was said and paid between us and `name`, which is a person or a room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Line] = []
        """In the order of the box, as every device shows them."""
        self.readers: dict[str, int] = {}
        """In a room: who has read, up to which seq."""
        self.newest_at = 0
        """When the newest entry was stored, if only the hub's list told so far."""
        self._by_key: dict[Key, Line] = {}
        self._read_seq = 0
        self._read_ahead: set[str] = set()
        self._marks: dict[tuple[str, str], Delivery] = {}
        """Marks of others for lines not known yet, by who made them and the id of the line."""
        self._told = (0, 0)
        """How many unread lines the hub counted, and up to which seq."""

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
        known = sum(1 for line in self.lines if self._is_unread(line, me))
        told, up_to = self._told
        if self._read_seq >= up_to:
            return known
        unread = [line.seq or 0 for line in self.lines if self._is_unread(line, me)]
        return max(known, told + sum(seq > up_to for seq in unread))

    def is_called(self, me: str) -> bool:
        """Whether an unread line is meant for us in particular."""
        return any(line.calls(me) for line in self.lines if self._is_unread(line, me))

    def told(self, unread: int, read_up_to: int, up_to: int) -> None:
        """The hub counted `unread` lines between the two seqs: those not loaded here count too."""
        self._read_seq = max(self._read_seq, read_up_to)
        self._told = (unread, up_to)

    def last_unread(self, me: str) -> Line | None:
        """The newest line that a read mark would cover."""
        return next((line for line in reversed(self.lines) if self._is_unread(line, me)), None)

    def _is_unread(self, line: Line, me: str) -> bool:
        speaks = line.kind in _SPEAKS and line.sender != me
        return speaks and (line.seq or 0) > self._read_seq

    def add(self, line: Line) -> None:
        """Put a line where it belongs; one that is here already learns where it was stored."""
        known = self._by_key.get(line.key)
        if known is None:
            self._by_key[line.key] = line
            self._insert(line)
        elif line.seq is not None:
            known.accepted |= line.accepted
            known.offered |= line.offered
            known.frame = line.frame
            self._store(known, line.seq, line.at)

    def find(self, key: Key) -> Line | None:
        """The line of that sender and id, if it is here."""
        return self._by_key.get(key)

    def stored(self, sender: str, id: str, seq: int | None, at: int) -> None:
        """The hub stored a line of ours; where in this box, if it said so."""
        line = self._by_key.get((sender, id))
        if line is not None:
            self._store(line, line.seq or seq, at)

    def mark(
        self, sender: str, id: str, delivery: Delivery, reason: str = "", until: int = 0
    ) -> None:
        """Set what became of a line of ours. What is stored stays stored. `until`: when the reason
        ends, in ms since 1970; 0: never, or not known."""
        line = self._by_key.get((sender, id))
        if line is not None and not line.is_stored:
            line.delivery, line.reason, line.until = delivery, reason, until
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

    def mark_by(self, who: str, up_to: str, delivery: Delivery) -> None:
        """`who` has read, or got, everything up to the line `up_to`."""
        if self._marks.get((who, up_to)) is not Delivery.READ:
            self._marks[who, up_to] = delivery
        self._resolve_reads(self.lines)

    def forget_stored(self) -> None:
        """Drop everything that came from the hub; what waits for an answer stays."""
        self.lines = [line for line in self.lines if line.seq is None]
        self._by_key = {line.key: line for line in self.lines}
        self._read_seq, self._told = 0, (0, 0)
        self.readers.clear()

    def _sink(self, line: Line) -> None:
        """Put a line that will get no place below what is here now."""
        self.lines.remove(line)
        line.after = max((each.seq or 0 for each in self.lines), default=0)
        self._insert(line)

    def _store(self, line: Line, seq: int | None, at: int | None) -> None:
        self.lines.remove(line)
        line.seq, line.at, line.reason = seq, at, ""
        if not line.is_stored:
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
            for who, id in [mark for mark in self._marks if mark[1] == line.id]:
                self._mark(line.seq, self._marks.pop((who, id)))
                self.readers[who] = max(self.readers.get(who, 0), line.seq)

    def _mark(self, seq: int, delivery: Delivery) -> None:
        below = (Delivery.STORED, Delivery.DELIVERED)[: 2 if delivery is Delivery.READ else 1]
        for line in self.lines:
            if line.delivery in below and line.seq is not None and line.seq <= seq:
                line.delivery = delivery
