"""A local cluster's shape: making one of single servers, and asking whether all see it alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from .cluster_node import HOST, ClusterNode, Member
from .endpoint import StoreError

SLOTS = 16_384
POLL_INTERVAL = 0.05


def home_slots(shard: int, shards: int) -> tuple[int, int]:
    """The first and last slot of the `shard`-th of equal shares."""
    return shard * SLOTS // shards, (shard + 1) * SLOTS // shards - 1


async def form(nodes: Sequence[ClusterNode], primaries: int, timeout: float) -> None:
    """Make one cluster of running servers, or finish what an earlier attempt began.

    Nodes below `primaries` own equal shares of the slots; node n replicates node n modulo
    `primaries`. A cluster that was formed before keeps its roles and slots; its nodes are only told
    each other's ports, which may have changed.

    Raises:
        StoreError: if that is not done within `timeout` seconds.
    """
    for node in nodes:
        # Distinct from the start, so that the nodes need not find out; refused where it is done.
        with contextlib.suppress(StoreError):
            await node.ask("CLUSTER", "SET-CONFIG-EPOCH", node.number + 1)
    await _meet(nodes)
    await wait_until(lambda: _acquainted(nodes), timeout, "its nodes do not find each other")
    if await _slots_assigned(nodes[0]) == SLOTS:
        return
    for node in nodes[primaries:]:
        if not (await node.members())[node.id].primary_id:
            await node.ask("CLUSTER", "REPLICATE", nodes[node.number % primaries].id)
    for node in nodes[:primaries]:  # last, because all slots assigned is the sign of a formed one
        if not (await node.members())[node.id].slots:
            await node.ask("CLUSTER", "ADDSLOTSRANGE", *home_slots(node.number, primaries))


async def agree(nodes: Sequence[ClusterNode]) -> bool:
    """Whether the running nodes are one cluster: up, all seen alike, every replica in step."""
    views = []
    for node in nodes:
        members = await node.members()
        state = (await node.ask("CLUSTER", "INFO")).decode()
        if "cluster_state:ok" not in state or not await _in_step(node):
            return False
        if not all(other.id in members and members[other.id].trusted for other in nodes):
            return False
        views.append(_outline(nodes, members))
    return all(view == views[0] for view in views)


async def wait_until(
    condition: Callable[[], Awaitable[bool]], timeout: float, complaint: str
) -> None:
    """Return when `condition` is true. A node that does not answer makes it false.

    Raises:
        StoreError: with the `complaint`, after `timeout` seconds.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        reason = ""
        try:
            if await condition():
                return
        except StoreError as error:
            reason = f" ({error})"
        if loop.time() > deadline:
            raise StoreError(f"the local cluster is not well: {complaint}{reason}")
        await asyncio.sleep(POLL_INTERVAL)


async def _meet(nodes: Sequence[ClusterNode]) -> None:
    """Tell each node of each other. One that is known already only changes its address by it."""
    for node in nodes:
        for other in nodes:
            if other is not node:
                await node.ask("CLUSTER", "MEET", HOST, other.port)


async def _acquainted(nodes: Sequence[ClusterNode]) -> bool:
    everybody = {node.id for node in nodes}
    for node in nodes:
        members = await node.members()
        if members.keys() != everybody or not all(one.trusted for one in members.values()):
            return False
    return True


async def _slots_assigned(node: ClusterNode) -> int:
    members = (await node.members()).values()
    return sum(last - first + 1 for member in members for first, last in member.slots)


async def _in_step(node: ClusterNode) -> bool:
    facts = await node.ask("INFO", "replication")
    return bool(facts["role"] == "master" or facts["master_link_status"] == "up")


def _outline(
    nodes: Sequence[ClusterNode], members: dict[str, Member]
) -> dict[str, tuple[str, tuple[tuple[int, int], ...]]]:
    ids = {node.id for node in nodes}
    return {
        one.id: (one.primary_id, one.slots)
        for one in members.values()
        if one.slots or one.id in ids
    }
