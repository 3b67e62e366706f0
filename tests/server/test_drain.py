"""A hub that stops answers all it has read, and reads nothing more."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.support import PATIENCE_S, Client, Hub


async def flood(client: Client) -> None:
    """Post without end, as fast as the socket takes it."""
    for number in itertools.count():
        await client.send({"type": "message", "id": f"m{number}", "to": "@bob", "text": "more"})


async def rest_of(client: Client) -> list[dict[str, Any]]:
    """Every frame up to the end of the connection."""
    frames = []
    while True:
        try:
            frames.append(await client.receive())
        except ConnectionClosed:
            return frames


async def test_a_flood_does_not_keep_the_hub_from_stopping(
    make_hub: Callable[..., Awaitable[Hub]],
) -> None:
    hub = await make_hub(drain_timeout_s=600.0, rate_limits=False)
    alice, _ = await hub.register("alice"), await hub.register("bob")
    flooding = asyncio.create_task(flood(alice))
    frames = [await alice.receive() for _ in range(50)]
    rest = asyncio.create_task(rest_of(alice))
    async with asyncio.timeout(PATIENCE_S):
        await hub.app.stop()
        frames += await rest
    await asyncio.gather(flooding, return_exceptions=True)
    *acks, goodbye = frames
    assert [ack["id"] for ack in acks] == [f"m{number}" for number in range(len(acks))]
    assert all(ack["type"] == "ack" for ack in acks)
    assert (goodbye["type"], goodbye["cursors"]) == ("goodbye", {"@alice": acks[-1]["seq"]})
    assert alice.socket.close_code == 4000
    again = await make_hub()
    assert await again.store("LLEN", "{p0}m:@alice") == acks[-1]["seq"]
