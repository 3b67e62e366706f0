"""Finds by position what this hub was not told, and reads it from the store.

The hub knows the last seq that it announced of every box somebody here listens to. Entries are
missing after a lost store connection, while another hub's word is on its way, or because it was
lost: the channel between the hubs promises nothing. So a box that is out of step is read after a
moment, all boxes of a partition are read when it is back, before any new post is sent, and while
other hubs are there a slow round compares every box with the store. Nobody's stream gets a hole.

Joins and leaves among what was missed take effect at their place. Where somebody's rooms still
differ from what the store says, or one of their connections lacks one, nobody knows where that
room's stream began for them, and they are asked to resume.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import structlog

from protocol.frames import Entry

from ..faults import FAULT
from ..reading.folding import hide_within
from ..store.connection import Command, Down
from .announcer import Announcer
from .hub import Ahead, Box, Party

if TYPE_CHECKING:
    from ..services import Services

BLIND = FAULT == "lose-relay"
MOMENT_S = 0.02
"""How long a box may be out of step before it is read: mostly, the other hub's word is on its way,
and comes within a round trip."""
SUSPICION_S = 0.25
"""The same where a round found the difference: a busy box is always a little behind."""
DIFFERENCE_S = 3.0
"""How long somebody's rooms may differ from the store's: not all partitions change at once."""
ROUND_S = 5.0
"""Every box is compared with the store once in this time."""
ROOMS_EVERY = 4
"""Rounds from one comparison of everybody's number of rooms to the next."""
SLICES = 50
"""A round goes in so many steps."""
BOXES_PER_READ = 500
ENTRIES_PER_READ = 500
"""Of one box; where more are missing they are read again and again."""


