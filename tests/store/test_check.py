"""Which stores may keep money: real servers with real settings."""

from __future__ import annotations

import pytest

from server.store.check import StoreFacts, check_server, check_store
from server.store.client import redis_client
from server.store.endpoint import Durability, Endpoint, StoreError, parse_url

from .conftest import PlainServer

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
EVERYSEC = ("--appendonly", "yes", "--appendfsync", "everysec")


async def facts_of(endpoint: Endpoint, durability: Durability) -> StoreFacts:
    async with redis_client(endpoint) as client:
        return await check_store(client, durability)


async def test_what_is_accepted_with_which_durability(plain_server: PlainServer) -> None:
    durable = await plain_server(*DURABLE)
    for durability in ("disk", "everysec", "memory"):
        facts = await facts_of(durable, durability)
    assert facts.server in ("valkey", "redis")
    assert (facts.mode, facts.role, facts.policy) == ("standalone", "master", "noeviction")
    assert (facts.appendonly, facts.appendfsync) == (True, "always")

    everysec = await plain_server(*EVERYSEC)
    assert (await facts_of(everysec, "everysec")).appendfsync == "everysec"
    assert await facts_of(everysec, "memory")
    assert not (await facts_of(await plain_server(), "memory")).appendonly
    node = await plain_server(*DURABLE, "--cluster-enabled", "yes")
    assert (await facts_of(node, "disk")).mode == "cluster"


@pytest.mark.parametrize(
    ("arguments", "durability", "mend"),
    [
        ((), "disk", "CONFIG SET appendonly yes"),
        ((), "everysec", "CONFIG SET appendonly yes"),
        (EVERYSEC, "disk", "CONFIG SET appendfsync always"),
        (("--appendonly", "yes", "--appendfsync", "no"), "everysec", "appendfsync everysec"),
        ((*DURABLE, "--maxmemory-policy", "allkeys-lru"), "disk", "maxmemory-policy noeviction"),
        (("--maxmemory-policy", "volatile-ttl"), "memory", "maxmemory-policy noeviction"),
        ((*DURABLE, "--replicaof", "127.0.0.1 1"), "disk", "REPLICAOF NO ONE"),
    ],
)
async def test_refused_with_the_setting_and_its_mending(
    plain_server: PlainServer, arguments: tuple[str, ...], durability: Durability, mend: str
) -> None:
    endpoint = await plain_server(*arguments)
    with pytest.raises(StoreError, match=mend):
        await facts_of(endpoint, durability)


async def test_the_mending_mends(plain_server: PlainServer) -> None:
    endpoint = await plain_server("--maxmemory-policy", "allkeys-lru")
    async with redis_client(endpoint) as client:
        for _ in range(3):
            with pytest.raises(StoreError) as refusal:
                await check_store(client, "disk")
            command = str(refusal.value).split("CONFIG SET ")[1].split(",")[0]
            await client.config_set(*command.split())
        await check_store(client, "disk")


async def test_where_config_is_not_allowed_only_memory_is(plain_server: PlainServer) -> None:
    managed = await plain_server(
        *DURABLE, *("--user", "app", "on", ">pw", "~*", "&*", "+@all", "-config")
    )
    endpoint = parse_url(f"unix://app:pw@{managed.unix_path}")
    with pytest.raises(StoreError, match=r"does not allow CONFIG GET.*--durability memory"):
        await facts_of(endpoint, "disk")
    facts = await facts_of(endpoint, "memory")
    assert (facts.appendonly, facts.appendfsync) == (True, None)


async def test_wrong_password_missing_password_and_nobody(plain_server: PlainServer) -> None:
    locked = await plain_server(*DURABLE, "--requirepass", "pw")
    with pytest.raises(StoreError, match="wants a password"):
        await facts_of(locked, "disk")
    with pytest.raises(StoreError, match="invalid username-password pair"):
        await facts_of(parse_url(f"unix://:no@{locked.unix_path}"), "disk")
    assert await facts_of(parse_url(f"unix://:pw@{locked.unix_path}"), "disk")
    with pytest.raises(StoreError, match="does not answer"):
        await facts_of(Endpoint(unix_path="/nowhere/s"), "disk")


@pytest.mark.parametrize(
    ("server", "version", "good"),
    [
        ("valkey", "7.2.4", False),
        ("valkey", "8.0.0", True),
        ("valkey", "10.0.0-rc1", True),
        ("redis", "6.2.14", False),
        ("redis", "7.0.15", False),
        ("redis", "7.2.0", True),
        ("redis", "8.2.1", True),
        ("redis", "unknown", False),
    ],
)
def test_versions(server: str, version: str, good: bool) -> None:
    facts = StoreFacts(server, version, "standalone", "master", True, "always", "noeviction", 0, 0)
    if good:
        check_server(facts)
    else:
        with pytest.raises(StoreError, match="Teller needs Valkey 8"):
            check_server(facts)


def test_a_sentinel_is_no_store() -> None:
    facts = StoreFacts("valkey", "9.1.2", "sentinel", "sentinel", False, None, "noeviction", 0, 0)
    with pytest.raises(StoreError, match="sentinel mode"):
        check_server(facts)
