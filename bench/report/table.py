"""What was found, on the terminal: contenders side by side."""

from __future__ import annotations

from collections.abc import Iterator
from shutil import get_terminal_size

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import words
from .aims import State, Verdict, summary
from .compare import Change, compare, differences
from .grid import Column, Grid, Line, grids
from .results import Results

WIDTH_MIN = 100
"""Characters; a pipe has no width of its own, and figures must not be cut."""
FIGURE_WIDTH = 36
COLUMN_WIDTH = 13
"""With its padding; an interval of a ratio has up to 11 characters."""
VOID_SHOWN = 5
STYLES = {State.REACHED: "green", State.SHORT: "bold red", State.UNKNOWN: "dim"}


def show(results: Results, console: Console | None = None) -> None:
    """Print all tables, what was skipped, and which rounds do not count."""
    out = console or wide()
    for grid in grids(results.rows):
        for part in _parts(grid, out.width):
            out.print(part)
    for line in remarks(results):
        out.print(line, markup=False, highlight=False)


def show_changes(old: Results, new: Results, console: Console | None = None) -> None:
    """Print what is beyond the noise or has no interval, and count the rest."""
    out = console or wide()
    changes = compare(old, new)
    shown = [change for change in changes if change.beyond_noise is not False]
    table = Table(title="Against the older run", title_justify="left", box=SIMPLE_HEAD)
    for name in ("scenario", "system", "figure", "old", "new", "new ÷ old", ""):
        table.add_column(name, justify="right" if name in ("old", "new", "new ÷ old") else "left")
    for change in shown:
        table.add_row(*_change(change))
    out.print(table)
    out.print(f"{len(changes) - len(shown)} figures moved no further than the noise.")
    for line in differences(old, new):
        out.print(f"The runs differ in {line}", markup=False, highlight=False)


def show_verdicts(
    results: Results, verdicts: list[Verdict], console: Console | None = None
) -> None:
    """Print each aim beside what was reached."""
    out = console or wide()
    table = Table(title="Aims", title_justify="left", box=SIMPLE_HEAD)
    for name in ("", "scenario", "figure", "aim", "reached", "95 %"):
        table.add_column(name, justify="right" if name in ("aim", "reached", "95 %") else "left")
    for verdict in verdicts:
        table.add_row(*_verdict(verdict))
    out.print(table)
    out.print(f"{summary(verdicts)}.")
    if not results.held:
        out.print("The run's gate failed, so none of its figures counts.")


def wide() -> Console:
    """Standard output, wide enough for a table even where it is a pipe."""
    return Console(width=max(get_terminal_size((WIDTH_MIN, 0)).columns, WIDTH_MIN))


def remarks(results: Results) -> Iterator[str]:
    """What must be known beside the figures, one sentence each."""
    for name, reason in results.skipped.items():
        yield f"skipped: {name}: {reason}"
    if results.void:
        yield f"{len(results.void)} rounds were void and do not count:"
        yield from (f"  {one}" for one in results.void[:VOID_SHOWN])
        if len(results.void) > VOID_SHOWN:
            yield f"  and {len(results.void) - VOID_SHOWN} more, all in results.json"
    yield from results.remarks
    if results.partial:
        yield "The run was broken off: what is missing was not measured."
    if not results.held:
        yield "THE GATE FAILED: something was lost, doubled or out of order. Nothing here counts."


def _parts(grid: Grid, width: int) -> Iterator[Table]:
    """The grid in as many tables as it needs to fit; the first column stands in each."""
    fitting = max(2, (width - FIGURE_WIDTH) // COLUMN_WIDTH)
    others = list(range(1, len(grid.columns)))
    for start in range(0, max(1, len(others)), fitting - 1):
        yield _table(grid, [0, *others[start : start + fitting - 1]])


def _table(grid: Grid, places: list[int]) -> Table:
    table = Table(title=f"{grid.title} · {grid.rounds}", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("figure", width=FIGURE_WIDTH - 2)
    for place in places:
        table.add_column(_heading(grid.columns[place]), justify="right", min_width=7)
    for line in grid.lines:
        if line.cells.keys() & set(places):
            table.add_row(_label(line), *(_cell(line, place) for place in places))
    return table


def _heading(column: Column) -> Text:
    return Text.assemble(
        column.title.replace("-", "-\n"), "\n", (words.keeps(column.durability), "dim not bold")
    )


def _label(line: Line) -> Text:
    unit = words.unit(line.unit)
    return Text.assemble(words.figure(line.figure), (f",{unit}" if unit else "", "dim"))


def _cell(line: Line, place: int) -> Text:
    row = line.cells.get(place)
    if row is None:
        return Text("")
    between = words.extent(row) if row.unit == "×" else ""
    return Text.assemble(
        words.number(row.value, row.unit), (f"\n{between}" if between else "", "dim")
    )


def _change(change: Change) -> tuple[str, ...]:
    old, new = change.old, change.new
    values = (words.number(row.value, row.unit) + words.unit(row.unit) for row in (old, new))
    ratio = words.number(change.ratio, "×")
    return (new.scenario, new.system, new.figure, *values, ratio, change.verdict)


def _verdict(verdict: Verdict) -> tuple[str | Text, ...]:
    row = verdict.row
    reached = words.number(row.value, row.unit) if row else ""
    names = (verdict.aim.scenario, verdict.aim.figure, words.bound(verdict.aim))
    state = Text(verdict.told, STYLES[verdict.state])
    return (state, *names, reached, words.extent(row) if row else "")
