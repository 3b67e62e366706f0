"""A real cluster on this machine: for development, tests, benches and proofs.

Nodes come in shards: shard s of P has the nodes s, s + P, s + 2P … One of them is its primary, at
first node s; a failover makes another one the primary. All data is synced to disk before it is
answered, and kept in `data`, with a folder for each node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .cluster_migration import Migration, SlotRange, cancel, move, within
from .cluster_node import BUS_OFFSET, ClusterNode, free_ports
from .cluster_shape import agree, form, home_slots, wait_until
from .endpoint import StoreError

DEFAULT_PORT = 7000
NODE_TIMEOUT_MS = 5000
"""Milliseconds without an answer after which a node counts as down, and a replica takes over."""
NODE_TIMEOUT_MS_MIN = 200
"""Less than this is shorter than the usual pauses of a busy machine."""
PRIMARIES_MIN = 3
"""Fewer cannot outvote one that is lost: the engine's failover needs a majority of primaries."""
PORT_MAX = 65_535
TIMEOUT = 30.0
"""Seconds that forming, taking over or moving slots may take."""
PORT_ATTEMPTS = 5


@dataclass(frozen=True)
class Shard:
    """A primary, its replicas, and the slots that it owns."""

    primary: ClusterNode
    replicas: tuple[ClusterNode, ...]
    slots: tuple[SlotRange, ...]


