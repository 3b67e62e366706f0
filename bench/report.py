"""Rows of figures: computed from rounds, printed as a table, written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import get_terminal_size
from statistics import median

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .load.histogram import PERCENTILES, merge
from .rounds import Contender, Round

TABLE_WIDTH = 110
"""Characters; a pipe has no width of its own, and figures must not be cut."""


@dataclass(frozen=True)
class Row:
    """One figure: the median of its rounds, or for a percentile that of all rounds together."""

    scenario: str
    system: str
    figure: str
    value: float
    unit: str
    durability: str
    rounds: int


def rows_of(contender: Contender, per: str = "acked") -> list[Row]:
    """All figures of a contender; its CPU per operation, or per ``delivered`` copy."""
    each = "op" if per == "acked" else "copy"
    figures: list[tuple[str, float | None, str]] = [
        ("operations", _median(contender, lambda r: r.rate), "1/s"),
        ("deliveries", _median(contender, lambda r: r.delivered / r.seconds or None), "1/s"),
        (f"server CPU per {each}", _median(contender, lambda r: r.cpu_us("server", per=per)), "µs"),
        (f"store CPU per {each}", _median(contender, lambda r: r.cpu_us("store", per=per)), "µs"),
        *_latencies("ack", [r.ack for r in contender.valid]),
        *_latencies("delivery", [r.delivery for r in contender.valid]),
        ("generator CPU", _median(contender, lambda r: 100 * r.generator_cpu), "%"),
    ]
    if any(r.open_loop for r in contender.valid):
        figures.append(("generator lag p99", _median(contender, lambda r: r.lag_p99_ms), "ms"))
    return [_row(contender, *figure) for figure in figures if figure[1] is not None]


def ratio(
    figure: str, above: Contender, below: Contender, cost: Callable[[Round], float | None]
) -> list[Row]:
    """The median of `cost` of one contender divided by the other's, round by round."""
    quotients = []
    for one, other in zip(above.rounds, below.rounds, strict=True):
        over, under = cost(one), cost(other)
        if over and under and not one.void and not other.void:
            quotients.append(over / under)
    if not quotients:
        return []
    return [_row(above, figure, median(quotients), "×", len(quotients))]


def show(rows: Iterable[Row], title: str) -> None:
    """Print a table to standard output."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in ("scenario", "system", "figure", "value", "unit", "durability", "rounds"):
        right = name in ("value", "rounds")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    last = None
    for row in rows:
        if last not in (None, (row.scenario, row.system)):
            table.add_section()
        last = (row.scenario, row.system)
        value = f"{row.value:,.0f}" if row.value >= 1_000 else f"{row.value:.3g}"
        named = (row.scenario, row.system, row.figure, value, row.unit, row.durability)
        table.add_row(*named, str(row.rounds))
    columns = get_terminal_size((TABLE_WIDTH, 0)).columns
    Console(width=max(columns, TABLE_WIDTH)).print(table)


def write(rows: Iterable[Row], path: Path) -> None:
    """Write the rows as a JSON array of objects.

    Raises:
        OSError: if the file cannot be written.
    """
    path.write_bytes(orjson.dumps([asdict(row) for row in rows], option=orjson.OPT_INDENT_2))


def _median(contender: Contender, figure: Callable[[Round], float | None]) -> float | None:
    values = [value for value in map(figure, contender.valid) if value is not None]
    return median(values) if values else None


def _latencies(what: str, packed: list[str]) -> list[tuple[str, float | None, str]]:
    whole = merge(packed)
    if not whole.get_total_count():
        return []
    found = [
        (f"{what} p{percentile:g}", whole.get_value_at_percentile(percentile) / 1_000, "ms")
        for percentile in PERCENTILES
    ]
    return [*found, (f"{what} max", whole.get_max_value() / 1_000, "ms")]


def _row(
    of: Contender, figure: str, value: float | None, unit: str, rounds: int | None = None
) -> Row:
    assert value is not None
    number = len(of.valid) if rounds is None else rounds
    system = of.system
    return Row(of.scenario, system.name, figure, value, unit, system.durability, number)
