"""One real cluster for all tests that need one, started by the first of them.

    async def test_something(cluster: SharedCluster) -> None:
        node = (await cluster.primaries())[0]
        await cluster.run(node.kill())
        await cluster.run(cluster.local.taken_over(node))

Each test gets it empty, whole, and with its slots where they belong; the roles may be others than
at first. A test in which no primary ends or stands still uses the fixture `calm`, too. A test that
needs other settings runs a `LocalCluster` of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import pytest

from server.store.cluster_node import ClusterNode
from server.store.endpoint import Endpoint
from server.store.local_cluster import LocalCluster

NODE_TIMEOUT_MS = 1000
"""Quick, because tests wait for it; slower machines have longer pauses than this only rarely."""
CALM_MS = 15_000
"""Longer than any pause of a slow machine."""
PATIENCE_S = 60.0
ON_A_CLUSTER = "on a cluster"
"""In the names of tests that ask for the cluster only when they run."""

T = TypeVar("T")


class SharedCluster:
    """A `LocalCluster` on an event loop of its own, which outlives the loops of the tests.

    What is a coroutine of `local` or of a node goes through `run`; the rest (`url`, a node's
    `port`, `pid`, `endpoint`, `pause`, `resume`) is there to be used.
    """

    def __init__(self, local: LocalCluster) -> None:
        self.local = local
        self._loop = asyncio.new_event_loop()
        # The servers die with the thread that started them, so it lives as long as they shall.
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The store's URL."""
        return self.local.url

    @property
    def nodes(self) -> list[ClusterNode]:
        """All nodes, also those that are down."""
        return self.local.nodes

    async def primaries(self) -> list[ClusterNode]:
        """The nodes that take writes, in the order of the shards."""
        return await self.run(self.local.primaries())

    async def primary_endpoints(self) -> list[Endpoint]:
        """Where they are reached."""
        return [node.endpoint for node in await self.primaries()]

    async def wait_for_nodes(self, timeout_ms: int) -> None:
        """From now on nobody is taken for dead sooner: no node by the others, and no answer by
        whoever connects after this."""
        for node in self.nodes:
            await self.run(node.ask("CONFIG", "SET", "cluster-node-timeout", timeout_ms))

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of a coroutine of `local`, awaited in its loop."""
        return await asyncio.wrap_future(self._begin(work))

    def start(self) -> None:
        """Start the servers; from anywhere but its own loop."""
        self._begin(self.local.start()).result(PATIENCE_S)

    def close(self) -> None:
        """End the servers and the loop."""
        self._begin(self.local.stop()).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, those of the cluster share one: six servers take their
    time to form one, and to run."""
    for item in items:
        wants = getattr(item, "fixturenames", ())
        if "session_cluster" in wants or ON_A_CLUSTER in item.name:
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="session")
def session_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedCluster]:
    """The cluster of this session: three primaries with a replica each."""
    folder = tmp_path_factory.mktemp("cluster")
    shared = SharedCluster(LocalCluster(folder, port=0, node_timeout_ms=NODE_TIMEOUT_MS))
    try:
        shared.start()
        yield shared
    finally:
        shared.close()


@pytest.fixture
async def cluster(session_cluster: SharedCluster) -> SharedCluster:
    """The session's cluster, empty and whole: what the test before did to it is mended."""
    local = session_cluster.local
    await session_cluster.run(local.heal())
    await session_cluster.run(local.flush())
    return session_cluster


@pytest.fixture
async def calm(cluster: SharedCluster) -> AsyncIterator[None]:
    """In that cluster, a pause of the machine deposes no node and makes no answer doubtful."""
    await cluster.wait_for_nodes(CALM_MS)
    yield
    await cluster.wait_for_nodes(NODE_TIMEOUT_MS)
