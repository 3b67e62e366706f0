"""Teller scaled out: several workers on a port, hubs on a store, servers in that store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from server.ledger.keys import SLOTS
from server.store.directory import DataDirectory
from server.store.endpoint import StoreError
from server.store.local_cluster import PRIMARIES_MIN, LocalCluster

from .errors import BenchError
from .systems import HOST, TELLER, System, fresh_home, numbered, parts, serving


@dataclass(frozen=True)
class Shape:
    """What a Teller consists of."""

    workers: int = 1
    """Processes on one port."""
    hubs: int = 1
    """Hubs on one store, each with a port of its own."""
    partitions: int = 1
    primaries: int = 0
    """Servers of a local cluster that share the partitions; 0: the embedded store."""


@contextmanager
def scaled(
    shape: Shape, durability: str, data: str | None = None, dialect: str = "json"
) -> Iterator[System]:
    """A Teller of this shape on fresh data.

    Raises:
        BenchError: if it does not start.
    """
    options = ["--durability", durability, "--partitions", str(shape.partitions)]
    with fresh_home(data) as home, ExitStack() as stack:
        options += ["--keys", str(home / "keys")]
        system = System(TELLER, HOST, 0, durability, dialect=dialect)
        servers, stores = list[int](), list[int]()
        if shape.primaries:
            cluster = stack.enter_context(_cluster(home / "cluster", shape.primaries))
            stores += [node.pid for node in cluster.nodes if node.pid is not None]
            options += ["--store", cluster.url]
        ports = []
        for number in range(shape.hubs):
            folder = home / f"hub{number}"
            workers = ("--workers", str(shape.workers))
            port, pid = stack.enter_context(serving(folder, *options, *workers))
            ports.append(port)
            for name, one in parts(pid).items():
                (stores if name == "store" else servers).append(one)
            if number == 0 and not shape.primaries:
                system.store_socket = DataDirectory(folder / "data").socket
                options += ["--store", f"unix://{system.store_socket}"]
        system.port, *further = ports
        system.further = tuple(further)
        system.pids = numbered("server", servers) | numbered("store", stores)
        yield system


@contextmanager
def _cluster(data: Path, primaries: int) -> Iterator[LocalCluster]:
    """A cluster in which the first so many of its servers have all slots, as many each; there are
    at least three servers, because fewer are no cluster."""
    cluster = LocalCluster(data, primaries=max(primaries, PRIMARIES_MIN), replicas=0, port=0)
    # The servers go on by themselves between the runs of the loop.
    with asyncio.Runner() as runner:
        try:
            runner.run(cluster.start())
            try:
                runner.run(_share_out(cluster, primaries))
                yield cluster
            finally:
                runner.run(cluster.stop())
        except StoreError as error:
            raise BenchError(f"the local cluster: {error}") from error


async def _share_out(cluster: LocalCluster, primaries: int) -> None:
    bounds = [SLOTS * n // primaries for n in range(primaries + 1)]
    nodes = (await cluster.primaries())[:primaries]
    for node, (first, end) in zip(nodes, pairwise(bounds), strict=True):
        await cluster.migrate([(first, end - 1)], node)
