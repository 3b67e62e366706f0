"""What has to hold after anything hostile: nothing moved, and the hub serves others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.ledger.records import parse_record
from tests.support import Client, Hub

Keyspace = dict[bytes, bytes]


async def keyspace(hub: Hub) -> Keyspace:
    """Every key of the store with its serialised value, but for the hubs' signs of life and
    people's: when they were last there."""
    keys: list[bytes] = await hub.store("KEYS", "*")
    found = {key: await _value(hub, key) for key in sorted(keys) if key != b"{p0}hubs"}
    return {key: value for key, value in found.items() if value}


async def _value(hub: Hub, key: bytes) -> bytes:
    if b"}t:" not in key and b"}q:" not in key:
        return bytes(await hub.store("DUMP", key))
    fields: dict[bytes, bytes] = await hub.store("HGETALL", key)
    lasting = {one: fields[one] for one in fields if one != b"last" and not one.endswith(b"~")}
    return repr(sorted(lasting.items())).encode() if lasting else b""


async def balances(hub: Hub) -> dict[str, int]:
    """Minor units of USD by account, as the store has them."""
    found = {}
    for key in await hub.store("KEYS", "{p0}a:*"):
        record = parse_record(await hub.store("GET", key))
        if "USD" in record.balances:
            found[key.decode().removeprefix("{p0}a:")] = record.balances["USD"].available
    return found


@asynccontextmanager
async def untouched(hub: Hub, witness: Client) -> AsyncIterator[None]:
    """Whatever happens inside leaves the store byte for byte as it was, and the hub alive."""
    before = await keyspace(hub)
    yield
    assert (await witness.ask("balance"))["type"] == "balance"
    after = await keyspace(hub)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == set()
