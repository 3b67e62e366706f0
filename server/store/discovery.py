"""What is behind the operator's URL: one server, or a cluster and its primaries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from .cluster import ClusterStores
from .connection import Listener, Lost, Refused, Wire, dial
from .endpoint import Endpoint, StoreError
from .link import CONNECT_TIMEOUT_S
from .partition import PAUSES_S, Watch
from .stores import Stores
from .topology import look

ATTEMPTS = 20
CLUSTER = "cluster"


async def open_stores(endpoint: Endpoint, slots: Sequence[int], watch: Watch) -> Stores:
    """The store at `endpoint`, of partitions with these hash slots; call its `start`.

    Raises:
        StoreError: if nobody answers, or several hosts are named that are no cluster.
    """
    wire = await _any(endpoint)
    wire.abort()
    kind = ClusterStores if wire.mode == CLUSTER else Stores
    return kind(endpoint, slots, watch)


async def primaries(endpoint: Endpoint) -> list[Endpoint]:
    """Every server at `endpoint` that takes writes: a cluster's primaries, or the only one.

    Raises:
        StoreError: if nobody answers.
    """
    wire = await _any(endpoint)
    try:
        return (await look(wire)).primaries() if wire.mode == CLUSTER else [wire.endpoint]
    except (Lost, Refused) as error:
        raise StoreError(f"the store at {wire.endpoint} tells no topology: {error}") from error
    finally:
        wire.abort()


async def ask_at(endpoint: Endpoint, slot: int, *command: str | bytes | int) -> object:
    """The reply to one command about a key in `slot`, over connections made for it.

    Raises:
        StoreError: if nobody answers, or the store refuses.
    """
    error: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            return await _ask_once(endpoint, slot, command)
        except Refused as refused:
            if not refused.again:
                raise StoreError(f"the store refuses {command[0]!r}: {refused}") from refused
            error = refused
        await asyncio.sleep(PAUSES_S[-1])
    raise StoreError(f"the store cannot be used now: {error}")


async def _ask_once(endpoint: Endpoint, slot: int, command: Sequence[str | bytes | int]) -> object:
    wire = await _any(endpoint)
    try:
        if wire.mode != CLUSTER:
            return await wire.request(*command)
        at = (await look(wire)).primary_of(slot)
    except Lost as lost:
        raise StoreError(f"the store at {wire.endpoint} hangs up") from lost
    finally:
        wire.abort()
    if at is None:
        raise Refused(f"CLUSTERDOWN nobody serves slot {slot}")
    wire = await _any(at)
    try:
        return await wire.request(*command)
    except Lost as lost:
        raise StoreError(f"the store at {at} hangs up") from lost
    finally:
        wire.abort()


async def _any(endpoint: Endpoint) -> Wire:
    """A connection to the first of the endpoint's servers that answers."""
    error: Exception = OSError("nobody answers")
    for seed in endpoint.seeds():
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                wire = await dial(seed, Listener())
        except (Lost, Refused, OSError, TimeoutError) as failed:
            error = failed
            continue
        if endpoint.others and wire.mode != CLUSTER:
            wire.abort()
            raise StoreError(f"{seed} is no cluster; name one host only")
        return wire
    raise StoreError(f"{endpoint} cannot be used: {error or repr(error)}") from error


async def is_cluster(endpoint: Endpoint) -> bool:
    """Whether a cluster is there, and not a single server.

    Raises:
        StoreError: if nobody answers.
    """
    wire = await _any(endpoint)
    wire.abort()
    return wire.mode == CLUSTER
