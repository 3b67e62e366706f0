"""The model against the machine: what it says of the measured curve, and how far off it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.scenarios.capacity import P99_MAX_MS, START_SHARE
from bench.search import highest

from .calibrate import FITTED, calibrated, played
from .costs import Costs
from .node import Work

WITHIN = 0.15
"""The aim: so far may the model be off."""


@dataclass(frozen=True)
class Claim:
    """Something the model says that was measured too."""

    name: str
    unit: str
    said: float
    seen: float
    fitted: bool = False
    """Whether the model was made from this very figure, so that it proves nothing."""

    @property
    def error(self) -> float:
        """How much more the model says, as a share of what was seen."""
        return self.said / self.seen - 1 if self.seen else 0.0

    @property
    def holds(self) -> bool:
        """Whether it is within the aim."""
        return abs(self.error) <= WITHIN


def claims(costs: Costs) -> list[Claim]:
    """Of the capacity, and of each point of the curve: CPU, size of the calls, latencies.

    Raises:
        BenchError: if the costs have no curve.
    """
    work = calibrated(costs)
    found = [Claim("capacity", "1/s", capacity(work, costs), costs.capacity)]
    for point in costs.points:
        said, at = played(work, costs, point.rate), f"at {point.share} %"
        fitted, number = point.share in FITTED, len(said.took)
        found += [
            Claim(f"hub CPU {at}", "µs", 1e6 * said.hub / number, point.hub, fitted),
            Claim(f"store CPU {at}", "µs", 1e6 * said.store / number, point.store, fitted),
            Claim(f"messages in a call {at}", "", said.batch, point.batch),
            Claim(f"ack p50 {at}", "ms", said.ms(50), point.p50),
            Claim(f"ack p99 {at}", "ms", said.ms(99), point.p99),
        ]
    return found


def proving(found: Iterable[Claim]) -> list[Claim]:
    """Those that prove something."""
    return [claim for claim in found if not claim.fitted]


def capacity(work: Work, costs: Costs) -> float:
    """The highest rate at which the model's p99 keeps the bench's bound, on one core; messages a
    second. The search is the bench's own."""

    def passes(rate: float) -> bool:
        return played(work, costs, rate).ms(99) <= P99_MAX_MS

    cores_full = 1e6 / max(1.0, work.hub_post + work.store_post)
    return highest(passes, START_SHARE * cores_full) or 0.0
