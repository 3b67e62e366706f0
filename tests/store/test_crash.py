"""A hub that is killed takes its store's server down, and the next start works at once."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from server.store.client import redis_client
from server.store.directory import DataDirectory
from server.store.embedded import EmbeddedStore

from .conftest import until

HUB = """
import asyncio, sys, threading
from pathlib import Path

import uvloop

from server.store.client import redis_client
from server.store.embedded import EmbeddedStore

async def main():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    store = EmbeddedStore(Path(sys.argv[1]), "disk")
    await store.start()
    client = redis_client(store.endpoint)
    while True:
        print(await client.incr("count"), flush=True)

uvloop.run(main())
"""


async def start_hub(data: Path) -> Process:
    """A process of its own that counts up in its store and prints what was acknowledged."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HUB, data), stdin=PIPE, stdout=PIPE, limit=1 << 24
    )


async def kill_after(hub: Process, acknowledged: int) -> int:
    """Kill the hub in the middle of its work; the last count that it saw acknowledged."""
    assert hub.stdout is not None
    count = 0
    while count < acknowledged:
        count = int(await hub.stdout.readline())
    hub.kill()
    rest = (await hub.stdout.read()).split(b"\n")
    await hub.wait()
    return max([count, *(int(line) for line in rest[:-1])])


async def test_a_killed_hub_loses_nothing_and_the_next_starts_at_once(tmp_path: Path) -> None:
    counted = 0
    for _ in range(3):
        counted = await kill_after(await start_hub(tmp_path), counted + 50)
    store = EmbeddedStore(tmp_path, "disk")
    await store.start()
    async with redis_client(store.endpoint) as client:
        assert counted <= int(await client.get("count")) <= counted + 1
    await store.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_the_server_dies_with_a_killed_hub(tmp_path: Path) -> None:
    hub = await start_hub(tmp_path)
    directory = DataDirectory(tmp_path)
    await until(directory.server_lock.holder)
    await kill_after(hub, 10)
    assert directory.hub_lock.holder() is None
    await until(lambda: directory.server_lock.holder() is None)
