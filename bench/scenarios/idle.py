"""`idle`: what connections cost that are logged in and do nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial

from .. import procfs
from ..errors import BenchError
from ..outcome import Outcome
from ..report import Row
from ..stage import Stage, Stand
from ..systems import NO_STORE
from .base import Scenario

SETTLE_SECONDS = 1.0
"""Before memory is read: closed connections are taken apart, allocators give back."""
PER_HUB_MAX = 17_000
"""Connections of one hub: a process may have 20,000 files open on many machines."""
Start = Callable[[], AbstractContextManager[Stand]]


@dataclass
class Usage:
    """What is taken at one moment: memory in bytes, CPU time and the time in nanoseconds."""

    server: int
    kernel: int
    cpu: int
    at: int


def run(stage: Stage) -> Outcome:
    """Open connections, and look at memory and, for a round, at CPU: Teller, then each peer that
    can hold so many in one process. One system runs at a time, since the kernel's memory is the
    whole machine's."""
    outcome = Outcome()
    for connections in stage.sizes.idle:
        hubs = -(-connections // PER_HUB_MAX)
        outcome.rows += _rows(stage, connections, [stage.hub] * hubs)
        for peer in stage.peers_in("idle") if hubs == 1 else []:
            if stage.watch.stopping:
                break
            try:
                outcome.rows += _rows(stage, connections, [partial(stage.peer, peer)])
            except (BenchError, OSError) as error:
                stage.watch.skip(peer.name, f"idle {connections}: {error}")
    return outcome


def _rows(stage: Stage, connections: int, starts: list[Start]) -> list[Row]:
    """The figures of one system, which may be several processes that share the connections."""
    if stage.watch.stopping:
        return []
    with ExitStack() as stack:
        stands = [stack.enter_context(start()) for start in starts]
        system = stands[0].system
        stage.watch.advance(f"idle {connections} on {system.name}")
        before, opened = _opened(stands, connections)
        time.sleep(stage.sizes.seconds)
        after = _usage(stands)
    busy = (after.cpu - opened.cpu) / (after.at - opened.at)
    figures = (
        ("connections", float(connections), ""),
        ("server memory per connection", _each(opened.server - before.server, connections), "KB"),
        ("kernel memory per connection", _each(opened.kernel - before.kernel, connections), "KB"),
        ("server CPU per 10,000 connections", 1e6 * busy / connections, "%"),
    )
    name = f"idle {connections}"
    return [Row(name, system.name, *figure, system.durability, 1) for figure in figures]


def _opened(stands: list[Stand], connections: int) -> tuple[Usage, Usage]:
    """What was taken before and after the connections were opened.

    Accounts are made first, and few at a time, so that memory which that needed and gave back is
    not taken for the connections'. A system without a store has no accounts.
    """
    shares = [len(range(n, connections, len(stands))) for n in range(len(stands))]
    accounts = stands[0].system.durability != NO_STORE
    if accounts:
        for stand, share in zip(stands, shares, strict=True):
            stand.enter(share, keep=False)
    time.sleep(SETTLE_SECONDS)
    before = _usage(stands)
    for stand, share in zip(stands, shares, strict=True):
        if accounts:
            answer = stand.generator.call("resume", cursors=False)
            if answer["errors"] or answer["connected"] != share:
                raise BenchError(f"{answer['connected']} of {share} came in: {answer['errors']}")
        else:
            stand.enter(share)
    time.sleep(SETTLE_SECONDS)
    return before, _usage(stands)


def _usage(stands: list[Stand]) -> Usage:
    """The servers' memory and CPU, and the kernel's memory: that of both ends of the sockets."""
    servers = [stand.system.pids["server"] for stand in stands]
    return Usage(
        sum(map(procfs.resident_bytes, servers)),
        procfs.kernel_bytes(),
        sum(map(procfs.cpu_ns, servers)),
        time.monotonic_ns(),
    )


def _each(taken: int, connections: int) -> float:
    """KB of one connection."""
    return taken / connections / 1024


SCENARIO = Scenario(
    "idle",
    "logged-in connections that do nothing: memory of hub and kernel for each, up to 50,000",
    lambda stage: len(stage.sizes.idle) * (1 + len(stage.peers_in("idle"))),
    run,
    needs_own_hub=True,
)
