"""What is broken: a real cluster, hubs on it, the lines in between, and the crowd of clients."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from server.ledger.keys import Keyspace, slot_of
from server.store.cluster_node import ClusterNode
from server.store.endpoint import StoreError
from server.store.local_cluster import LocalCluster

from ..errors import BenchError
from ..load.driver import Generator
from ..systems import DATA_HOME
from .crowd.town import town
from .hubs import Hub
from .lines import CLIENTS, lines
from .wanted import Wanted

PARTITIONS = 16
NODE_TIMEOUT_MS = 1_500
"""Quick, so that a run of two minutes sees many failovers."""
OPENING = 10_000
"""Minor units that every account begins with."""
OPENING_TEXT = "100.00 USD"
NO_SYNC = "appendfsync no\n"
"""What the planted bug skip-fsync makes of the servers' settings."""
UNKNOWN = "cluster-preferred-endpoint-type unknown-endpoint\n"


class Caller:
    """A process that obeys lines, called from an event loop, one command at a time."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._gate = asyncio.Lock()

    async def call(self, do: str, **fields: Any) -> dict[str, Any]:
        """Have a command done.

        Raises:
            BenchError: if it failed, or the process ended.
        """
        async with self._gate:
            return await asyncio.to_thread(self._generator.call, do, **fields)


class Stage:
    """Everything that runs; use it as an async context manager, from the main thread."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.keyspace = Keyspace(PARTITIONS)
        self._open = AsyncExitStack()
        self.hubs: list[Hub] = []
        self.cluster: LocalCluster
        self.lines: Caller
        self.crowd: Caller

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    # What faults need to know.

    def store_lines(self, hub: Hub) -> list[tuple[str, str]]:
        """The lines between a hub and all servers."""
        return [(hub.name, _name(node)) for node in self.cluster.nodes]

    def client_lines(self, hub: Hub) -> list[tuple[str, str]]:
        """The line between the clients and a hub."""
        return [(CLIENTS, hub.name)]

    def slots(self) -> list[int]:
        """The slots of all partitions."""
        tag = self.keyspace.tag
        return [slot_of(tag(n).encode()) for n in range(PARTITIONS)]

    async def partitions_of(self, node: ClusterNode) -> list[int]:
        """The partitions that a primary serves now."""
        owners = [await self.cluster.owner(slot) for slot in self.slots()]
        return [n for n, owner in enumerate(owners) if owner is node]

    def files(self, node: ClusterNode) -> list[Path]:
        """The files of a node that new writes are appended to."""
        return sorted(self.cluster.folder(node.number).glob("appendonlydir/*.incr.aof"))

    def keep_logs(self) -> None:
        """Copy what the hubs wrote to where the verdict goes."""
        self.wanted.out.mkdir(parents=True, exist_ok=True)
        for hub in self.hubs:
            shutil.copy(hub.log, self.wanted.out / f"{hub.name}.log")

    async def mend(self) -> None:
        """End every fault: all processes run, all lines carry, all slots are at home.

        Raises:
            BenchError: if something does not come back.
        """
        await self.lines.call("mend")
        for hub in self.hubs:
            hub.resume()
        try:
            await self.cluster.heal()
        except StoreError as error:
            raise BenchError(f"the cluster does not come back: {error}") from error
        await asyncio.gather(*(hub.start() for hub in self.hubs))

    # Starting.

    async def _start(self) -> None:
        stack, wanted = self._open, self.wanted
        home = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="teller-prove-", dir=DATA_HOME))
        )
        settings = UNKNOWN + (NO_SYNC if wanted.plant == "skip-fsync" else "")
        self.cluster = LocalCluster(
            home / "store",
            primaries=wanted.primaries,
            port=0,
            node_timeout_ms=NODE_TIMEOUT_MS,
            more_settings=settings,
        )
        stack.push_async_callback(self._stop_cluster)
        await self.cluster.start()
        self.lines = Caller(stack.enter_context(lines()))
        self.crowd = Caller(stack.enter_context(town()))
        await self._start_hubs(home)

    async def _start_hubs(self, home: Path) -> None:
        durability = "disk" if self.wanted.plant == "skip-fsync" else self.wanted.durability
        doors = []
        for number in range(self.wanted.hubs):
            address = f"127.0.77.{number + 1}"
            nodes = self.cluster.nodes
            url = "redis://" + ",".join(f"{address}:{node.port}" for node in nodes)
            options = ["--store", url, "--durability", durability, "--keys", str(home / "keys")]
            options += ["--partitions", str(PARTITIONS), "--opening-balance", OPENING_TEXT]
            folder = home / f"hub{number}"
            folder.mkdir()
            hub = Hub(number, folder, options, self.wanted.plant or "")
            self._open.callback(hub.close)
            self.hubs.append(hub)
            there = {"host": "127.0.0.1", "source": hub.name, "address": address}
            doors += [
                {**there, "dest": _name(node), "port": node.port, "at": node.port} for node in nodes
            ]
            doors.append(
                {"source": CLIENTS, "dest": hub.name, "host": "127.0.0.1", "port": hub.port}
            )
        opened = await self.lines.call("carry", doors=doors)
        self.doors = [("127.0.0.1", opened["ports"][f"{CLIENTS}>{hub.name}"]) for hub in self.hubs]
        await self.hubs[0].start()  # alone, because it initialises the store
        await asyncio.gather(*(hub.start() for hub in self.hubs[1:]))

    async def _stop_cluster(self) -> None:
        for node in self.cluster.nodes:
            with suppress(StoreError):
                node.resume()
        await self.cluster.stop()


def _name(node: ClusterNode) -> str:
    return f"node{node.number}"
