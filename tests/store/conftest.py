"""Real servers for the store's tests: the supervised one, and plain ones with any settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.store.binary import find_binary
from server.store.client import redis_client
from server.store.embedded import EmbeddedStore
from server.store.endpoint import Endpoint
from tests.support import until

PlainServer = Callable[..., Awaitable[Endpoint]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """A started embedded store with durability "disk"."""
    embedded = EmbeddedStore(tmp_path / "data", "disk")
    await embedded.start()
    yield embedded
    await embedded.stop()


@pytest.fixture
async def plain_server(tmp_path: Path) -> AsyncIterator[PlainServer]:
    """Starts servers that Teller does not own: ``await plain_server("--appendonly", "yes")``."""
    running: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str) -> Endpoint:
        folder = tmp_path / f"plain{len(running)}"
        folder.mkdir()
        socket = folder / "s"
        process = await asyncio.create_subprocess_exec(
            *(find_binary(), "--port", "0", "--unixsocket", socket, "--dir", folder),
            *("--save", "", *arguments),
            stdout=asyncio.subprocess.DEVNULL,
        )
        running.append(process)
        endpoint = Endpoint(unix_path=str(socket))
        await answers(endpoint)
        return endpoint

    yield start
    for process in running:
        process.kill()
        await process.wait()


async def answers(endpoint: Endpoint) -> None:
    """Return when the server at `endpoint` answers; a refused password is an answer, too."""
    client = redis_client(endpoint)
    try:
        await until(lambda: _ping(client))
    finally:
        await client.aclose()


async def _ping(client: Redis) -> bool:
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return "authenticated" in str(error)
    return True
