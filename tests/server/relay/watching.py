"""What tests of several hubs ask and await."""

from __future__ import annotations

from collections.abc import Awaitable

from tests.support import Client, Hub


def gaps(hub: Hub) -> int:
    return hub.app.services.counters.relay_gaps


async def ids_until(client: Client, last: str) -> list[str]:
    """The ids of all that comes, up to `last`."""
    found: list[str] = []
    while not found or found[-1] != last:
        found.append((await client.receive())["id"])
    return found


async def receivers(hub: Hub, box: str) -> int:
    """How many hubs are subscribed to `box`, as the store says."""
    keys = hub.app.services.keyspace.of(box)
    found = await hub.app.services.channel(keys.partition).request(
        "PUBSUB", "SHARDNUMSUB", keys.box
    )
    assert isinstance(found, list)
    return int(found[1])


async def gives(number: Awaitable[object], wanted: int) -> bool:
    return await number == wanted
