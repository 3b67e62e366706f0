"""From what is asked to machines: cores by CPU, memory and connections, whichever needs most."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from .costs import Costs
from .demand import DAY, Demand
from .settings import MONTH_DAYS, Habits, Machine

GIB = 2**30
MARK_DAYS = 7
"""How long the marks of messages are kept."""
TURNS = 20
"""Fleet and share of posts that leave their partition depend on each other: this many looks."""


@dataclass(frozen=True)
class Need:
    """What a tier needs, by each thing that it may be short of; in processes."""

    by: dict[str, float]

    @property
    def processes(self) -> int:
        """Whole ones, at least one."""
        return max(1, ceil(max(self.by.values())))

    @property
    def decided_by(self) -> str:
        """What it needs most of."""
        return max(self.by, key=lambda name: self.by[name])


@dataclass(frozen=True)
class Fleet:
    """Machines for a demand at its daily peak."""

    hubs: Need
    """Hub processes, one core each."""
    primaries: Need
    """Store processes, one core each; every one has its replicas beside."""
    hub_machines: int
    store_machines: int
    hub_memory: float
    """Bytes that connections take, hub and kernel."""
    store_memory: float
    """Bytes of all primaries, once."""
    disk: float
    """Bytes on all copies: file and the room for its rewrite."""
    growth: float
    """Bytes that the store grows in a month if nothing is ever taken out, once."""
    crossing: float
    """Share of direct posts that leave their partition."""
    logged: float
    """Bytes a second that all primaries together append at the peak."""

    @property
    def machines(self) -> int:
        """All of them."""
        return self.hub_machines + self.store_machines


def hub_cores(asked: Demand, costs: Costs, hubs: float) -> float:
    """Cores that all hubs together are busy with, in that second."""
    away = 1 - 1 / max(1.0, hubs)
    posts = asked.direct + asked.room
    spent = posts * costs.hub_message
    spent += asked.payments * costs.hub_payment
    spent += asked.copies * costs.copy + asked.logins * costs.connect
    reached = (asked.direct + asked.payments) * asked.online * asked.devices
    reached += asked.room * min(hubs, asked.members * asked.online * asked.devices)
    spent += reached * away * costs.relay
    return spent / 1e6 + asked.connections * costs.idle


def store_cores(asked: Demand, costs: Costs, crossing: float) -> float:
    """Cores that all primaries together are busy with, in that second."""
    farther = 1 + crossing * (costs.hop - 1)
    spent = (asked.direct * farther + asked.room) * costs.store_message
    spent += asked.payments * farther * costs.store_payment
    return spent / 1e6


def kept_bytes(mean: Demand, costs: Costs, days: float) -> float:
    """Memory of the store, once, when `days` of posts are in it."""
    memory, messages = costs.memory, mean.direct + mean.room
    boxes = (mean.direct + mean.room / 2) * memory.message  # a room's message stands in one box
    daily = DAY * (boxes + mean.payments * memory.payment)
    marks = DAY * messages * min(days, MARK_DAYS) * memory.mark
    return mean.users * memory.account + daily * days + marks


def fleet(mean: Demand, costs: Costs, habits: Habits, machine: Machine) -> Fleet:
    """The machines that carry `mean` at its daily peak."""
    hubs = primaries = Need({"CPU": 1.0})
    peak = mean.times(habits.people.peak_factor)
    for _ in range(TURNS):
        before = hubs.processes, primaries.processes
        hubs = hubs_for(peak, costs, habits, hubs.processes)
        primaries = primaries_for(mean, costs, habits, _crossing(primaries))
        if before == (hubs.processes, primaries.processes):
            break
    return _equipped(mean, peak, costs, habits, machine, hubs, primaries)


def hubs_for(peak: Demand, costs: Costs, habits: Habits, hubs: float) -> Need:
    """Hub processes for the daily peak, if there are about `hubs` of them."""
    rules = habits.fleet
    return Need(
        {
            "CPU": hub_cores(peak, costs, hubs) / rules.hub_use,
            "connections": peak.connections / rules.connections_per_hub,
        }
    )


def primaries_for(mean: Demand, costs: Costs, habits: Habits, crossing: float) -> Need:
    """Primaries for the daily peak of `mean`, of whose posts a share goes to another partition."""
    rules, peak = habits.fleet, mean.times(habits.people.peak_factor)
    kept = kept_bytes(mean, costs, habits.keeping.days)
    return Need(
        {
            "CPU": store_cores(peak, costs, crossing) / rules.store_use,
            "memory": kept / (rules.primary_gib * GIB),
        }
    )


def _crossing(primaries: Need) -> float:
    """People know each other whatever their partition is."""
    return 1 - 1 / primaries.processes


def _equipped(
    mean: Demand,
    peak: Demand,
    costs: Costs,
    habits: Habits,
    machine: Machine,
    hubs: Need,
    primaries: Need,
) -> Fleet:
    rules, memory = habits.fleet, costs.memory
    per_connection = memory.hub_connection + memory.kernel_connection
    connections = peak.connections * per_connection
    hub_memory = connections / (machine.memory_gib * GIB * rules.hub_fill)
    kept = kept_bytes(mean, costs, habits.keeping.days)
    full = kept / (rules.store_memory_gib * GIB * rules.store_fill)
    messages = peak.direct + peak.room
    logged = messages * memory.message_log + peak.payments * memory.payment_log
    month = kept_bytes(mean, costs, habits.keeping.days + MONTH_DAYS)
    return Fleet(
        hubs=hubs,
        primaries=primaries,
        hub_machines=max(1, ceil(max(hubs.processes / machine.cores, hub_memory))),
        store_machines=max(1, ceil(max(primaries.processes / rules.store_cores, full)))
        * rules.copies,
        hub_memory=connections,
        store_memory=kept,
        disk=3 * kept * rules.copies,
        growth=month - kept,
        crossing=_crossing(primaries),
        logged=logged * (1 + _crossing(primaries) * (costs.hop - 1)),
    )
