"""The admin client: it never sends a command twice, over any of its transports."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from redis.exceptions import ConnectionError, TimeoutError

from server.store.client import POOL_CONNECTIONS, redis_client
from server.store.endpoint import parse_url
from tests.support import until

from .conftest import PlainServer


async def test_a_command_that_timed_out_is_not_sent_again(plain_server: PlainServer) -> None:
    endpoint = await plain_server()
    async with redis_client(endpoint) as patient, redis_client(endpoint, timeout=1.0) as hasty:
        await hasty.ping()
        server = (await patient.info("server"))["process_id"]
        os.kill(server, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                await hasty.incr("count")
        finally:
            os.kill(server, signal.SIGCONT)
        await until(lambda: patient.exists("count"))
        await patient.ping()  # by now it has read whatever was sent before
        assert await patient.get("count") == b"1"


async def test_more_callers_than_connections_wait(plain_server: PlainServer) -> None:
    async with redis_client(await plain_server()) as client:
        counts = await asyncio.gather(*(client.incr("count") for _ in range(POOL_CONNECTIONS * 5)))
        assert sorted(counts) == list(range(1, POOL_CONNECTIONS * 5 + 1))
        assert (await client.info("clients"))["connected_clients"] <= POOL_CONNECTIONS + 1


async def test_user_password_and_database_are_used(plain_server: PlainServer) -> None:
    socket = await plain_server("--user", "ann", "on", ">pw", "~*", "&*", "+@all")
    url = f"unix://ann:pw@{socket.unix_path}?db=3"
    async with redis_client(parse_url(url)) as client:
        assert await client.execute_command("ACL", "WHOAMI") == b"ann"
        assert (await client.client_info())["db"] == 3


@pytest.mark.parametrize(
    "url", ["unix:///nowhere/s", "redis://ann:pw@127.0.0.1:1/2", "rediss://:pw@127.0.0.1:1"]
)
async def test_nobody_there(url: str) -> None:
    async with redis_client(parse_url(url)) as client:
        with pytest.raises(ConnectionError):
            await client.ping()
