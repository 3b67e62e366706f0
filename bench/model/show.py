"""The outlook on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .check import WITHIN, proving
from .outlook import Outlook, Size
from .waiting import Wait
from .words import bits, count, dollars, many, octets, percent

Cell = Callable[[Size], str]

LEFT_OUT = (
    "Not in the model: media, calls, SMS codes, fraud, support, people; TLS and load balancers"
    " in front of the hubs; traffic between zones and regions; a log-in's password; discounts."
)


def show(told: Outlook, out: Console) -> None:
    """Print all of it."""
    out.print("A model, not a claim: measured costs of one machine, assumptions about people.")
    for table in (
        _measured(told),
        _checked(told),
        _fleets(told),
        _bills(told),
        _keeping(told),
        _walls(told),
        _events(told),
        _waits(told),
        _anchors(told),
    ):
        out.print(table)
    out.print(LEFT_OUT, highlight=False)


def _table(title: str, names: Iterable[str], left: Sequence[int] = (0,)) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number in left else "right")
    return table


def _measured(told: Outlook) -> Table:
    costs, memory = told.costs, told.costs.memory
    date = str(costs.machine.get("date", "at an unknown time"))
    table = _table(f"Measured on one machine, {date}", ("what", "figure", "where from"), (0, 2))
    figures = (
        ("hub, message at half load", f"{costs.hub_message:.1f} µs", "hub_message"),
        ("hub, payment at half load", f"{costs.hub_payment:.1f} µs", "hub_payment"),
        ("store, message alone in its call", f"{costs.store_message:.1f} µs", "store_message"),
        ("store, payment alone in its call", f"{costs.store_payment:.1f} µs", "store_payment"),
        ("store, message in a full call", f"{costs.store_full:.1f} µs", "store_full"),
        ("hub, one copy in a room", f"{costs.copy:.2f} µs", "copy"),
        ("hub, log-in with a token", f"{costs.connect:.0f} µs", "connect"),
        ("hub, relay to another hub", f"{costs.relay:.1f} µs", "relay"),
        ("store, between partitions", f"× {costs.hop:.2f}", "hop"),
        ("10,000 silent connections", f"{1e6 * costs.idle:.2f} % of a core", "idle"),
        ("a silent connection, hub", octets(memory.hub_connection), "memory"),
        ("the same, kernel, both ends", octets(memory.kernel_connection), "memory"),
        ("store, an account", octets(memory.account), "memory"),
        ("store, a message in two mailboxes", octets(memory.message), "memory"),
        ("store, its mark for 7 days", octets(memory.mark), "memory"),
        ("store, a payment", octets(memory.payment), "memory"),
        ("file, a message", octets(memory.message_log), "memory"),
        ("file, a payment", octets(memory.payment_log), "memory"),
        ("disk sync, p50", f"{costs.sync[50]:.2f} ms", "sync"),
    )
    for name, figure, key in figures:
        table.add_row(name, figure, costs.sources.get(key, "measured"))
    return table


def _checked(told: Outlook) -> Table:
    held = proving(told.claims)
    good = sum(claim.holds for claim in held)
    title = f"The model against this machine: {good} of {len(held)} within {WITHIN:.0%}"
    table = _table(title, ("what", "unit", "model", "measured", "error", ""), (0, 1, 5))
    for claim in told.claims:
        error = f"{claim.error:+.0%}"
        note = "fitted to it" if claim.fitted else "" if claim.holds else "off"
        table.add_row(claim.name, claim.unit, count(claim.said), count(claim.seen), error, note)
    return table


def _by_size(title: str, told: Outlook, rows: Iterable[tuple[str, Cell]]) -> Table:
    table = _table(title, ("users", *(many(size.users) for size in told.sizes)))
    for name, cell in rows:
        table.add_row(name, *map(cell, told.sizes))
    return table


def _fleets(told: Outlook) -> Table:
    rows: tuple[tuple[str, Cell], ...] = (
        ("posts a second, peak", lambda s: count(s.peak.posts)),
        ("deliveries a second, peak", lambda s: count(s.peak.deliveries)),
        ("payments a second, peak", lambda s: count(s.peak.payments)),
        ("connections", lambda s: many(s.peak.connections)),
        ("hub processes (cores)", lambda s: count(s.fleet.hubs.processes)),
        ("  decided by", lambda s: s.fleet.hubs.decided_by),
        ("primaries (cores)", lambda s: count(s.fleet.primaries.processes)),
        ("  decided by", lambda s: s.fleet.primaries.decided_by),
        ("posts that leave their partition", lambda s: percent(s.fleet.crossing)),
        ("hub machines", lambda s: count(s.fleet.hub_machines)),
        ("store machines, all copies", lambda s: count(s.fleet.store_machines)),
        ("memory of connections", lambda s: octets(s.fleet.hub_memory)),
        ("memory of the store, one copy", lambda s: octets(s.fleet.store_memory)),
        ("  grows in a month, if all is kept", lambda s: octets(s.fleet.growth)),
        ("disk, all copies", lambda s: octets(s.fleet.disk)),
        ("appended a second, peak", lambda s: octets(s.fleet.logged)),
        ("egress, peak", lambda s: bits(s.egress)),
    )
    machine, rules = told.prices.machine, told.habits.fleet
    title = f"Machines: hubs of {machine.cores} cores and {machine.memory_gib} GiB, stores of"
    title += f" {rules.store_cores} and {rules.store_memory_gib:g}; {told.habits.keeping.days:g}"
    return _by_size(f"{title} days kept, {told.encoding}", told, rows)


def _bills(told: Outlook) -> Table:
    rows: tuple[tuple[str, Cell], ...] = (
        ("hubs", lambda s: dollars(s.bill.hubs)),
        ("stores", lambda s: dollars(s.bill.stores)),
        ("disk", lambda s: dollars(s.bill.disk)),
        ("egress at a cloud's price", lambda s: dollars(s.bill.egress)),
        ("together", lambda s: dollars(s.bill.total)),
        ("per user", lambda s: dollars(s.bill.total / s.users)),
        ("besides: egress at a hoster's", lambda s: dollars(s.bill.egress_hoster)),
        ("besides: records of money, archived", lambda s: dollars(s.bill.archive)),
    )
    title = f"Dollars a month, list prices of {told.prices.date}"
    table = _by_size(title, told, rows)
    units, compare = told.units, told.prices.compare
    table.caption = (
        f"A million messages: {dollars(units.million_messages_cpu)} of CPU,"
        f" {dollars(units.million_messages_egress)} of egress. A thousand payments:"
        f" {dollars(units.thousand_payments_cpu)} of CPU,"
        f" {dollars(units.thousand_payments_archive)} to keep their records"
        f" (TIPS takes EUR {compare.tips_per_1000:g}). A million idle connections:"
        f" {dollars(units.million_idle)} a month. Signal spends at least"
        f" {dollars(compare.signal_per_user_month)} per user and month, with media and calls."
    )
    return table


def _keeping(told: Outlook) -> Table:
    most = max(size.users for size in told.sizes)
    title = f"What keeping posts in memory costs, {many(most)} users"
    names = ("days kept", "memory, one copy", "store machines", "of all machines", "per user")
    table = _table(title, names)
    for one in told.keeping:
        found = one.fleet
        table.add_row(
            f"{one.days:g}",
            octets(found.store_memory),
            count(found.store_machines),
            percent(found.store_machines / found.machines),
            dollars(one.per_user),
        )
    return table


def _walls(told: Outlook) -> Table:
    table = _table("What breaks first", ("full", "at users", "then add"), (0, 2))
    for wall in told.walls:
        table.add_row(wall.name, many(wall.users), wall.then)
    nexts = (f"{many(s.users)}: {s.next.name}" for s in told.sizes if s.next is not None)
    table.caption = "Next to break beyond " + "; ".join(nexts)
    return table


def _events(told: Outlook) -> Table:
    names = ("event", "users", "posts/s", "hub load", "store load", "seconds behind",
             "cores to add", "for an hour")  # fmt: skip
    table = _table("Peak events on the fleet of the day (load 1 is all cores busy)", names)
    for size in told.sizes:
        for one in size.events:
            behind = max(one.hubs.behind, one.stores.behind)
            table.add_row(
                one.name,
                many(size.users),
                count(one.posts),
                f"{one.hubs.load:.2f}",
                f"{one.stores.load:.2f}",
                f"{behind:.0f}" if behind else "none",
                count(one.hubs.more + one.stores.more * told.habits.fleet.copies),
                dollars(one.extra_hour),
            )
    table.caption = (
        f"One account is one partition, written by one core: the red packets have to be spread"
        f" over at least {count(told.payees)} payees."
    )
    return table


def _waits(told: Outlook) -> Table:
    names = ("core", "at users", "use", "wait p50, ms", "wait p99, ms")
    table = _table("Waiting for a core at the daily peak (M/G/1)", names)
    for size in told.sizes:
        _wait(table, "hub", many(size.users), size.hub_wait)
        _wait(table, "store", many(size.users), size.store_wait)
    _wait(table, "hub", "most use", told.hub_limit)
    _wait(table, "store", "most use", told.store_limit)
    hot = told.hot
    calm = "not within 3 s" if hot.calm_after is None else f"{hot.calm_after:.1f} s after it"
    table.caption = (
        f"A store at {percent(hot.use)} of its core, by discrete events, from the hub's socket to"
        f" the ack: p50 {hot.p50:.2f} ms, p99 {hot.p99:.2f} ms. Ten times as much for a second:"
        f" worst {hot.worst:,.0f} ms, calm {calm}. Distance comes on top of all of these."
    )
    return table


def _wait(table: Table, core: str, users: str, one: Wait) -> None:
    table.add_row(core, users, percent(one.use), f"{one.p50:.3f}", f"{one.p99:.3f}")


def _anchors(told: Outlook) -> Table:
    names = ("load of", "unit", "model", "published", "model ÷ published", "caution")
    table = _table("Beside what others published: a ratio, no fit", names, (0, 1, 5))
    for one in told.anchors:
        figures = (count(one.model), count(one.published), f"{one.ratio:.2f}")
        table.add_row(one.name, one.unit, *figures, one.caution)
    return table
