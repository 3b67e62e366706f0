"""Moving slots between the primaries of a cluster, by the engine's own atomic migration.

The source copies the slots while it serves them, holds up writes for a moment, and hands them over
at once (Valkey 9, ``CLUSTER MIGRATESLOTS``). Clients see one change of owner, never a half.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .cluster_node import ClusterNode
from .cluster_shape import POLL_INTERVAL
from .endpoint import StoreError

DONE, GIVEN_UP = "success", ("failed", "cancelled")
"""States in which a move ends."""

SlotRange = tuple[int, int]
"""First and last slot, both included."""


@dataclass(frozen=True)
class Migration:
    """How far a move of slots has come."""

    name: str
    source: str
    target: str
    """Ids of the nodes."""
    slots: str
    """Ranges, such as ``0-100 200-300``."""
    state: str
    """The engine's word: ``success``, ``failed``, ``canceled``, or a step on the way."""
    message: str
    """Why it failed."""


async def move(
    slots: Sequence[SlotRange],
    source: ClusterNode,
    target: ClusterNode,
    timeout: float,
    progress: Callable[[Migration], None],
) -> None:
    """Move `slots`, all owned by `source`, to `target`; `progress` hears of each step.

    Raises:
        StoreError: if a node refuses, the move fails, or it takes more than `timeout` seconds.
    """
    before = {migration.name for migration in await migrations(source)}
    bounds = [bound for slot_range in slots for bound in slot_range]
    await source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *bounds, "NODE", target.id)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    told = ""
    while True:
        for one in await migrations(source):
            if one.name not in before and one.state != told:
                told = one.state
                progress(one)
                if _ended(one):
                    return
        if loop.time() > deadline:
            raise StoreError(f"slots do not move from {source.address} to {target.address}: {told}")
        await asyncio.sleep(POLL_INTERVAL)


async def migrations(node: ClusterNode) -> list[Migration]:
    """The moves to and from a primary: those on their way, and the latest that ended.

    Raises:
        StoreError: if it does not answer.
    """
    return [_migration(one) for one in await node.ask("CLUSTER", "GETSLOTMIGRATIONS")]


async def cancel(node: ClusterNode) -> None:
    """Give up the moves away from a primary that are on their way, if there are any.

    Raises:
        StoreError: if it does not answer.
    """
    going = [one for one in await migrations(node) if one.state not in (DONE, *GIVEN_UP)]
    if any(one.source == node.id for one in going):
        await node.ask("CLUSTER", "CANCELSLOTMIGRATIONS")


def within(owned: Sequence[SlotRange], wanted: Sequence[SlotRange]) -> list[SlotRange]:
    """What of the `wanted` slots is in the ranges `owned`."""
    common = [(max(first, low), min(last, high)) for first, last in owned for low, high in wanted]
    return [(first, last) for first, last in common if first <= last]


def _ended(migration: Migration) -> bool:
    if migration.state in GIVEN_UP:
        raise StoreError(f"moving slots {migration.slots}: {migration.state}: {migration.message}")
    return migration.state == DONE


def _migration(fields: dict[bytes, Any]) -> Migration:
    def text(name: bytes) -> str:
        value = fields.get(name, b"")
        return value.decode() if isinstance(value, bytes) else str(value)

    return Migration(
        name=text(b"name"),
        source=text(b"source_node"),
        target=text(b"target_node"),
        slots=text(b"slot_ranges"),
        state=text(b"state"),
        message=text(b"message"),
    )
