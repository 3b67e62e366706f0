"""Where an account's boxes stand, and what a returning client missed of them.

The account and its rooms may lie in several partitions, which answer on their own. Each partition's
boxes are handed over in the same step as its last reply, so that whoever begins to listen to them
there misses nothing and gets nothing twice. The account's own partition comes first: from then on
its joins and leaves are heard. With one partition, that is all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from protocol.errors import Code
from protocol.frames import BoxState, Entry

from ..ledger.entries import read_call
from ..ledger.records import CLOSED, SUSPENDED, Record, parse_record
from ..reading.folding import hide_within
from ..seal.seals import Found
from ..store.connection import Command, Down, Lost, Refused

if TYPE_CHECKING:
    from ..services import Services

GAP_MAX = 500
"""Most missed entries of one box that are sent at once; the client fetches the rest."""
GAP_MAX_TOTAL = 2_000
"""The same over all boxes."""
GAP_BYTES_MAX = 1024 * 1024
"""The same in bytes as stored, shared out over the boxes with a cursor: the size of an outbox."""
GAP_BYTES_MIN = 4 * 1024
"""What each of them gets at least."""


@dataclass
class Snapshot:
    """An account: of each partition as of one moment between two posts."""

    record: Record = field(default_factory=lambda: Record(0, 0))
    boxes: dict[str, BoxState] = field(default_factory=dict)
    missed: list[Entry] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    """The same as stored, until all is read."""
    absent: list[str] = field(default_factory=list)
    """Rooms whose partition does not answer now: the account's, as far as its own partition knows,
    and those that it named, which it may be a member of."""
    joined: set[str] = field(default_factory=set)
    """The account's rooms, as its own partition knows them."""


class Visitor:
    """For whom a snapshot is read."""

    token_field = ""
    """The token that they came with, which must still be there."""

    past: dict[str, int]
    """Their cursors of rooms, as far as these are that long."""

    def privacy(self, receipts: bool, seen: bool) -> None:
        """What the account lets others know; told before `hear`."""

    def hear(self, boxes: dict[str, int]) -> None:
        """Listen to these boxes from now on; they stand at these seqs. The account's own box is
        among the first ones."""

    def expect(self, rooms: set[str]) -> None:
        """Of these rooms it is not read yet where they stand: they are not heard before `hear`,
        whatever is told meanwhile of who joined them; it may be among what was missed. Told after
        the account's own box is heard, and again whenever some of them were read."""

    def enter(self, snapshot: Snapshot) -> None:
        """All is read."""

    def fail(self, code: Code) -> None:
        """It cannot be read; nobody is to listen to anything."""


