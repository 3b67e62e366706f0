"""Everything that the model says, for some numbers of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec

from .anchors import Anchor, anchors
from .bill import Bill, UnitPrices, bill, unit_prices
from .check import Claim, claims
from .costs import Costs
from .demand import Demand, demand, egress_bytes
from .fleet import Fleet, fleet
from .peaks import Event, events, payees
from .settings import Habits, Prices
from .waiting import Hot, Wait, hot_shard, hub_wait, store_wait, wait
from .walls import Wall, first_beyond, walls
from .wire import Encoding

DAYS = (1.0, 7.0, 30.0, 365.0)
"""For which keeping is priced."""


@dataclass(frozen=True)
class Size:
    """What so many users need."""

    users: float
    mean: Demand
    peak: Demand
    fleet: Fleet
    bill: Bill
    egress: float
    """Bytes a second, at the peak."""
    events: list[Event]
    hub_wait: Wait
    store_wait: Wait
    next: Wall | None
    """What breaks next when users grow."""


@dataclass(frozen=True)
class Kept:
    """What it costs to keep posts in memory for so many days, at the largest number of users."""

    days: float
    fleet: Fleet
    per_user: float
    """Dollars a month."""


@dataclass(frozen=True)
class Outlook:
    """All of it."""

    costs: Costs
    habits: Habits
    prices: Prices
    encoding: Encoding
    sizes: list[Size]
    keeping: list[Kept]
    units: UnitPrices
    walls: list[Wall]
    claims: list[Claim]
    hub_limit: Wait
    """At the highest use that a hub's core may have."""
    store_limit: Wait
    hot: Hot
    payees: float
    """Accounts that the red packets have to be spread over, so that no store core is full."""
    anchors: list[Anchor]


def outlook(
    users: Sequence[float], costs: Costs, habits: Habits, prices: Prices, encoding: Encoding
) -> Outlook:
    """The model, run. It takes some seconds, most of them for the simulations."""
    found = walls(costs, habits, prices, encoding)
    sizes = [_size(one, found, costs, habits, prices, encoding) for one in users]
    hubs = max(size.fleet.hubs.processes for size in sizes)
    return Outlook(
        costs,
        habits,
        prices,
        encoding,
        sizes,
        [_kept(days, max(users), costs, habits, prices, encoding) for days in DAYS],
        unit_prices(costs, habits, prices, encoding),
        found,
        claims(costs),
        wait(habits.fleet.hub_use, costs.hub_message),
        wait(habits.fleet.store_use, costs.store_message),
        hot_shard(costs, habits.fleet.store_use, hubs),
        payees(costs, habits),
        anchors(costs, habits, prices.machine),
    )


def _kept(
    days: float, users: float, costs: Costs, habits: Habits, prices: Prices, encoding: Encoding
) -> Kept:
    shorter = msgspec.structs.replace(habits.keeping, days=days)
    habits = msgspec.structs.replace(habits, keeping=shorter)
    mean = demand(users, habits.people)
    found = fleet(mean, costs, habits, prices.machine)
    paid = bill(mean, found, costs, habits, prices, encoding)
    return Kept(days, found, paid.total / users)


def _size(
    users: float,
    found: list[Wall],
    costs: Costs,
    habits: Habits,
    prices: Prices,
    encoding: Encoding,
) -> Size:
    people, machine = habits.people, prices.machine
    mean = demand(users, people)
    peak = mean.times(people.peak_factor)
    needed = fleet(mean, costs, habits, machine)
    return Size(
        users=users,
        mean=mean,
        peak=peak,
        fleet=needed,
        bill=bill(mean, needed, costs, habits, prices, encoding),
        egress=egress_bytes(peak, people, encoding),
        events=events(mean, needed, costs, habits, machine),
        hub_wait=hub_wait(costs, needed, habits),
        store_wait=store_wait(costs, needed, habits),
        next=first_beyond(found, users),
    )


def write_outlook(told: Outlook, path: Path) -> None:
    """All of it as JSON, the figures that follow from others too.

    Raises:
        OSError: if the file cannot be written.
    """
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plain(told)), indent=2) + b"\n")


def plain(value: Any) -> Any:
    """A value as JSON knows it; a dataclass becomes a map of its fields and its properties."""
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
        names += [name for name, one in vars(type(value)).items() if isinstance(one, property)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value