class LocalCluster:
    """`primaries` × (1 + `replicas`) servers that form a cluster; `async with` runs it.

    Node n listens on `port` + n, and on that + 10,000 for the others; with `port` 0, on free ones.
    Start it from the main thread: on Linux the kernel ends the servers with the thread that
    started them. Use it from one event loop only.
    """

    def __init__(
        self,
        data: Path,
        *,
        primaries: int = 3,
        replicas: int = 1,
        port: int = DEFAULT_PORT,
        node_timeout_ms: int = NODE_TIMEOUT_MS,
        more_settings: str = "",
    ) -> None:
        self._data = data
        self._shards = primaries
        self._count = primaries * (1 + replicas)
        self._port = port
        self._node_timeout_ms = node_timeout_ms
        self._more_settings = more_settings
        self.nodes: list[ClusterNode] = []
        if primaries < PRIMARIES_MIN or replicas < 0:
            raise StoreError(
                f"a cluster needs at least {PRIMARIES_MIN} primaries, so that two can outvote a "
                f"third, and no negative number of replicas"
            )
        if node_timeout_ms < NODE_TIMEOUT_MS_MIN:
            raise StoreError(
                f"a node time-out below {NODE_TIMEOUT_MS_MIN} ms takes pauses for ends"
            )
        if port < 0 or port + self._count + BUS_OFFSET > PORT_MAX + 1:
            raise StoreError(
                f"a cluster of {self._count} nodes at port {port} would need ports above "
                f"{PORT_MAX}: each node's bus is at its port + {BUS_OFFSET}"
            )

    def folder(self, number: int) -> Path:
        """Where the data of a node are."""
        return self._data / f"node-{number}"

    @property
    def url(self) -> str:
        """The store's URL: all nodes, of which any that answers tells of the others."""
        return "redis://" + ",".join(node.address for node in self.nodes)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start all nodes; return when they are one cluster and take writes for every slot.

        Raises:
            StoreError: if a node does not start, they do not become one cluster, or the data are
                those of a cluster of another size.
        """
        self._check_size()
        try:
            await self._start_nodes()
            await form(self.nodes, self._shards, TIMEOUT)
            await self.ready()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all nodes in order, paused ones too, within seconds; the data stay."""
        await _all(node.stop() for node in self.nodes)

    async def ready(self, timeout: float = TIMEOUT) -> None:
        """Return when all nodes that run see the same cluster, and every replica is in step.

        Raises:
            StoreError: after `timeout` seconds.
        """
        complaint = "its nodes do not agree, or a replica is not in step"
        await wait_until(lambda: agree(self._answering()), timeout, complaint)

    async def shards(self) -> list[Shard]:
        """Who is primary of whom, and owns what, in the order of the shards.

        As one of the nodes that answer sees it: `ready` says whether all see it so. A primary that
        was lost is left out as soon as another one has its slots.
        """
        members = await self._answering()[0].members()
        nodes = [node for node in self.nodes if node.id in members]
        primaries = [
            node
            for node in nodes
            if not members[node.id].primary_id
            and (members[node.id].slots or members[node.id].trusted)
        ]
        return [
            Shard(
                primary=primary,
                replicas=tuple(n for n in nodes if members[n.id].primary_id == primary.id),
                slots=members[primary.id].slots,
            )
            for primary in sorted(primaries, key=lambda node: node.number % self._shards)
        ]

    async def primaries(self) -> list[ClusterNode]:
        """The nodes that take writes, in the order of the shards."""
        return [shard.primary for shard in await self.shards()]

    async def owner(self, slot: int) -> ClusterNode:
        """The primary that owns `slot`.

        Raises:
            StoreError: if nobody does.
        """
        for shard in await self.shards():
            if within(shard.slots, [(slot, slot)]):
                return shard.primary
        raise StoreError(f"no node of the local cluster owns slot {slot}")

    async def restart(self, node: ClusterNode) -> None:
        """End a node in order if it runs, and start it; `ready` waits until it is in step."""
        if node.running:
            await node.stop()
        await node.start()

    async def failover(self, node: ClusterNode) -> ClusterNode:
        """Let a replica take over from the primary `node`, in order; the new primary.

        Raises:
            StoreError: if there is no replica, or it does not take over.
        """
        for replica in self._shard_of(node):
            if replica is not node and replica.answers:
                await replica.ask("CLUSTER", "FAILOVER")
                return await self.taken_over(node)
        raise StoreError(f"the cluster's node at {node.address} has no replica that runs")

    async def taken_over(self, node: ClusterNode, timeout: float = TIMEOUT) -> ClusterNode:
        """Wait until all nodes that answer know of another primary in the shard of `node`; it.

        Raises:
            StoreError: after `timeout` seconds.
        """
        others = [other for other in self._shard_of(node) if other is not node]
        found: list[ClusterNode] = []

        async def moved() -> bool:
            views = [await one.members() for one in self._answering() if one is not node]
            found[:] = [
                other
                for other in others
                if all(view[other.id].slots and not view[node.id].slots for view in views)
            ]
            return bool(found)

        await wait_until(moved, timeout, f"no replica takes over from {node.address}")
        return found[0]

    async def migrate(
        self,
        slots: Sequence[SlotRange],
        to: ClusterNode,
        progress: Callable[[Migration], None] = lambda _: None,
    ) -> None:
        """Move `slots` to the primary `to`, whoever owns them now; those it owns stay.

        `progress` hears of every step of each move. Return when all nodes know the new owner.

        Raises:
            StoreError: if a move is refused, fails, or does not end.
        """
        for shard in await self.shards():
            moving = within(shard.slots, slots)
            if moving and shard.primary is not to:
                await move(moving, shard.primary, to, TIMEOUT, progress)
        await self.ready()

    async def heal(self) -> None:
        """Resume and start what is down, give up moves of slots, and undo those that happened.

        Roles that a failover changed stay changed.
        """
        for node in self.nodes:
            node.resume()
        await _all(node.start() for node in self.nodes)
        for node in self.nodes:
            await cancel(node)
        await self.ready()
        for primary in await self.primaries():
            shard = primary.number % self._shards
            await self.migrate([home_slots(shard, self._shards)], primary)

    async def flush(self) -> None:
        """Forget all data and functions, at once."""
        for primary in await self.primaries():
            await primary.ask("FLUSHALL", "SYNC")
            await primary.ask("FUNCTION", "FLUSH", "SYNC")

    def _check_size(self) -> None:
        found = len(list(self._data.glob("node-*")))
        if found not in (0, self._count):
            raise StoreError(
                f"the data in {self._data} are those of a cluster of {found} nodes, not of "
                f"{self._count}; choose another directory with --data"
            )

    async def _start_nodes(self) -> None:
        for attempt in range(1, PORT_ATTEMPTS + 1):
            first = self._port or free_ports(self._count)
            self.nodes = [
                ClusterNode(
                    *(n, self.folder(n), first + n, self._node_timeout_ms), self._more_settings
                )
                for n in range(self._count)
            ]
            try:
                await _all(node.start() for node in self.nodes)
                return
            except StoreError as error:
                # Somebody else took a port that was free a moment ago.
                taken = "Address already in use" in str(error)
                if self._port or not taken or attempt == PORT_ATTEMPTS:
                    raise
                await self.stop()

    def _answering(self) -> list[ClusterNode]:
        answering = [node for node in self.nodes if node.answers]
        if not answering:
            raise StoreError("no node of the local cluster is running")
        return answering

    def _shard_of(self, node: ClusterNode) -> list[ClusterNode]:
        return [one for one in self.nodes if (one.number - node.number) % self._shards == 0]


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of them, to their end, and then raise the first error, if there was one."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
