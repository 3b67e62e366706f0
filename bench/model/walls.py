"""What breaks first: the number of users at which each thing is full, and what then to add."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from .costs import Costs
from .demand import demand, egress_bytes
from .fleet import GIB, hub_cores, hubs_for, kept_bytes, primaries_for, store_cores
from .settings import Habits, Prices
from .wire import Encoding

ONE = 1_000_000.0
"""Users at which a linear demand is looked at."""
LARGEST = 1e13


@dataclass(frozen=True)
class Wall:
    """Something that is full at so many users."""

    name: str
    users: float
    then: str
    """What to add."""


def walls(costs: Costs, habits: Habits, prices: Prices, encoding: Encoding) -> list[Wall]:
    """All that the model knows of, the first to break first."""
    found = [
        *_of_one(costs, habits, prices, encoding),
        *_of_one_account(costs, habits),
        *_of_a_cluster(costs, habits),
    ]
    return sorted(found, key=lambda wall: wall.users)


def first_beyond(found: list[Wall], users: float) -> Wall | None:
    """What breaks next when `users` grow."""
    return next((wall for wall in found if wall.users > users), None)


def _of_one(costs: Costs, habits: Habits, prices: Prices, encoding: Encoding) -> list[Wall]:
    """Of one hub process, one store process, one machine."""
    people, rules = habits.people, habits.fleet
    mean = demand(ONE, people)
    peak = mean.times(people.peak_factor)
    data = kept_bytes(mean, costs, habits.keeping.days)
    logged = (peak.direct + peak.room) * costs.memory.message_log
    logged += peak.payments * costs.memory.payment_log
    network = rules.network_gbit * 1e9 / 8
    return [
        _linear("one hub's core", hub_cores(peak, costs, 1), rules.hub_use, "workers"),
        _linear(
            "connections of one hub process",
            peak.connections,
            rules.connections_per_hub,
            "workers, then machines for hubs",
        ),
        _linear(
            "one store's core",
            store_cores(peak, costs, 0),
            rules.store_use,
            "partitions, on more primaries",
        ),
        _linear(
            f"memory of one store machine, {habits.keeping.days:g} days kept",
            data,
            rules.store_memory_gib * GIB * rules.store_fill,
            "more primaries; an archive for old entries, which has to be built",
        ),
        _linear(
            "one disk's appends",
            logged,
            prices.disk.megabytes_a_second * 1e6,
            "more primaries, or a faster disk",
        ),
        _linear(
            "one machine's network card",
            egress_bytes(peak, people, encoding),
            network,
            "machines for hubs; msgpack on the wire",
        ),
    ]


def _of_one_account(costs: Costs, habits: Habits) -> list[Wall]:
    """Of what cannot be divided: one payee, one room."""
    people, rules = habits.people, habits.fleet
    peak = demand(ONE, people).times(people.peak_factor)
    paid = peak.payments * people.largest_payee_share
    paid *= costs.hop / 2 * costs.store_payment / 1e6
    written = (peak.direct + peak.room) * people.busiest_room_share
    return [
        _linear(
            "the largest payee's account (one core)",
            paid,
            rules.store_use,
            "accounts beside it that are added up, or a larger batch for each call",
        ),
        _linear(
            "the busiest room (one core)",
            written * costs.store_message / 1e6,
            rules.store_use,
            "a slow mode in the room; nobody reads so fast",
        ),
    ]


def _of_a_cluster(costs: Costs, habits: Habits) -> list[Wall]:
    """Of one cluster: its primaries, and the hubs that each of them has to answer."""
    rules, people = habits.fleet, habits.people

    mean = demand(ONE, people)
    peak = mean.times(people.peak_factor)
    hubs = hubs_for(peak, costs, habits, float(rules.clients_per_store))
    primaries = primaries_for(mean, costs, habits, crossing=1)
    return [
        _linear(
            "primaries of one cluster",
            max(primaries.by.values()),
            rules.primaries_per_cluster,
            "regions: a cluster each, joined by the outbox",
        ),
        _linear(
            "hubs at one primary",
            max(hubs.by.values()),
            rules.clients_per_store,
            "regions, or a relay between hubs and primaries",
        ),
    ]


def _linear(name: str, of_a_million: float, most: float, then: str) -> Wall:
    """A wall that a demand meets which grows with the users."""
    users = ONE * most / of_a_million if of_a_million > 0 else inf
    return Wall(name, min(users, LARGEST), then)
