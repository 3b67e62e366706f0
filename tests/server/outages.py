"""What tests of a lost store share: cutting replies off, and clients that ask again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from server.store.client import redis_client
from server.store.link import StoreLink
from tests.single import keys_of
from tests.support import PATIENCE_S, Client, Hub, until

Frame = dict[str, Any]


async def resolve(client: Client, frame: Frame) -> Frame:
    """Send `frame` until its answer is final; the answer."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await client.send(frame)
            answer = await client.answer(frame["id"])
            if answer.get("retry") != "same_id":
                return answer
            await asyncio.sleep(0.02)


def link_of(hub: Hub) -> StoreLink:
    """The hub's connection to its only server."""
    (link,) = hub.app.services.stores._links.values()
    return link


def dialling(hub: Hub) -> bool:
    """Whether the hub has noticed that the connection is lost, and makes a new one."""
    link = link_of(hub)
    return not link.up and not link._broken.is_set()


def hold_replies(hub: Hub) -> None:
    """From now on the store's replies stay in the hub's socket, unread."""
    link_of(hub).wire.transport.pause_reading()  # type: ignore[union-attr]


def break_link(hub: Hub) -> None:
    """Cut the hub's connection to the store; replies that were held are lost."""
    link_of(hub).wire.transport.abort()  # type: ignore[union-attr]


async def until_stored(hub: Hub, box: str, seq: int) -> None:
    """Wait until `box` holds `seq` entries, asked on another connection than the hub's."""
    assert hub.app.embedded is not None
    async with redis_client(hub.app.embedded.endpoint) as client:

        async def there() -> bool:
            return int(await client.llen(keys_of(box).box)) >= seq

        await until(there)


def signal_store(hub: Hub, number: signal.Signals) -> None:
    """Send a signal to the store's process."""
    assert hub.app.embedded is not None
    assert hub.app.embedded.pid is not None
    os.kill(hub.app.embedded.pid, number)


@asynccontextmanager
async def paused_store(hub: Hub) -> AsyncIterator[None]:
    """The store's process stands still inside, and goes on after."""
    signal_store(hub, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_store(hub, signal.SIGCONT)


async def entries_until(client: Client, box: str, last: int) -> list[tuple[int, str]]:
    """Seq and id of the entries of `box` that `client` was told, up to seq `last`."""
    told: list[tuple[int, str]] = []
    while not told or told[-1][0] < last:
        frame = await client.receive()
        if "from" in frame and frame.get("box") == box:
            told.append((frame["seq"], frame["id"]))
    return told
