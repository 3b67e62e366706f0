"""Costs that the tests know, and a curve that the model's own simulation drew from them."""

from __future__ import annotations

from functools import cache

from bench.model.calibrate import played
from bench.model.costs import Costs, Memory, Point
from bench.model.node import Work

WORK = Work(hub_call=600.0, hub_post=200.0, store_call=500.0, store_post=150.0)
SYNC = [0.1 + 0.002 * percent for percent in range(101)]
RATES = {10: 200.0, 50: 1_000.0, 70: 1_400.0, 90: 1_800.0}


def costs(**changes: object) -> Costs:
    """Round figures, and no curve."""
    known: dict[str, object] = {
        "machine": {"date": "2026-01-01 00:00 UTC"},
        "hub_message": 30.0,
        "hub_payment": 40.0,
        "store_message": 40.0,
        "store_payment": 60.0,
        "store_full": 15.0,
        "copy": 0.5,
        "connect": 400.0,
        "idle": 1e-6,
        "memory": Memory(2_500, 9_500, 1_000, 400, 120, 400, 500, 450),
        "sync": SYNC,
        "capacity": 2_000.0,
        "points": [],
    }
    return Costs(**{**known, **changes})  # type: ignore[arg-type]


@cache
def with_curve(times: float = 1.0) -> Costs:
    """The same, with a curve as `WORK` makes it; `times` says how much slower than that its
    acks are. Of a slow machine, so that there is less to simulate."""
    plain, points = costs(), []
    for share, rate in RATES.items():
        seen = played(WORK, plain, rate)
        number = len(seen.took)
        hub, store = 1e6 * seen.hub / number, 1e6 * seen.store / number
        p50, p99 = times * seen.ms(50), times * seen.ms(99)
        points.append(Point(share, rate, seen.batch, hub, store, p50, p99))
    slow = {"hub_message": 300.0, "store_message": 400.0, "store_full": 150.0}
    return costs(points=points, **slow)
