"""What the tests of the cluster share: a hub's side that notes what it is told, and posters that
write numbered lines to every partition, as a hub posts: each exactly once, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.ledger.keys import Keyspace, slot_of
from server.store.connection import Channel, Lost, Refused, Wire
from server.store.discovery import open_stores
from server.store.endpoint import Endpoint, parse_url
from server.store.stores import Stores
from tests.support import until

PARTITIONS = 16
LIBRARY = """#!lua name=lines
redis.register_function('append_once', function(keys, args)
  local seq = redis.call('HGET', keys[2], args[1])
  if seq then return tonumber(seq) end
  seq = redis.call('RPUSH', keys[1], args[1])
  redis.call('HSET', keys[2], args[1], seq)
  return seq
end)
"""


class HubSide:
    """A `Watch` that loads the lines' function, and notes what it is told."""

    def __init__(self, keyspace: Keyspace) -> None:
        self.keyspace = keyspace
        self.ups: list[int] = []
        self.downs: list[int] = []
        self.messages: list[tuple[bytes, bytes]] = []
        self.posters: dict[int, Poster] = {}
        self.subscribed: dict[int, tuple[Channel, list[bytes]]] = {}
        """What to subscribe whenever the partition comes up."""

    async def prepare_node(self, wire: Wire) -> None:
        await wire.request("FUNCTION", "LOAD", "REPLACE", LIBRARY)

    async def prepare_partition(self, partition: int, wire: Wire) -> None:
        await wire.request("HSETNX", self.keyspace.meta(partition), "epoch", 1)

    def on_up(self, partition: int) -> None:
        self.ups.append(partition)
        if partition in self.subscribed:
            channel, names = self.subscribed[partition]
            channel.subscribe(names)
        if partition in self.posters:
            self.posters[partition].go()

    def on_down(self, partition: int) -> None:
        self.downs.append(partition)

    def on_message(self, name: bytes, payload: bytes) -> None:
        self.messages.append((name, payload))


class Poster:
    """Keeps `window` lines on their way to one partition until it is stopped.

    What was lost, or has to be sent again, goes before what is new, in its order.
    """

    def __init__(self, channel: Channel, keyspace: Keyspace, partition: int, window: int) -> None:
        self.partition = partition
        self.log = f"{keyspace.tag(partition)}log".encode()
        self.seqs: dict[int, int] = {}
        """The seq that was answered for each line."""
        self.refusals: list[str] = []
        """Errors that were no request to send again."""
        self.agains: list[str] = []
        self.moved_while_up = False
        """Whether a MOVED came before the channel was down for it."""
        self.lost = 0
        self.marks = f"{keyspace.tag(partition)}marks".encode()
        self._channel = channel
        self._window = window
        self._again: deque[int] = deque()
        self._in_flight: deque[int] = deque()
        self._next = 1
        self.running = True

    @property
    def posted(self) -> int:
        """How many lines there are, answered or not."""
        return self._next - 1

    @property
    def idle(self) -> bool:
        """Whether all lines are answered."""
        return not self._in_flight and not self._again

    def go(self) -> None:
        """Fill the window, if the partition can be reached."""
        loop = asyncio.get_running_loop()
        while self._channel.up and len(self._in_flight) < self._window:
            if self._failed_before_all_answered():
                return
            if self._again:
                line = self._again.popleft()
            elif self.running:
                line, self._next = self._next, self._next + 1
            else:
                return
            self._in_flight.append(line)
            command = ("FCALL", "append_once", 2, self.log, self.marks, line)
            self._channel.send(command, lambda reply, line=line: self._answered(line, reply))
        if not self._channel.up and not self._in_flight:
            loop.call_later(0.05, self.go)

    def _failed_before_all_answered(self) -> bool:
        """Lines in flight that are newer than one to be sent again: those are awaited first."""
        return bool(self._again and self._in_flight and self._in_flight[-1] > self._again[0])

    def _answered(self, line: int, reply: object) -> None:
        self._in_flight.remove(line)
        if isinstance(reply, int):
            self.seqs[line] = reply
        elif isinstance(reply, Lost):
            self.lost += 1
            self._again.append(line)
        elif isinstance(reply, Refused) and reply.again:
            self.agains.append(reply.code)
            self.moved_while_up |= reply.code == "MOVED" and self._channel.up
            self._again.append(line)
            asyncio.get_running_loop().call_later(0.02, self.go)
            return
        else:
            self.refusals.append(str(reply))
        asyncio.get_running_loop().call_soon(self.go)

    async def stop(self) -> None:
        """Post nothing new; return when all is answered."""
        self.running = False
        self.go()
        await until(lambda: self.idle, 30.0)

    async def stored(self) -> list[int]:
        """The lines in the store, in order."""
        lines = await self._channel.request("LRANGE", self.log, 0, -1)
        assert isinstance(lines, list)
        return [int(line) for line in lines]


class Town:
    """A started store of `PARTITIONS` partitions."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.keyspace = Keyspace(PARTITIONS)
        self.hub = HubSide(self.keyspace)
        self.slots = [slot_of(self.keyspace.tag(p).encode()) for p in range(PARTITIONS)]
        self.posters: list[Poster] = []
        self.stores: Stores

    def post(self, window: int = 2) -> None:
        """Begin to post to every partition."""
        for partition in range(PARTITIONS):
            poster = Poster(self.stores.channel(partition), self.keyspace, partition, window)
            self.posters.append(poster)
            self.hub.posters[partition] = poster
            poster.go()

    async def progress(self, lines: int = 30) -> None:
        """Wait until every poster got so many more answers."""
        goals = [len(poster.seqs) + lines for poster in self.posters]
        await until(
            lambda: all(len(p.seqs) >= goal for p, goal in zip(self.posters, goals, strict=True)),
            30.0,
        )

    async def stop_posting(self) -> None:
        """Post nothing new; return when all is answered."""
        await asyncio.gather(*(poster.stop() for poster in self.posters))

    def port_of(self, partition: int) -> int:
        """Where a partition is believed to lie."""
        link = self.stores._partitions[partition].link
        assert link is not None
        return link.endpoint.port


@asynccontextmanager
async def town(url: str) -> AsyncIterator[Town]:
    """The store at `url`, opened and started for a while."""
    one = Town(parse_url(url))
    one.stores = await open_stores(one.endpoint, one.slots, one.hub)
    await one.stores.start()
    try:
        yield one
    finally:
        await one.stores.stop()


async def assert_whole(one: Town) -> None:
    """Every line is there once, in order, at the seq that was answered; no wrong refusal."""
    for poster in one.posters:
        assert poster.refusals == []
        assert await poster.stored() == list(range(1, poster.posted + 1))
        assert poster.seqs == {line: line for line in range(1, poster.posted + 1)}


async def assert_ordered(one: Town) -> None:
    """The same after a failover, in which the last lines of a primary may be lost: what is there is
    there once and in order, nothing was refused wrongly, and what came after is all there."""
    for poster in one.posters:
        assert poster.refusals == []
        stored = await poster.stored()
        assert stored == sorted(set(stored))
