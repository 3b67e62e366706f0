"""`spike`: ten times the load for one second, as on New Year's Eve."""

from __future__ import annotations

from statistics import median

from ..contest import figures, play, reached
from ..outcome import Outcome
from ..report import measured
from ..rounds import Round
from ..stage import Stage
from .base import Scenario

FACTOR = 10
BASE_SHARE = 0.15
"""Of what can be done: so the spike offers half as much again as can be done."""
BEFORE_SECONDS = 3
AFTER_SECONDS = 6
CALM = 2.0
"""Latency is back when a second's p99 is below this times that before the spike."""
CALM_MS = 20.0
"""Below this it is back in any case."""


def run(stage: Stage) -> Outcome:
    """Direct messages at a fixed rate, ten times that for a second, and the rate again. Nothing
    may be lost; what the hub refuses, it must say so."""
    with stage.hub() as stand:
        stand.enter(stage.sizes.connections)
        base = stand.contender("spike", kinds={"message": 1}, to="pair")
        rate = stage.load.rate or reached(stage, base) * BASE_SHARE
        shape = [[BEFORE_SECONDS, 1], [1, FACTOR], [AFTER_SECONDS, 1]]
        spike = base.with_order("spike", rate=rate, shape=shape, overload=True)
        outcome = Outcome(held=play(stage, [spike]))
    valid = spike.valid
    outcome.rows = figures(spike)
    outcome.rows += measured(spike, "seconds until calm", [calm(one) for one in valid], "s")
    worst = [max((p99 for _, _, p99 in one.timeline), default=None) for one in valid]
    outcome.rows += measured(spike, "worst second's ack p99", worst, "ms")
    outcome.rows += measured(spike, "refused", [float(one.refused) for one in valid], "")
    return outcome


def calm(one: Round) -> float | None:
    """Seconds from the end of the spike until latency was what it had been; None if it was not
    to be known, all seconds that were watched if it never was."""
    before = [p99 for second, _, p99 in one.timeline if second < BEFORE_SECONDS]
    after = [(second, p99) for second, _, p99 in one.timeline if second > BEFORE_SECONDS]
    if not before or not after:
        return None
    limit = max(CALM * median(before), CALM_MS)
    loud = [second for second, p99 in after if p99 > limit]
    return max(loud) - BEFORE_SECONDS if loud else 0.0


SCENARIO = Scenario(
    "spike",
    "ten times the load for one second: how long until it is calm again?",
    lambda stage: stage.sizes.rounds + 1,
    run,
)
