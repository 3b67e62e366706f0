"""Breaks things, and puts them right again."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from random import Random

from server.store.cluster_node import ClusterNode
from server.store.endpoint import StoreError

from .hubs import Hub
from .plan import STORE, Fault
from .stage import NODE_TIMEOUT_MS, Stage

SLOW_S, JITTER_S = 0.03, 0.03
"""What a slow line adds to each direction."""
UNSYNCED_S = 1.0
"""Without syncing, a power cut takes at least what was written in the last moments; the kernel
keeps such pages for up to half a minute (`vm.dirty_expire_centisecs`)."""
FLAP_SHARE, FLAP_S = 0.15, 0.7
PARTITIONS_MOVED = 2


@dataclass
class Done:
    """A fault that was, for the timeline; seconds since the load began."""

    kind: str
    what: str
    began: float
    ended: float = 0.0
    trouble: str = ""
    """Why it could not be done as planned."""


@dataclass
class Breaker:
    """Does the faults of a plan."""

    stage: Stage
    done: list[Done] = field(default_factory=list)
    forced: set[int] = field(default_factory=set)
    """Partitions whose primary was lost to a failover: where replication is not waited for, they
    may have lost what was acknowledged."""

    def busy(self, fault: Fault) -> bool:
        """Whether `fault` is one of the cluster, and another one of these is not over."""
        return fault.kind in STORE and any(one.kind in STORE and not one.ended for one in self.done)

    async def do(self, fault: Fault, now: float) -> None:
        """Do one fault, from its beginning to its end."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        entry = Done(fault.kind, "", now)
        self.done.append(entry)
        rng = Random(fault.draw)
        try:
            name = fault.kind.replace("-", "_")
            await getattr(self, f"_{name}")(entry, rng, fault.seconds)
        except StoreError as error:
            entry.trouble = str(error)
        finally:
            entry.ended = now + loop.time() - began

    # The cluster.

    async def _primary(self, entry: Done, rng: Random) -> ClusterNode:
        """A primary that serves something."""
        shards = [shard for shard in await self.stage.cluster.shards() if shard.slots]
        node = rng.choice(shards).primary
        entry.what = f"node {node.number}"
        return node

    async def _primary_kill(self, entry: Done, rng: Random, seconds: float) -> None:
        node = await self._primary(entry, rng)
        self.forced.update(await self.stage.partitions_of(node))
        await node.kill()
        try:
            await self.stage.cluster.taken_over(node)
            await asyncio.sleep(seconds / 4)
        finally:
            await node.start()
        await self.stage.cluster.ready()

    async def _primary_crash(self, entry: Done, rng: Random, seconds: float) -> None:
        node = await self._primary(entry, rng)
        self.forced.update(await self.stage.partitions_of(node))  # its replica may be quicker
        if node.pid is not None:
            os.kill(node.pid, signal.SIGKILL)
        await asyncio.sleep(seconds / 2)
        await self.stage.cluster.ready()

    async def _primary_pause(self, entry: Done, rng: Random, seconds: float) -> None:
        node = await self._primary(entry, rng)
        self.forced.update(await self.stage.partitions_of(node))
        node.pause()
        try:
            await self.stage.cluster.taken_over(node)
            await asyncio.sleep(seconds / 4)
        finally:
            node.resume()
        await self.stage.cluster.ready()

    async def _primary_blink(self, entry: Done, rng: Random, seconds: float) -> None:
        node = await self._primary(entry, rng)
        self.forced.update(await self.stage.partitions_of(node))  # a busy machine makes it long
        node.pause()
        try:
            await asyncio.sleep(min(seconds, NODE_TIMEOUT_MS / 1000 / 3))
        finally:
            node.resume()
        await asyncio.sleep(1.0)
        await self.stage.cluster.ready()

    async def _replica_kill(self, entry: Done, rng: Random, seconds: float) -> None:
        shard = rng.choice(await self.stage.cluster.shards())
        node = rng.choice(shard.replicas)
        entry.what = f"node {node.number}"
        await node.kill()
        try:
            await asyncio.sleep(seconds)
        finally:
            await node.start()
        await self.stage.cluster.ready()

    async def _power(self, entry: Done, rng: Random, seconds: float) -> None:
        shard = rng.choice([one for one in await self.stage.cluster.shards() if one.slots])
        nodes = [shard.primary, *shard.replicas]
        entry.what = "nodes " + " and ".join(str(node.number) for node in nodes)
        synced = {}
        if self.stage.wanted.plant == "skip-fsync":
            files = [file for node in nodes for file in self.stage.files(node)]
            synced = {file: file.stat().st_size for file in files}
            await asyncio.sleep(UNSYNCED_S)
        for node in nodes:
            if node.pid is not None:
                os.kill(node.pid, signal.SIGSTOP)  # so that none of them lives longer
        for node in nodes:
            await node.kill()
        for file, size in synced.items():
            os.truncate(file, size)
        try:
            await asyncio.sleep(seconds / 4)
        finally:
            await asyncio.gather(*(node.start() for node in nodes))
        await self.stage.cluster.ready()

    async def _failover(self, entry: Done, rng: Random, seconds: float) -> None:
        del seconds
        node = await self._primary(entry, rng)
        await self.stage.cluster.failover(node)
        await self.stage.cluster.ready()

    async def _migrate(self, entry: Done, rng: Random, seconds: float) -> None:
        del seconds
        cluster = self.stage.cluster
        moved = sorted(rng.sample(range(len(self.stage.slots())), PARTITIONS_MOVED))
        to = rng.choice(await cluster.primaries())
        entry.what = f"partitions {', '.join(map(str, moved))} to node {to.number}"
        slots = self.stage.slots()
        await cluster.migrate([(slots[n], slots[n]) for n in moved], to)

    # Hubs and lines.

    def _hub(self, entry: Done, rng: Random) -> Hub:
        hub = rng.choice(self.stage.hubs)
        entry.what = hub.name
        return hub

    async def _hub_kill(self, entry: Done, rng: Random, seconds: float) -> None:
        hub = self._hub(entry, rng)
        hub.kill()
        try:
            await asyncio.sleep(seconds / 2)
        finally:
            await hub.start()

    async def _hub_pause(self, entry: Done, rng: Random, seconds: float) -> None:
        hub = self._hub(entry, rng)
        hub.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            hub.resume()

    async def _hub_restart(self, entry: Done, rng: Random, seconds: float) -> None:
        hub = self._hub(entry, rng)
        try:
            await hub.stop()
            await asyncio.sleep(seconds / 4)
        finally:
            await hub.start()

    async def _hub_cut(self, entry: Done, rng: Random, seconds: float) -> None:
        await self._hold(self.stage.store_lines(self._hub(entry, rng)), seconds)

    async def _clients_cut(self, entry: Done, rng: Random, seconds: float) -> None:
        await self._hold(self.stage.client_lines(self._hub(entry, rng)), seconds)

    async def _hold(self, pairs: list[tuple[str, str]], seconds: float) -> None:
        await self.stage.lines.call("hold", pairs=pairs, seconds=seconds)
        await asyncio.sleep(seconds)

    async def _hub_break(self, entry: Done, rng: Random, seconds: float) -> None:
        await self._snap(self.stage.store_lines(self._hub(entry, rng)), seconds)

    async def _clients_break(self, entry: Done, rng: Random, seconds: float) -> None:
        await self._snap(self.stage.client_lines(self._hub(entry, rng)), seconds)

    async def _snap(self, pairs: list[tuple[str, str]], seconds: float) -> None:
        await self.stage.lines.call("snap", pairs=pairs)
        try:
            await asyncio.sleep(seconds / 2)
        finally:
            await self.stage.lines.call("join", pairs=pairs)

    async def _hub_slow(self, entry: Done, rng: Random, seconds: float) -> None:
        await self._slow(self.stage.store_lines(self._hub(entry, rng)), seconds)

    async def _clients_slow(self, entry: Done, rng: Random, seconds: float) -> None:
        await self._slow(self.stage.client_lines(self._hub(entry, rng)), seconds)

    async def _slow(self, pairs: list[tuple[str, str]], seconds: float) -> None:
        call = self.stage.lines.call
        await call("slow", pairs=pairs, delay=SLOW_S, jitter=JITTER_S)
        try:
            await asyncio.sleep(seconds)
        finally:
            await call("slow", pairs=pairs, delay=0.0, jitter=0.0)

    async def _flap(self, entry: Done, rng: Random, seconds: float) -> None:
        del rng
        dropped = 0
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            dropped += (await self.stage.crowd.call("flap", share=FLAP_SHARE))["dropped"]
            entry.what = f"{dropped} connections"
            await asyncio.sleep(FLAP_S)
