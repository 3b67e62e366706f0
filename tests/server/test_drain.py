"""A hub that stops answers all it has read, and reads nothing more."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.conformance.wire import HANDSHAKE
from tests.hostile.raw import raw
from tests.support import PATIENCE_S, Client, Hub, until

WINDOW = 1_000
"""Posts on their way at the same time; always some, so the pipeline is never idle by itself."""


async def flood(client: Client, frames: list[dict[str, Any]]) -> None:
    """Post without end."""
    for number in itertools.count():
        while number - len(frames) > WINDOW:  # noqa: ASYNC110 (every turn of the loop counts)
            await asyncio.sleep(0)
        await client.send({"type": "message", "id": f"m{number}", "to": "@bob", "text": "more"})


async def read(client: Client, frames: list[dict[str, Any]]) -> None:
    """Take every frame up to the end of the connection."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            frames.append(await client.receive())


async def test_a_flood_does_not_keep_the_hub_from_stopping(
    make_hub: Callable[..., Awaitable[Hub]],
) -> None:
    hub = await make_hub(drain_timeout_s=600.0, rate_limits=False)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.close()  # a client that does not read would hold up the goodbyes
    frames: list[dict[str, Any]] = []
    reading = asyncio.create_task(read(alice, frames))
    flooding = asyncio.create_task(flood(alice, frames))
    await until(lambda: len(frames) > WINDOW)
    async with asyncio.timeout(PATIENCE_S):
        await hub.app.stop()
        await reading
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    *acks, goodbye = frames
    assert [ack["id"] for ack in acks] == [f"m{number}" for number in range(len(acks))]
    assert all(ack["type"] == "ack" for ack in acks)
    assert (goodbye["type"], goodbye["cursors"]) == ("goodbye", {"@alice": acks[-1]["seq"]})
    assert alice.socket.close_code == 4000
    again = await make_hub()
    assert await again.store("LLEN", "{p0}m:@alice") == acks[-1]["seq"]


async def test_who_comes_while_the_hub_stops_is_asked_to_try_again(hub: Hub) -> None:
    async with raw(hub, shake_hands=False) as late:
        await until(lambda: hub.app.edge.connections)
        stopping = asyncio.create_task(hub.app.stop())
        await until(lambda: not hub.app.servers[0].is_serving())
        late.send(HANDSHAKE)
        head = await late.head()
    await stopping
    assert head.startswith("HTTP/1.1 503")
    assert "Retry-After: 1" in head
