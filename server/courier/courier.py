"""Which lanes there are for this hub to work, and how it hears that there is something to carry.

Each source partition has one courier among the hubs that live. A hub that posts what another one
carries sends it a word with the legs; if they are not settled in time, it carries them itself. The
records of all lanes are looked at every second, so whatever was not heard of is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b

import msgspec
import structlog

from ..commit.outcomes import Result
from ..ledger.legs import stamped
from ..ledger.posts import Post
from ..ledger.status import DONE
from ..store.connection import Down, Lost, Refused
from .ends import Place
from .lane import Lane
from .origin import Origin
from .outstanding import LaneBroken, parse_in, parse_out
from .ways import Ways

OVERDUE_S = 0.5
"""A leg that another hub was told of and that is not settled by then is carried here, too."""
OVERDUE_ABROAD_S = 2.0
"""The same for another region, which may be almost half a second away, there and back."""
TICK_S = 0.25
SCAN_S = 1.0

Word = tuple[Place, int, bytes]
"""The place a leg goes to, its number, and itself; 0 and nothing: look into the outbox."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Word]).decode


def elected(partition: int, hubs: Sequence[bytes]) -> bytes:
    """Which of `hubs` is the courier of a source partition: the one with the highest hash of both.

    So all hubs agree without a word, and one that comes or goes changes only its own share
    (rendezvous hashing). At least one hub.
    """
    return max(hubs, key=lambda hub: blake2b(b"%d:%b" % (partition, hub), digest_size=8).digest())


