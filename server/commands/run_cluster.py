"""Runs a local cluster in the foreground: start, say where, wait for a signal, stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from ..store.cluster_node import ClusterNode
from ..store.endpoint import StoreError
from ..store.local_cluster import LocalCluster


def run(data: Path, primaries: int, replicas: int, port: int, node_timeout_ms: int) -> int:
    """Run a cluster until SIGINT or SIGTERM; the exit code: 1 if it could not start.

    Raises:
        StoreError: if a cluster of that size and at that port makes no sense.
    """
    cluster = LocalCluster(
        data, primaries=primaries, replicas=replicas, port=port, node_timeout_ms=node_timeout_ms
    )
    try:
        asyncio.run(_run(cluster))
    except StoreError as error:
        print(f"teller: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(cluster: LocalCluster) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    starting = asyncio.create_task(cluster.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return
    await starting
    print(await greeting(cluster), flush=True)
    await stopping
    print("Stopping ...", flush=True)
    await cluster.stop()
    print("Stopped. Everything acknowledged is on disk.", flush=True)


async def greeting(cluster: LocalCluster) -> str:
    """What a newcomer wants to know."""
    lines = ["", f"  A cluster of {len(cluster.nodes)} nodes runs on this machine"]
    for shard in await cluster.shards():
        slots = ", ".join(f"{first}-{last}" for first, last in shard.slots) or "none"
        lines.append(f"    primary {_node(shard.primary)}  slots {slots}")
        lines += [f"    replica {_node(replica)}" for replica in shard.replicas]
    lines += [
        f"  A hub on it:  .venv/bin/teller serve --store {cluster.url}",
        "  Ctrl-C stops it; the data stay.",
        "",
    ]
    return "\n".join(lines)


def _node(node: ClusterNode) -> str:
    return f"{node.address}  process {node.pid}"
