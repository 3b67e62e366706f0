"""Which plots a scenario gets, from the figures it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from . import words
from .grid import OWN, Grid
from .plots import Bar, Series, bars, lines
from .rows import RATIO, Row

COLOURS = 12
COPIES = (
    ("Copies per second", ("deliveries",)),
    ("CPU of a copy, µs: server + store", ("server CPU per copy", "store CPU per copy")),
)
OPERATIONS = (
    ("Highest rate with p99 ≤ 50 ms, 1/s", ("capacity",)),
    ("Operations per second", ("operations",)),
    ("Connections opened per second", ("connects",)),
    ("CPU of the server per connect, µs", ("server CPU per connect",)),
    ("CPU per op, µs: server + store", ("server CPU per op", "store CPU per op")),
    (
        "KB per connection: server + kernel",
        ("server memory per connection", "kernel memory per connection"),
    ),
)
SPREAD = "From first to last copy, ms"
BARS_MIN = 2
"""A single bar compares nothing."""
MORE_FIRST = ("capacity", "deliveries", "operations", "connects")
PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")
LINE_MIN = 3
"""Percentiles; fewer points make no curve."""
SHARE = re.compile(r"at (\d+) %$")


class Palette:
    """One colour for each system, the same in all plots; Teller's is the accent."""

    def __init__(self, rows: Iterable[Row]) -> None:
        others = [name for name in dict.fromkeys(row.system for row in rows) if name != OWN]
        self._of = {name: f"c{1 + place % COLOURS}" for place, name in enumerate(others)}

    def of(self, system: str) -> str:
        """The class of its colour in the style sheet."""
        return self._of.get(system, "own")


def charts(grid: Grid, palette: Palette) -> Iterator[Element]:
    """Throughput, CPU and memory as bars, latencies as lines; `curves` shows shares of capacity."""
    if at_share(grid):
        return
    for title, figures in COPIES if grid.line("server CPU per copy") else OPERATIONS:
        found = _bars(grid, palette, figures)
        if len(found) >= BARS_MIN:
            yield bars(title, found)
    for line in grid.lines:
        what, _, percentile = line.figure.rpartition(" ")
        series = _percentiles(grid, palette, what) if percentile == PERCENTILES[0] else []
        if series:
            ticks = list(zip(_evenly(len(PERCENTILES)), PERCENTILES, strict=True))
            title = SPREAD if what == "spread" else f"{what.capitalize()} latency, ms"
            yield lines(title, ticks, series)


def at_share(grid: Grid) -> bool:
    """Whether it holds latencies at shares of the capacity, which are drawn as one curve."""
    return any(SHARE.search(row.scenario) for row in grid.rows)


def curves(of: Iterable[Grid], palette: Palette) -> Iterator[Element]:
    """Latency over the share of the capacity that is asked for, the "hockey stick": p99 of
    each system, of Teller alone also its neighbours."""
    rows = [row for grid in of for row in grid.rows if SHARE.search(row.scenario)]
    systems = list(dict.fromkeys(row.system for row in rows))
    for what in ("ack", "delivery"):
        if systems == [OWN]:
            wanted = [("p99", "own"), ("p99.9", "c2"), ("p50", "c1")]
            series = [_curve(rows, systems[0], f"{what} {p}", p, colour) for p, colour in wanted]
        else:
            series = [_curve(rows, one, f"{what} p99", one, palette.of(one)) for one in systems]
        if series := [one for one in series if one.points]:
            shares = sorted({_share(row) for row in rows})
            ticks = [(share / 100, f"{share}") for share in shares]
            yield lines(f"{what.capitalize()} p99, ms, at % of capacity", ticks, series)


def _alone(grid: Grid) -> bool:
    """Whether the columns are variations of one system's scenario."""
    return len(grid.columns) > 1 and len({column.system for column in grid.columns}) == 1


def _bars(grid: Grid, palette: Palette, figures: Sequence[str]) -> list[Bar]:
    """One bar for each column that has any of the figures; the best on top, unless they are
    variations, which have an order of their own."""
    found = []
    stack = [grid.line(figure) for figure in figures]
    ratios = grid.line(f"{figures[0]}{RATIO}")
    for place, column in enumerate(grid.columns):
        cells = [line.cells.get(place) if line else None for line in stack]
        if not any(cells):
            continue
        parts = [cell.value if cell else 0.0 for cell in cells]
        text = " + ".join(words.number(cell.value) for cell in cells if cell)
        ratio = ratios.cells.get(place) if ratios else None
        against = words.number(ratio.value, ratio.unit) if ratio else ""
        names = (column.title, words.keeps(column.durability), palette.of(column.system))
        found.append(Bar(*names, parts, text, against))
    if _alone(grid):
        return found
    return sorted(found, key=lambda bar: sum(bar.parts), reverse=figures[0] in MORE_FIRST)


def _percentiles(grid: Grid, palette: Palette, what: str) -> list[Series]:
    found = []
    across = _evenly(len(PERCENTILES))
    for place, column in enumerate(grid.columns):
        points = []
        for x, percentile in zip(across, PERCENTILES, strict=True):
            line = grid.line(f"{what} {percentile}")
            if line and place in line.cells and line.cells[place].value > 0:
                points.append((x, line.cells[place].value))
        if len(points) >= LINE_MIN:
            colour = f"c{1 + place % COLOURS}" if _alone(grid) else palette.of(column.system)
            found.append(Series(column.title, colour, points))
    return found


def _curve(rows: Iterable[Row], system: str, figure: str, name: str, colour: str) -> Series:
    """One figure of one system at each share, from the lowest."""
    found = {
        _share(r): r.value for r in rows if (r.system, r.figure) == (system, figure) and r.value > 0
    }
    return Series(name, colour, [(share / 100, found[share]) for share in sorted(found)])


def _share(row: Row) -> int:
    found = SHARE.search(row.scenario)
    return int(found[1]) if found else 0


def _evenly(number: int) -> list[float]:
    return [place / (number - 1) for place in range(number)]
