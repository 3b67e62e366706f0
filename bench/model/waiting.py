"""How long one waits in a fleet: closed forms for its cores, discrete events for a hot shard."""

from __future__ import annotations

from dataclasses import dataclass

from .costs import Costs
from .fleet import Fleet
from .node import Work, poisson, shard
from .queueing import wait_percentile
from .settings import Habits

HUBS_MAX = 50
"""Hubs around the simulated store; more of them would change little, and take long."""
BEFORE, SPIKE, AFTER = 1.0, 1.0, 3.0
"""Seconds of the simulation: calm, ten times as much, calm again."""
TIMES = 10.0
CALM = 2.0
"""It is calm again when the p99 of a tenth of a second is below so many times that of before."""
WINDOW = 0.1


@dataclass(frozen=True)
class Wait:
    """Milliseconds that a post waits before one core begins with it (M/D/1)."""

    use: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Hot:
    """A store at its highest use, to which ten times as much comes for a second. Milliseconds,
    from the hub's socket to the ack, disk included."""

    use: float
    p50: float
    p99: float
    batch: float
    """Posts in a call, all in all."""
    worst: float
    calm_after: float | None
    """Seconds from the end of the spike; None if it was not calm when the simulation ended."""


def hub_wait(costs: Costs, found: Fleet, habits: Habits) -> Wait:
    """Before a hub's core at the daily peak."""
    use = habits.fleet.hub_use * found.hubs.by["CPU"] / found.hubs.processes
    return wait(use, costs.hub_message)


def store_wait(costs: Costs, found: Fleet, habits: Habits) -> Wait:
    """Before a store's core at the daily peak."""
    use = habits.fleet.store_use * found.primaries.by["CPU"] / found.primaries.processes
    return wait(use, costs.store_message)


def hot_shard(costs: Costs, use: float, hubs: int) -> Hot:
    """A store at `use` of its core by posts that come one in a call from `hubs` hubs."""
    rate = use / costs.store_message * 1e6
    stretches = ((BEFORE, rate), (SPIKE, TIMES * rate), (AFTER, rate))
    number = min(max(1, hubs), HUBS_MAX)
    single = max(0.0, costs.store_message - costs.store_full)
    work = Work(0.0, costs.hub_message, single, costs.store_full)
    seen = shard(work, costs.sync, number, poisson(stretches))
    before = seen.ms(99, 0, BEFORE)
    begin = BEFORE + SPIKE
    windows = [begin + WINDOW * n for n in range(int(AFTER / WINDOW))]
    calm = (t - begin for t in windows if seen.ms(99, t, t + WINDOW) <= CALM * before)
    return Hot(
        use=use,
        p50=seen.ms(50, 0, BEFORE),
        p99=before,
        batch=seen.batch,
        worst=seen.ms(100),
        calm_after=next(calm, None),
    )


def wait(use: float, service_us: float) -> Wait:
    """Before a core at `use` by posts that take so many µs each."""
    service = service_us / 1e6
    rate = use / service
    p50, p99 = (1_000 * wait_percentile(percent, rate, service) for percent in (50, 99))
    return Wait(use, p50, p99)
