"""May money be kept in this store? Its version, role and settings, against what was asked for."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from .endpoint import Durability, StoreError

VALKEY_MIN = (8, 0)
REDIS_MIN = (7, 2)
"""The first versions with all that Teller uses (functions, WAITAOF) and with fixes still made."""

NODE_TIMEOUT_UNKNOWN_S = 5.0
"""Taken for a cluster's where CONFIG is not allowed; the engine's own default is longer."""

_SYNC_GOOD_FOR: dict[Durability, frozenset[str]] = {
    "disk": frozenset({"always"}),
    "replica": frozenset({"always"}),
    "everysec": frozenset({"always", "everysec"}),
}


@dataclass(frozen=True)
class StoreFacts:
    """What a store says of itself."""

    server: str
    """``valkey`` or ``redis``."""
    version: str
    mode: str
    """``standalone``, ``cluster`` or ``sentinel``."""
    role: str
    """``master`` for a store that takes writes."""
    appendonly: bool
    appendfsync: str | None
    """``always``, ``everysec`` or ``no``; None where the server does not let us ask."""
    policy: str
    """What happens at the memory limit."""
    memory_limit: int
    """Bytes; 0 if there is none."""
    memory_used: int
    """Bytes."""
    replicas: int = 0
    """How many are connected."""
    node_timeout_s: float = 0.0
    """Seconds after which a cluster holds a silent primary to be down; 0 on a single server."""


@dataclass(frozen=True)
class StorePulse:
    """How far away a store is, in seconds."""

    round_trip: float
    """Median of a few commands that do nothing."""
    clock_difference: float
    """Between the store's clock, which stamps the entries, and this machine's."""


async def check_store(client: Redis, durability: Durability) -> StoreFacts:
    """The facts of the store behind `client`, if money may be kept there with `durability`.

    Raises:
        StoreError: if the store does not answer, is too old, is no writable primary, or has a
            setting that could lose money. The message names the setting and how to mend it.
    """
    facts = await read_facts(client)
    check_server(facts)
    if facts.policy != "noeviction":
        raise StoreError(_wrong("maxmemory-policy", facts.policy, "noeviction", "evicts no money"))
    if durability != "memory":
        _check_durability(facts, durability)
    return facts


async def read_facts(client: Redis) -> StoreFacts:
    """What the store says of itself, unjudged.

    Raises:
        StoreError: if it does not answer, or does not let us ask.
    """
    try:
        info: dict[str, Any] = await client.info()
        appendfsync = await _setting(client, "appendfsync")
    except (RedisError, OSError) as error:
        raise StoreError(_no_answer(error)) from error
    valkey = info.get("valkey_version")
    return StoreFacts(
        server="valkey" if valkey else "redis",
        version=str(valkey or info.get("redis_version", "unknown")),
        mode=str(info.get("server_mode") or info.get("redis_mode", "unknown")),
        role=str(info.get("role", "unknown")),
        appendonly=info.get("aof_enabled") == 1,
        appendfsync=appendfsync,
        policy=str(info.get("maxmemory_policy", "unknown")),
        memory_limit=int(info.get("maxmemory", 0)),
        memory_used=int(info.get("used_memory", 0)),
        replicas=int(info.get("connected_slaves", 0)),
        node_timeout_s=await _node_timeout(client) if info.get("cluster_enabled") else 0.0,
    )


async def take_pulse(client: Redis, samples: int = 20) -> StorePulse:
    """Measure the store behind `client`.

    Raises:
        StoreError: if it does not answer.
    """
    times = []
    try:
        for _ in range(samples):
            start = time.perf_counter()
            seconds, micros = await client.time()
            times.append(time.perf_counter() - start)
    except (RedisError, OSError) as error:
        raise StoreError(_no_answer(error)) from error
    return StorePulse(statistics.median(times), abs(seconds + micros / 1e6 - time.time()))


async def _node_timeout(client: Redis) -> float:
    found = await _setting(client, "cluster-node-timeout")
    return int(found) / 1000 if found else NODE_TIMEOUT_UNKNOWN_S


async def _setting(client: Redis, name: str) -> str | None:
    """The setting's value, or None where CONFIG is not allowed, as in many managed services."""
    try:
        return (await client.config_get(name)).get(name)
    except ResponseError:
        return None


def _no_answer(error: Exception) -> str:
    # redis-py has no type of its own for a missing or wrong password at the greeting.
    if isinstance(error, NoPermissionError):
        return f"the store does not let this user ask for INFO: {error}"
    if "already authenticated" in str(error):
        return "the store wants a password; give it in the URL, as in redis://user:password@host"
    return f"the store does not answer: {error}"


def check_server(facts: StoreFacts) -> None:
    """Refuse a server that is too old, or that takes no writes.

    Raises:
        StoreError: that says which it is.
    """
    least = VALKEY_MIN if facts.server == "valkey" else REDIS_MIN
    if _version_numbers(facts.version) < least:
        raise StoreError(
            f"the store is {facts.server} {facts.version}; "
            "Teller needs Valkey 8 or newer, or Redis 7.2 or newer"
        )
    if facts.mode not in ("standalone", "cluster"):
        raise StoreError(
            f"the store runs in {facts.mode} mode; Teller needs a single server, or a cluster"
        )
    if facts.role != "master":
        raise StoreError(
            f"the store's role is {facts.role!r}; give the URL of the primary "
            "(or make this one the primary: REPLICAOF NO ONE)"
        )


def _check_durability(facts: StoreFacts, durability: Durability) -> None:
    lasting = f"keeps posts with --durability {durability}"
    if not facts.appendonly:
        raise StoreError(_wrong("appendonly", "no", "yes", lasting))
    if facts.appendfsync is None:
        raise StoreError(
            "the store does not allow CONFIG GET, so nobody can tell whether it syncs to disk "
            "before it answers. Allow CONFIG GET to this user, or accept the loss of acknowledged "
            "posts with --durability memory"
        )
    if facts.appendfsync not in _SYNC_GOOD_FOR[durability]:
        need = "everysec" if durability == "everysec" else "always"
        raise StoreError(_wrong("appendfsync", facts.appendfsync, need, lasting))


def _wrong(name: str, found: str, needed: str, why: str) -> str:
    return (
        f"the store's {name} is {found!r}, but only {needed!r} {why}. Mend it with "
        f"CONFIG SET {name} {needed}, then CONFIG REWRITE so that it survives a restart"
    )


def _version_numbers(version: str) -> tuple[int, ...]:
    """``(9, 1)`` of ``9.1.2``; empty, so older than anything, if it is not a version."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
