"""Peak events: a new-year minute, and a show of red packets, on a fleet that was made for a day."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .costs import Costs
from .demand import Demand
from .fleet import Fleet, hub_cores, store_cores
from .settings import Events, Habits, Machine


@dataclass(frozen=True)
class Tier:
    """Hubs, or stores, in an event."""

    needed: float
    """Cores that the event keeps busy."""
    there: int
    """Cores of the fleet."""
    seconds: float
    """How long the event lasts."""
    use: float
    """The highest use that is borne."""

    @property
    def load(self) -> float:
        """Cores needed for each that is there."""
        return self.needed / self.there

    @property
    def holds(self) -> bool:
        """Whether it is borne without more cores."""
        return self.load <= self.use

    @property
    def behind(self) -> float:
        """Seconds of work that wait when the event ends; senders are told `busy` before."""
        return max(0.0, (self.load - 1) * self.seconds)

    @property
    def more(self) -> int:
        """Cores to add for the event."""
        return max(0, -int(-self.needed / self.use // 1) - self.there)


@dataclass(frozen=True)
class Event:
    """What an event asks of a fleet."""

    name: str
    posts: float
    """Per second."""
    hubs: Tier
    stores: Tier
    extra_hour: float
    """Dollars for the cores that are missing, rented for an hour; every store core with its
    replicas."""


def events(
    mean: Demand, found: Fleet, costs: Costs, habits: Habits, machine: Machine
) -> list[Event]:
    """Both events, on the fleet of `mean`."""
    rules = habits.events
    new_year = mean.times(rules.new_year_factor)
    busy = mean.times(habits.people.peak_factor)
    show = replace(busy, payments=busy.payments + rules.red_packets_a_second)
    named = (
        (f"new year: {rules.new_year_factor:g} times the mean", new_year, rules.new_year_seconds),
        ("red packets, on top of the daily peak", show, rules.red_packet_seconds),
    )
    return [_event(*one, found, costs, habits, machine) for one in named]


def _event(
    name: str,
    asked: Demand,
    seconds: float,
    found: Fleet,
    costs: Costs,
    habits: Habits,
    machine: Machine,
) -> Event:
    hubs = _tier(hub_cores(asked, costs, found.hubs.processes), found.hubs.processes, seconds,
                 habits.events)  # fmt: skip
    cores = store_cores(asked, costs, found.crossing)
    stores = _tier(cores, found.primaries.processes, seconds, habits.events)
    more = hubs.more + stores.more * habits.fleet.copies
    hour = machine.month / 730 / machine.cores
    return Event(name, asked.posts, hubs, stores, more * hour)


def _tier(needed: float, there: int, seconds: float, rules: Events) -> Tier:
    return Tier(needed, there, seconds, rules.use)


def payees(costs: Costs, habits: Habits) -> float:
    """Accounts over which the red packets have to be spread: one account lives in one partition,
    and only one core at a time can write there."""
    each = costs.hop / 2 * costs.store_payment / 1e6
    return max(1.0, habits.events.red_packets_a_second * each / habits.events.use)