class CatchUp:
    """Reads what is missing."""

    def __init__(
        self, services: Services, announcer: Announcer, posts_lost: Callable[[int], None]
    ) -> None:
        self._services = services
        self._hub = services.hub
        self._announcer = announcer
        self.posts_lost = posts_lost
        """Called if a box is shorter than what was announced of it, with its partition."""
        self._differing: dict[Party, float] = {}
        """Since when somebody's rooms are not those of the store."""
        self._log = structlog.get_logger("catchup")

    def missing(self, box: Box) -> None:
        """Read what is missing of `box` in a moment, unless it has come by then."""
        self._in(MOMENT_S, box)

    def partition_up(self, partition: int) -> None:
        """The store is back: announce what was missed. Call it before anything else is sent.

        Raises:
            Down: if it is gone again; the next connection catches up.
        """
        boxes = [box for box in self._hub.boxes() if self._partition(box) == partition]
        for some in _chunks(boxes):
            self._read(partition, some)
            self._compare_rooms(partition, [box for box in some if isinstance(box, Party)])

    def check(self, names: list[str]) -> None:
        """Compare some boxes with the store."""
        found = (self._hub.find(name) for name in names)
        self._compare([box for box in found if box is not None], MOMENT_S)

    async def rounds(self) -> None:
        """Compare all boxes, again and again; run until cancelled."""
        for number in count():
            try:
                await self._round(number)
            except Exception:  # one mistake must not end the looking for good
                self._log.exception("a round over the boxes was broken off")
                await asyncio.sleep(ROUND_S / SLICES)

    async def _round(self, number: int) -> None:
        self._differing = {one: at for one, at in self._differing.items() if one.listeners}
        if not self._services.relay.others or BLIND:
            await asyncio.sleep(ROUND_S / SLICES)
            self._look_around(number)
            self._look_again()
            return
        self._services.relay.tidy()
        boxes = list(self._hub.boxes())
        share = max(1, -(-len(boxes) // SLICES))
        for start in range(0, SLICES * share, share):
            await asyncio.sleep(ROUND_S / SLICES)
            rooms = number % ROOMS_EVERY == 0
            self._compare(boxes[start : start + share], SUSPICION_S, rooms)
        self._look_again()

    # Comparing.

    def _compare(self, boxes: list[Box], patience_s: float, rooms: bool = False) -> None:
        by_partition: dict[int, list[Box]] = {}
        for box in boxes:
            by_partition.setdefault(self._partition(box), []).append(box)
        for partition, some in by_partition.items():
            try:
                self._lengths(partition, some, patience_s)
                if rooms:
                    self._counts(partition, [box for box in some if isinstance(box, Party)])
            except Down:
                continue

    def _lengths(self, partition: int, boxes: list[Box], patience_s: float) -> None:
        of = self._services.keyspace.of

        def take(replies: list[object]) -> None:
            for box, length in zip(boxes, replies, strict=True):
                if isinstance(length, int) and length != box.seq:
                    self._differs(partition, box, length, patience_s)

        self._ask(partition, [("LLEN", of(box.name).box) for box in boxes], take)

    def _differs(self, partition: int, box: Box, length: int, patience_s: float) -> None:
        if length < box.seq:
            if self._hub.find(box.name) is box:
                self.posts_lost(partition)
        elif box.ahead is None:
            box.ahead = Ahead()
            self._in(patience_s, box)

    def _counts(self, partition: int, parties: list[Party]) -> None:
        """Find accounts that are in more or fewer rooms than they should be."""
        of = self._services.keyspace.of

        def take(replies: list[object]) -> None:
            found = zip(parties, replies, strict=True)
            known = [(one, count) for one, count in found if isinstance(count, int)]
            doubtful = {one for one, count in known if count != len(one.rooms)}
            doubtful.update(one for one, _ in known if self._unheard(one))
            again = doubtful.union(one for one in parties if one in self._differing)
            with suppress(Down):  # the next round, or the next connection, looks again
                self._compare_rooms(partition, list(again))

        self._ask(partition, [("SCARD", of(one.name).joined) for one in parties], take)

    def _look_around(self, number: int) -> None:
        """Alone, there is nothing to compare with the store; but with several partitions somebody
        may have come in without a room. See to some of the accounts, others with each `number`."""
        if self._services.keyspace.partitions == 1:
            return
        step, now = ROOMS_EVERY * SLICES, self._services.now()
        for party in islice(self._hub.parties.values(), number % step, None, step):
            if self._unheard(party):
                self._differing.setdefault(party, now)

    def _look_again(self) -> None:
        """Compare those whose rooms differed for long."""
        now, by_partition = self._services.now(), dict[int, list[Party]]()
        for party, since in self._differing.items():
            if now - since >= DIFFERENCE_S:
                by_partition.setdefault(self._partition(party), []).append(party)
        for partition, parties in by_partition.items():
            with suppress(Down):
                self._compare_rooms(partition, parties)

    def _compare_rooms(self, partition: int, parties: list[Party]) -> None:
        """See whether they are in the rooms that the store says. With other hubs, or several
        partitions, not all of it changes at once: only a difference that lasts means something."""
        services = self._services
        at_once = services.keyspace.partitions == 1 and not services.relay.others

        def take(replies: list[object]) -> None:
            now = services.now()
            for party, reply in zip(parties, replies, strict=True):
                if not isinstance(reply, list | set):  # lost or refused
                    continue
                since = self._differing.setdefault(party, now)
                same = {room.decode() for room in reply} == party.rooms
                if same and not self._unheard(party):
                    del self._differing[party]
                elif at_once or now - since >= DIFFERENCE_S:
                    del self._differing[party]
                    self._hub.resync(party)

        of = services.keyspace.of
        self._ask(partition, [("SMEMBERS", of(one.name).joined) for one in parties], take)

    def _unheard(self, party: Party) -> bool:
        """Whether one of its connections lacks one of its rooms whose partition is there."""
        services, find = self._services, self._hub.rooms.get
        for name in party.rooms:
            room = find(name)
            here = [one for one in party.listeners if not one.coming]
            if all(room is not None and one in room for one in here):
                continue
            if services.channel(services.keyspace.partition_of(name)).up:
                return True
        return False

    # Reading.

    def _in(self, pause_s: float, box: Box) -> None:
        ahead = box.ahead
        if ahead is not None and ahead.timer is None and not ahead.reading:
            loop = asyncio.get_running_loop()
            ahead.timer = loop.call_later(pause_s, self._read_one, box)

    def _read_one(self, box: Box) -> None:
        if box.ahead is not None:
            box.ahead.timer = None
            if self._hub.find(box.name) is box:
                with suppress(Down):  # all boxes are read when the store is back
                    self._read(self._partition(box), [box])

    def _read(self, partition: int, boxes: list[Box]) -> None:
        commands: list[Command] = []
        for box in boxes:
            key, seq = self._services.keyspace.of(box.name).box, box.seq
            if box.ahead is not None:
                box.ahead.reading = True
            commands += [("LLEN", key), ("LRANGE", key, seq, seq + ENTRIES_PER_READ - 1)]
        seqs = [box.seq for box in boxes]

        def take(replies: list[object]) -> None:
            for place, (box, seq) in enumerate(zip(boxes, seqs, strict=True)):
                if box.ahead is not None:
                    box.ahead.reading = False
                if self._hub.find(box.name) is box:
                    self._found(partition, box, seq, *replies[2 * place : 2 * place + 2])

        self._ask(partition, commands, take)

    def _found(self, partition: int, box: Box, seq: int, length: object, stored: object) -> None:
        if not isinstance(length, int) or not isinstance(stored, list):
            if box.ahead is not None and self._services.channel(partition).up:
                self.missing(box)  # refused; if it was lost, all boxes are read when it is back
            return
        held = box.ahead.items if box.ahead is not None else ()
        if length < max((seq, *held)):
            self.posts_lost(partition)
            return
        missing = [(one, box.name, place) for place, one in enumerate(stored, seq + 1)]
        try:
            self._services.seals.read(
                [one for one in missing if one[2] > box.seq], partial(self._opened, box, length)
            )
        except ValueError:  # a damaged entry costs its box, not the others
            self._log.exception("an entry cannot be announced", box=box.name)
            self._hub.resync(box)
            self._hub.forget(box)

    def _opened(self, box: Box, length: int, entries: list[Entry]) -> None:
        """Announce what was missing of `box`, and go on."""
        if self._hub.find(box.name) is not box:
            return
        for entry in hide_within(entries, self._services.store_now()):
            self._announce(box, entry)
            box = self._hub.find(box.name) or box  # somebody may have opened the room anew
        if box.seq < length:
            box.ahead = box.ahead or Ahead()
            self._read_one(box)
        elif box.ahead is not None:
            self._announcer.settle(box)
        self._announcer.flush()

    def _announce(self, box: Box, entry: Any) -> None:
        if entry.seq > box.seq:
            if box.ahead is None or entry.seq not in box.ahead.items:
                self._services.counters.relay_gaps += 1
            self._announcer.put(box, entry.seq, entry.at, entry)

    def _ask(
        self, partition: int, commands: list[Command], take: Callable[[list[object]], None]
    ) -> None:
        if commands:
            self._services.pipeline_of(partition).read_ahead(commands, take)

    def _partition(self, box: Box) -> int:
        return self._services.keyspace.of(box.name).partition


def _chunks(boxes: list[Box]) -> Iterator[list[Box]]:
    for start in range(0, len(boxes), BOXES_PER_READ):
        yield boxes[start : start + BOXES_PER_READ]