class Courier:
    """All lanes that this hub has to do with. A `Carrier` of the pipelines."""

    def __init__(self, ways: Ways, me: bytes, live: Callable[[], Sequence[bytes]]) -> None:
        """`me` is this hub's id; `live` answers the ids of all hubs that live, ours among them."""
        self._ways = ways
        self._me = me
        self._live = live
        self.lanes: dict[tuple[int, Place], Lane] = {}
        self.mine: frozenset[int] = frozenset()
        """The source partitions whose courier this hub is."""
        tag = ways.keyspace.tag
        self._channels = [f"{tag(n)}courier".encode() for n in range(ways.keyspace.partitions)]
        self.channels = {name: source for source, name in enumerate(self._channels)}
        """Where words to the courier of a source partition are published."""
        self._words: dict[int, list[Word]] = {}
        self._handed: dict[tuple[int, Place], tuple[int, float]] = {}
        """A leg of each lane that another hub was told of, and when to see after it."""
        self._scan_at = 0.0
        self._log = structlog.get_logger("courier")

    # What the pipelines tell.

    def settled(self, posts: list[Post], at: int, found: list[Result]) -> None:
        touched: dict[Origin, None] = {}
        for post, result in zip(posts, found, strict=True):
            if isinstance(post.origin, Origin):
                post.origin.answered(post, result)
                touched[post.origin] = None
            elif post.legs and result[0] in DONE:
                seqs = result[-len(post.legs) :]
                for out, seq in zip(post.legs, seqs, strict=True):
                    dest = int(out.dest) if out.dest.isdigit() else out.dest
                    self._carry(post.partition, dest, int(seq), stamped(at, out.data))
        for origin in touched:
            origin.go()
        self._say()

    def failed(self, posts: list[Post]) -> None:
        touched: dict[Origin, None] = {}
        for post in posts:
            if isinstance(post.origin, Origin):
                post.origin.failed(post)
                touched[post.origin] = None
        for origin in touched:
            origin.go()

    # What other hubs tell.

    def heard(self, channel: bytes, payload: bytes) -> None:
        """A word of a hub to the courier of a source partition; our own come back, too.

        Raises:
            ValueError: if it is damaged.
        """
        if payload.startswith(self._me):
            return
        source = self.channels[channel]
        for dest, seq, stored in _decode(payload[len(self._me) :]):
            if source in self.mine:
                self._work(source, dest, seq, stored)

    def elect(self) -> None:
        """Hubs have come or gone: see whose courier we are now."""
        live = self._live()
        partitions = range(self._ways.keyspace.partitions)
        mine = frozenset(n for n in partitions if elected(n, live) == self._me)
        gained, lost = mine - self.mine, self.mine - mine
        self.mine = mine
        for source in gained:
            self.partition_up(source)
        for source in lost:
            with suppress(Down):
                self._ways.channel(source).unsubscribe([self._channels[source]])

    def partition_up(self, partition: int) -> None:
        """The connection to a partition is new: listen there again, and look at all lanes soon.
        Another server may have taken over, which has not all that was known of its lanes."""
        self._scan_at = 0.0
        for (source, _), lane in self.lanes.items():
            if source == partition:
                lane.doubt()
        if partition in self.mine:
            with suppress(Down):
                self._ways.channel(partition).subscribe([self._channels[partition]])

    async def run(self) -> None:
        """See after what is overdue, and look at all lanes now and then, until cancelled."""
        loop = asyncio.get_running_loop()
        self.elect()
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._see_after_overdue(loop.time())
                if loop.time() >= self._scan_at:
                    self._scan_at = loop.time() + SCAN_S
                    await self._scan()
            except Exception:  # one mistake must not end the carrying for good
                self._log.exception("a look at the lanes failed")

    def close(self) -> None:
        """Nothing more is carried; what is under way is found by the next courier."""
        for lane in self.lanes.values():
            lane.close()

    def lane(self, source: int, dest: Place) -> Lane:
        """The lane between these two, which may not have been used yet."""
        lane = self.lanes.get((source, dest))
        if lane is None:
            lane = self.lanes[source, dest] = Lane(self._ways, source, dest, self.returned)
        return lane

    def returned(self, source: int, dest: Place) -> None:
        """A return leg was put into this lane."""
        self._carry(source, dest, 0, b"")

    # Private.

    def _carry(self, source: int, dest: Place, seq: int, stored: bytes) -> None:
        """Work it, or tell the hub whose lane it is."""
        if source in self.mine:
            self._work(source, dest, seq, stored)
            return
        self._words.setdefault(source, []).append((dest, seq, stored))
        if seq:
            patience = OVERDUE_S if isinstance(dest, int) else OVERDUE_ABROAD_S
            when = asyncio.get_running_loop().time() + patience
            self._handed.setdefault((source, dest), (seq, when))

    def _work(self, source: int, dest: Place, seq: int, stored: bytes) -> None:
        lane = self.lane(source, dest)
        if seq:
            lane.offer(seq, stored)
        else:
            lane.look()

    def _say(self) -> None:
        """Tell the other couriers what there is for them, with one word to each."""
        if not self._words:
            return
        words, self._words = self._words, {}
        for source, legs in words.items():
            command = ("SPUBLISH", self._channels[source], self._me + _encode(legs))
            with suppress(Down):  # it is overdue soon
                self._ways.channel(source).send(command, _nothing)

    def _see_after_overdue(self, now: float) -> None:
        for ends, (seq, when) in list(self._handed.items()):
            if now >= when:
                del self._handed[ends]
                self.lane(*ends).look(overdue=seq)

    async def _scan(self) -> None:
        """Look at both ends of all lanes that are ours, or have stopped here; at the further end
        first."""
        keyspace = self._ways.keyspace
        partitions = range(keyspace.partitions)
        lanes = [(a, b) for a in sorted(self.mine) for b in partitions if a != b]
        lanes += [
            (lane.source, lane.dest)
            for lane in self.lanes.values()
            if lane.stopped and lane.source not in self.mine and isinstance(lane.dest, int)
        ]
        arrived = await self._records(lanes, 1, lambda a, b: keyspace.lane_in(b, str(a)))
        sent = await self._records(lanes, 0, lambda a, b: keyspace.lane_out(a, str(b)))
        for ends in lanes:
            if ends not in arrived or ends not in sent:
                continue
            if arrived[ends] is None and sent[ends] is None:
                continue
            lane = self.lane(*ends)
            try:
                lane.observe(parse_in(arrived[ends]), parse_out(sent[ends]))
            except LaneBroken as error:
                lane.stop(str(error))

    async def _records(
        self,
        lanes: list[tuple[int, int]],
        end: int,
        key_of: Callable[[int, int], bytes],
    ) -> dict[tuple[int, int], object]:
        """The records of `lanes` at one of their ends, as far as the store answers."""
        groups: dict[int, list[tuple[int, int]]] = {}
        for ends in lanes:
            groups.setdefault(ends[end], []).append(ends)
        found: dict[tuple[int, int], object] = {}

        async def read(partition: int, some: list[tuple[int, int]]) -> None:
            keys = [key_of(*ends) for ends in some]
            try:
                records = await self._ways.channel(partition).request("MGET", *keys)
            except (Down, Lost, Refused):
                return
            assert isinstance(records, list)
            found.update(zip(some, records, strict=True))

        await asyncio.gather(*(read(*group) for group in groups.items()))
        return found

    # For the metrics.

    @property
    def unsettled(self) -> int:
        """Legs on their way from the partitions that are ours."""
        return sum(lane.unsettled for lane in self._ours())

    def oldest_age_ms(self, now: int) -> int:
        """How long the oldest of them is on its way; `now` is the store's time in ms."""
        stamps = [lane.oldest_at for lane in self._ours()]
        return max((max(0, now - at) for at in stamps if at is not None), default=0)

    def in_transit(self) -> dict[str, int]:
        """Money between partitions, by currency."""
        money: dict[str, int] = {}
        for lane in self._ours():
            for currency, amount in lane.in_transit.items():
                money[currency] = money.get(currency, 0) + amount
        return money

    @property
    def stopped(self) -> int:
        """Lanes that nothing is carried by any more."""
        return sum(bool(lane.stopped) for lane in self.lanes.values())

    def _ours(self) -> list[Lane]:
        """Those within this store that we carry."""
        return [
            lane
            for (source, dest), lane in self.lanes.items()
            if source in self.mine and isinstance(dest, int)
        ]


def _nothing(reply: object) -> None:
    """Whoever is there has heard it."""
