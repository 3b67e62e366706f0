"""What a commit is worth: memory, disk or replica, and how more is asked of the store.

A store that syncs before it answers gives `disk` by itself. What goes beyond is asked for on the
same connection, behind the call: a write of its own, the fence, and `WAITAOF`, which answers how
many disks hold everything that this connection wrote before. The fence is there because a call of
nothing but duplicates writes nothing, and WAITAOF then speaks of an older write. Its counts are
read; that it answered says nothing.

Before it stands a `WAIT`. A replica answers the question that comes with a write before it syncs
that write, and is asked again only a second later, or by the next command that waits. By the time
its first answer is there it has synced, so that the question of the WAITAOF finds it done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ..store.connection import Channel, Command
from ..store.endpoint import Durability

Durable = Literal["memory", "disk", "replica"]
RANK: dict[str, int] = {"": 0, "memory": 0, "disk": 1, "replica": 2}
"""The classes by strength; the empty one asks for nothing."""
_CLASS: tuple[Durable, ...] = ("memory", "disk", "replica")
WAIT_MS = 500
"""How long an answer waits for the disks that were asked for. A healthy replica takes a few ms; the
connection carries nothing else meanwhile."""


@dataclass
class Promise:
    """What a store gives, what it could give, and what a hub wants of it."""

    given: Durable = "disk"
    """What every answer of the store is worth by itself."""
    least: Durable = "disk"
    """What every ack of the hub is worth at least: its class, which the operator chose."""
    servers: dict[str, Durable] = field(default_factory=dict)
    """The most that each server could do when the hub connected to it."""
    late_s: float = 0.0
    """An answer that comes so late may be that of a node which does not lead any more: see `pulse`.
    0 where no other node can."""

    @classmethod
    def of(cls, durability: Durability) -> Promise:
        """That of a hub with this setting."""
        if durability == "replica":
            return cls("disk", "replica")
        plain: Durable = "disk" if durability == "disk" else "memory"
        return cls(plain, plain)

    def learn(self, server: str, syncs: bool, replicas: int) -> None:
        """A server has an append-only file, or not, and so many replicas."""
        self.servers[server] = ("replica" if replicas else "disk") if syncs else "memory"

    @property
    def most(self) -> Durable:
        """What a sender may ask for: the most that any server of the store can do."""
        return _CLASS[max(map(RANK.__getitem__, (self.given, *self.servers.values())))]

    @property
    def weakest(self) -> list[str]:
        """The servers that cannot do what the hub wants of them."""
        return [one for one, can in self.servers.items() if RANK[can] < RANK[self.least]]

    def wanted(self, asked: Iterable[str]) -> Durable:
        """The class for posts that ask for these: the highest of them, at least the hub's own."""
        return _CLASS[max(RANK[self.least], max(map(RANK.__getitem__, asked), default=0))]

    def commands(self, wanted: Durable, fence: bytes) -> list[Command]:
        """What must follow a call so that its posts are `wanted`; nothing where they are anyway."""
        if RANK[wanted] <= RANK[self.given]:
            return []
        if wanted != "replica":
            return [("INCR", fence), ("WAITAOF", 1, 0, WAIT_MS)]
        return [("INCR", fence), ("WAIT", 1, WAIT_MS), ("WAITAOF", 1, 1, WAIT_MS)]

    def reached(self, replies: list[object]) -> Durable:
        """The class that these commands' replies show; what is given by itself if they failed."""
        fence, counts = replies[0], replies[-1]
        if not isinstance(fence, int):
            return self.given
        if not isinstance(counts, list) or len(counts) != 2:
            return self.given
        local, replicas = counts
        if local >= 1:
            return "replica" if replicas >= 1 else "disk"
        return self.given


async def confirm(channel: Channel, promise: Promise, fence: bytes) -> Durable:
    """Have all that was written to the partition of `channel` so far made as durable as every ack
    of the hub must be; what it then is, which may be less.

    Raises:
        Down, Lost, Refused: if the store does not answer.
    """
    commands = promise.commands(promise.least, fence)
    if not commands:
        return promise.given
    replies = await asyncio.gather(*(channel.request(*command) for command in commands))
    return promise.reached(list(replies))
