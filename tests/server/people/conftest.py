"""Hubs of one store, and what people think of each other as the store keeps it."""

from __future__ import annotations

from typing import Any

from tests.server.relay.conftest import hubs, make_hubs, quick_rounds
from tests.support import Client, Hub

__all__ = ["hubs", "make_hubs", "quick_rounds"]
Frame = dict[str, Any]


async def presence_of(client: Client, name: str) -> str:
    """The next state that `client` is told of `name`."""
    told = await client.until(lambda f: f["type"] == "presence" and f["from"] == name)
    return str(told["state"])


async def nothing_more(client: Client) -> list[Frame]:
    """What came up to the answer of a question asked now, answers aside."""
    await client.ask("balance")
    found, client.pushed = client.pushed, []
    return found


async def thinks(hub: Hub, subject: str, other: str, half: str) -> None:
    """Store what `subject` thinks of `other`."""
    keyspace = hub.app.services.keyspace
    partition = keyspace.partition_of(subject)
    key = keyspace.pair(partition, subject, other)
    value = f"{half}-" if subject < other else f"-{half}"
    await hub.app.services.channel(partition).request("SET", key, value)


async def stored(hub: Hub, command: str, kind: str, name: str, *more: Any) -> Any:
    """Ask the store about a key of an account."""
    keys = hub.app.services.keyspace.of(name)
    channel = hub.app.services.channel(keys.partition)
    return await channel.request(command, getattr(keys, kind), *more)
