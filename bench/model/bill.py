"""What a fleet costs in a month, in US dollars at list price."""

from __future__ import annotations

from dataclasses import dataclass

from .costs import Costs
from .demand import Demand, egress_bytes, month_of
from .fleet import GIB, Fleet
from .settings import Habits, Prices
from .wire import Encoding, message

GB, HOURS = 1e9, 730


@dataclass(frozen=True)
class Bill:
    """A month."""

    hubs: float
    stores: float
    disk: float
    egress: float
    """At a cloud's price."""
    egress_hoster: float
    """The same bytes at a hoster's price; not in `total`."""
    archive: float
    """Records of money when the archive is full; it would have to be built. Not in `total`."""
    egress_gb: float

    @property
    def total(self) -> float:
        """Machines, disk, and egress at a cloud's price."""
        return self.hubs + self.stores + self.disk + self.egress


def bill(
    mean: Demand, found: Fleet, costs: Costs, habits: Habits, prices: Prices, encoding: Encoding
) -> Bill:
    """The month of a fleet that carries `mean`."""
    machine, rules = prices.machine, habits.fleet
    stores = found.store_machines * rules.store_cores / machine.cores
    sent = month_of(egress_bytes(mean, habits.people, encoding)) / GB
    records = month_of(mean.payments) * habits.keeping.archive_months * costs.memory.payment
    return Bill(
        hubs=found.hub_machines * machine.month,
        stores=stores * machine.month,
        disk=found.disk / GB * prices.disk.gb_month,
        egress=sent * prices.egress.cloud_gb,
        egress_hoster=sent * prices.egress.hoster_gb,
        archive=records / GB * prices.archive.gb_month,
        egress_gb=sent,
    )


@dataclass(frozen=True)
class UnitPrices:
    """List prices of single things: machines for the daily peak with their head-room and copies,
    and egress at a cloud's price."""

    million_messages_cpu: float
    million_messages_egress: float
    thousand_payments_cpu: float
    thousand_payments_archive: float
    """Their records, for as many months as they are to be kept."""
    million_idle: float
    """Connections that do nothing, for a month."""


def unit_prices(costs: Costs, habits: Habits, prices: Prices, encoding: Encoding) -> UnitPrices:
    """What a direct message, a payment between two partitions and an idle connection cost."""
    machine, rules, people = prices.machine, habits.fleet, habits.people
    core_second = machine.month / machine.cores / (HOURS * 3_600)

    def cpu(hub: float, store: float) -> float:
        each = (hub + costs.relay) / rules.hub_use
        each += store * costs.hop * rules.copies / rules.store_use
        return each / 1e6 * people.peak_factor * core_second

    sent = message(encoding, people.text_bytes)
    heard = people.online_share * people.devices + people.devices - 1
    bytes_ = sent.ack + heard * sent.entry
    silent = costs.memory.hub_connection + costs.memory.kernel_connection
    record = costs.memory.payment * habits.keeping.archive_months * prices.archive.gb_month
    gib = machine.month / machine.memory_gib
    return UnitPrices(
        million_messages_cpu=1e6 * cpu(costs.hub_message, costs.store_message),
        million_messages_egress=1e6 * bytes_ / GB * prices.egress.cloud_gb,
        thousand_payments_cpu=1e3 * cpu(costs.hub_payment, costs.store_payment),
        thousand_payments_archive=1e3 * record / GB,
        million_idle=1e6 * silent / rules.hub_fill / GIB * gib,
    )
