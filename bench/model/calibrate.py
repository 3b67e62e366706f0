"""What a call and a post cost, from two points of the measured curve."""

from __future__ import annotations

from bench.errors import BenchError

from .costs import Costs, Point
from .node import Seen, Work, one_core, paced

FITTED = (10, 70)
"""Shares of the capacity, in per cent, at which the model is made to agree with the measured CPU.
All the other points test it."""
SECONDS = 2.0
"""Of each simulated window."""
LOOKS, CLOSE = 8, 0.005
"""What a call costs changes how many posts share one: look again, so often at most, until that
number changes by less than this share."""


def calibrated(costs: Costs) -> Work:
    """The work for which the simulation takes the CPU that was measured at both `FITTED` points.

    Raises:
        BenchError: if the costs have no curve.
    """
    if len(costs.points) < len(FITTED):
        raise BenchError("the costs have no curve to hold the model against")
    few, many = (_point(costs, share) for share in FITTED)
    work, small, large = Work(0, 0, 0, 0), few.batch, many.batch
    for _ in range(LOOKS):
        before = small, large
        hub = fitted((small, few.hub), (large, many.hub))
        store = fitted((small, few.store), (large, many.store))
        work = Work(*hub, *store)
        small, large = (played(work, costs, point.rate).batch for point in (few, many))
        if abs(small / before[0] - 1) < CLOSE and abs(large / before[1] - 1) < CLOSE:
            break
    return work


def played(work: Work, costs: Costs, rate: float) -> Seen:
    """What the bench's open loop at `rate` would see of hub and store on one core."""
    return one_core(work, costs.sync, paced(rate, SECONDS))


def fitted(few: tuple[float, float], many: tuple[float, float]) -> tuple[float, float]:
    """CPU µs per call and per post, from two points (posts in a call, µs per post).

    Neither is below zero: where more posts in a call save nothing, all is per post, and where they
    save more than there can be, all is per call.
    """
    (small, dear), (large, cheap) = few, many
    if large <= small or dear <= cheap:
        return 0.0, cheap
    call = min((dear - cheap) / (1 / small - 1 / large), cheap * large)
    return call, cheap - call / large


def _point(costs: Costs, share: int) -> Point:
    return min(costs.points, key=lambda point: abs(point.share - share))