class Reading:
    """One reading of a snapshot."""

    def __init__(
        self, services: Services, name: str, cursors: dict[str, int], visitor: Visitor
    ) -> None:
        self._services = services
        self._name = name
        self._cursors = cursors
        self._visitor = visitor
        self._own = services.keyspace.of(name)
        self._snapshot = Snapshot()
        self._joined = self._snapshot.joined
        self._rooms: set[str] = set()
        """With those that it came from, and is a member of, or may be: the word of it may be on its
        way."""
        self._lengths: dict[str, int] = {}
        self._starts: dict[str, int] = {}
        self._budget = GAP_BYTES_MIN
        self._open = 0
        """Partitions that have not answered yet."""
        self._unread: set[str] = set()
        """Rooms of theirs, and of those that did not answer."""
        self._log = structlog.get_logger("snapshot")

    def begin(self) -> None:
        """Read the rooms, and the length of the boxes with a cursor, to bound what is read then.

        Raises:
            Down: there is no store; nothing was asked.
        """
        named = [box for box in self._cursors if box[0] in "@#"]
        by_partition = self._by_partition(named)
        own = self._own.partition
        by_partition.setdefault(own, [])
        self._open = len(by_partition)
        for partition, boxes in sorted(by_partition.items(), key=lambda one: one[0] != own):
            self._ask_lengths(partition, boxes)

    def _ask_lengths(self, partition: int, boxes: list[str]) -> None:
        of = self._services.keyspace.of
        commands: list[Command] = [("LLEN", of(box).box) for box in boxes]
        home = partition == self._own.partition
        if home:
            commands.append(("SMEMBERS", self._own.joined))
        else:
            commands += self._roles(boxes)

        def take(replies: list[object]) -> None:
            if home and any(isinstance(reply, (Lost, Refused)) for reply in replies):
                self._visitor.fail(Code.UNAVAILABLE)
                return
            if home:
                self._joined |= _names(replies[-1])
            else:
                self._rooms.update(_present(boxes, replies), _unknown(boxes, replies))
            for box, length in zip(boxes, replies, strict=False):
                # If it is not known: from the cursor on.
                self._lengths[box] = length if isinstance(length, int) else self._cursors[box]
            self._open -= 1
            if not self._open:
                self._read_home()

        self._read(partition, commands, take, home)

    def _read_home(self) -> None:
        self._rooms |= self._joined
        self._starts = _starts(self._name, self._rooms, self._cursors, self._lengths)
        self._budget = max(GAP_BYTES_MIN, GAP_BYTES_MAX // max(1, len(self._starts)))
        by_partition = self._by_partition(sorted(self._rooms))
        boxes = [self._name, *by_partition.pop(self._own.partition, ())]
        commands: list[Command] = [("GET", self._own.record), ("SMEMBERS", self._own.joined)]
        commands.append(("HEXISTS", self._own.tokens, self._visitor.token_field))
        commands.append(("HMGET", self._own.profile, "receipts", "seen"))
        commands += self._reads(boxes)

        def take(replies: list[object]) -> None:
            visitor = self._visitor
            if any(isinstance(reply, (Lost, Refused)) for reply in replies):
                visitor.fail(Code.UNAVAILABLE)
            elif not isinstance(replies[0], bytes):
                visitor.fail(Code.TOKEN_INVALID)
            elif _names(replies[1]) != self._joined:
                Reading(self._services, self._name, self._cursors, visitor).begin()
            elif code := self._refusal(parse_record(replies[0]), replies[2]):
                visitor.fail(code)
            else:
                self._snapshot.record = parse_record(replies[0])
                assert isinstance(replies[3], list)
                receipts, seen = (one != b"0" for one in replies[3])
                visitor.privacy(receipts, seen)
                visitor.past = self._past()
                self._add(boxes, replies[4:])
                self._unread = {room for rooms in by_partition.values() for room in rooms}
                visitor.expect(self._unread)
                self._read_others(by_partition)

        try:
            self._services.relay.listen(boxes)
            self._read(self._own.partition, commands, take, home=True)
        except Down:
            self._visitor.fail(Code.UNAVAILABLE)

    def _past(self) -> dict[str, int]:
        """The cursors of rooms, without those of another past."""
        lengths = self._lengths
        named = ((box, seq) for box, seq in self._cursors.items() if box[0] == "#")
        return {box: seq for box, seq in named if seq <= lengths[box]}

    def _refusal(self, record: Record, token: object) -> Code | None:
        """Why nobody may come in, as of the moment from which on it would be announced."""
        if record.flags & CLOSED or (self._visitor.token_field and not token):
            return Code.TOKEN_INVALID
        return Code.SUSPENDED if record.flags & SUSPENDED else None

    def _read_others(self, by_partition: dict[int, list[str]]) -> None:
        self._open = len(by_partition)
        for partition, rooms in by_partition.items():
            self._read_rooms(partition, rooms)
        if not by_partition:
            self._enter()

    def _read_rooms(self, partition: int, rooms: list[str]) -> None:
        def take(replies: list[object]) -> None:
            if any(isinstance(reply, (Lost, Refused)) for reply in replies):
                self._snapshot.absent += rooms
            else:
                found = dict(zip(rooms, replies, strict=False))
                copied = replies[len(rooms) : 2 * len(rooms)]
                there = {*_present(rooms, replies), *self._copies(rooms, copied)}
                here = [room for room in rooms if room in there]
                self._unread = self._unread.difference(rooms)
                self._visitor.expect(self._unread)
                self._add(here, [found[room] for room in here])
            self._open -= 1
            if not self._open:
                self._enter()

        try:
            if not self._services.channel(partition).up:
                raise Down
            self._services.relay.listen(rooms)
        except Down:
            take([Lost()])
            return
        origin = self._services.keyspace.origin
        copied: list[Command] = [("EXISTS", origin(room)) for room in rooms]
        self._read(partition, self._reads(rooms) + copied + self._roles(rooms), take, home=False)

    def _enter(self) -> None:
        """Open what was missed, and hand all over."""
        snapshot = self._snapshot

        def opened(entries: list[Entry]) -> None:
            snapshot.missed = hide_within(entries, self._services.store_now())
            self._visitor.enter(snapshot)

        try:
            self._services.seals.read(snapshot.found, opened)
        except ValueError:
            self._log.exception("an entry cannot be told", account=self._name)
            self._visitor.fail(Code.INTERNAL)

    # Small things.

    def _read(
        self,
        partition: int,
        commands: list[Command],
        take: Callable[[list[object]], None],
        home: bool,
    ) -> None:
        try:
            self._services.pipeline_of(partition).read(commands, take)
        except Down:
            if home:
                raise
            take([Lost()] * len(commands))

    def _by_partition(self, boxes: list[str]) -> dict[int, list[str]]:
        of = self._services.keyspace.partition_of
        found: dict[int, list[str]] = {}
        for box in boxes:
            found.setdefault(of(box), []).append(box)
        return found

    def _reads(self, boxes: list[str]) -> list[Command]:
        commands: list[Command] = []
        for box in boxes:
            key, start = self._services.keyspace.of(box).box, self._starts.get(box)
            whole = ("LLEN", key)
            commands.append(whole if start is None else read_call(key, start, -1, self._budget))
        return commands

    def _roles(self, rooms: list[str]) -> list[Command]:
        """Whether the account is a member: rooms of other partitions know it first."""
        of = self._services.keyspace.of
        return [("HGET", of(room).members, self._name) for room in rooms]

    def _copies(self, rooms: list[str], copied: list[object]) -> list[str]:
        """The account's rooms whose home is another region, which alone knows their members."""
        there = zip(rooms, copied, strict=True)
        return [room for room, is_copy in there if is_copy == 1 and room in self._joined]

    def _add(self, boxes: list[str], replies: list[object]) -> None:
        """Take what one partition says of some boxes, and listen to them."""
        if not boxes:
            return
        epoch = self._services.epoch_of(self._services.keyspace.partition_of(boxes[0]))
        seqs: dict[str, int] = {}
        for box, reply in zip(boxes, replies, strict=True):
            start = self._starts.get(box)
            seqs[box] = _add_box(self._snapshot, box, reply, self._cursors.get(box), start, epoch)
        self._visitor.hear(seqs)


def read_snapshot(services: Services, name: str, cursors: dict[str, int], visitor: Visitor) -> None:
    """Read the state of `name` for `visitor`.

    Raises:
        Down: there is no store; nothing was asked.
    """
    Reading(services, name, cursors, visitor).begin()


def _names(reply: object) -> set[str]:
    assert isinstance(reply, (list, set))
    return {one.decode() for one in reply}


def _present(rooms: list[str], replies: list[object]) -> list[str]:
    """The rooms that the account is in; their roles are the last replies."""
    roles = replies[len(replies) - len(rooms) :]
    return [room for room, role in zip(rooms, roles, strict=True) if isinstance(role, bytes)]


def _unknown(rooms: list[str], replies: list[object]) -> list[str]:
    """Those of which it was not told whether the account is in them."""
    roles = replies[len(replies) - len(rooms) :]
    there = zip(rooms, roles, strict=True)
    return [room for room, role in there if isinstance(role, (Lost, Refused)) and room[0] == "#"]


def _starts(
    name: str, rooms: set[str], cursors: dict[str, int], lengths: dict[str, int]
) -> dict[str, int]:
    """After which seq each box with a cursor is read: the cursor, or later if the gap is long."""
    budget = GAP_MAX_TOTAL
    starts = {}
    for box, cursor in cursors.items():
        if box != name and box not in rooms:
            continue
        gap = max(0, lengths[box] - cursor)
        sent = min(gap, GAP_MAX, budget)
        budget -= sent
        starts[box] = lengths[box] - sent if cursor <= lengths[box] else lengths[box]
    return starts


def _add_box(
    snapshot: Snapshot,
    box: str,
    reply: object,
    cursor: int | None,
    start: int | None,
    epoch: int,
) -> int:
    if cursor is None or start is None:
        assert isinstance(reply, int)
        snapshot.boxes[box] = BoxState(epoch, reply)
        return reply
    assert isinstance(reply, list)
    seq: int = reply[0]
    last, stored = reply[1:]
    missed = [(one, box, place) for place, one in enumerate(stored, last - len(stored) + 1)]
    snapshot.found += missed
    start = seq - len(missed)
    if start == cursor:
        snapshot.boxes[box] = BoxState(epoch, seq)
    else:
        snapshot.boxes[box] = BoxState(epoch, seq, limited=True, first=start + 1)
    return seq
