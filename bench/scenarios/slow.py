"""`slow`: whether readers who stall make the others wait."""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import Any

from .. import procfs
from ..contest import figures, play, reached
from ..outcome import Outcome
from ..report import measured, ratio
from ..rounds import Drive, p99_ms
from ..stage import Stage
from .base import Scenario

STALLED_SHARE = 0.01
SIZE = 4_096
"""Bytes of text: enough to fill a reader's outbox within a round."""


def run(stage: Stage) -> Outcome:
    """A room at half of what it can do; one member in a hundred stops reading, and reads
    everything later. Beside it, in the same rounds, the same room where nobody stalls.
    """
    members = stage.sizes.connections
    with stage.hub() as stand:
        stand.enter(members)
        stand.generator.call("join")
        order = {"kinds": {"room": 1}, "to": "room", "size": SIZE}
        free = stand.contender("slow no stall", **order, senders=stage.sizes.senders)
        free = free.with_order(free.scenario, rate=stage.load.rate or reached(stage, free) / 2)
        slow = free.with_order("slow", stalled=ceil(members * STALLED_SHARE))
        for one in (slow, free):
            one.drive = partial(_watched, one.drive, stand.system.pids["server"])
        outcome = Outcome(held=play(stage, [slow, free]))
    for one in (slow, free):
        outcome.rows += figures(one, "delivered")
        peaks = [r.peak_bytes / 2**20 for r in one.valid]
        outcome.rows += measured(one, "server memory peak", peaks, "MB")
        outcome.rows += measured(one, "closed as slow", [float(r.returned) for r in one.valid], "")
    for what, cost in (
        ("delivery p99", lambda r: p99_ms(r.delivery)),
        ("ack p99", lambda r: p99_ms(r.ack)),
        ("server memory peak", lambda r: r.peak_bytes),
    ):
        outcome.rows += ratio(f"{what} ÷ no stall", slow, free, cost)
    return outcome


def _watched(drive: Drive, server: int, **plan: Any) -> dict[str, Any]:
    """`drive`, and the most memory that the server took meanwhile."""
    procfs.forget_peak(server)
    result = drive(**plan)
    return {**result, "peak_bytes": procfs.peak_bytes(server)}


SCENARIO = Scenario(
    "slow",
    "one reader in a hundred stalls: do the others wait, does memory stay bounded?",
    lambda stage: 2 * stage.sizes.rounds + 1,
    run,
    needs_own_hub=True,
)
