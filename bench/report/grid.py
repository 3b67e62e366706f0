"""Rows arranged for reading: contenders side by side, one line for each figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .rows import RATIO, Row

ORDER = (
    *("capacity", "operations", "deliveries", "connects", "connections"),
    *("server CPU", "store CPU", "system CPU"),
    *("server memory", "kernel memory", "ack", "delivery", "spread"),
    *("payment ack", "credit", "settled", "seconds to drain", "publications"),
)
"""Figures by how they begin, in the order in which one reads them; any other comes after."""
LAST = "generator"
"""What only says whether the instrument was sound."""
OWN = "teller"


@dataclass(frozen=True)
class Column:
    """A contender: a system, or where there is only Teller, a variation of the scenario."""

    title: str
    system: str
    durability: str


@dataclass
class Line:
    """One figure of all contenders; `cells` by the number of the column."""

    figure: str
    unit: str
    cells: dict[int, Row] = field(default_factory=dict)


@dataclass
class Grid:
    """One scenario, or all variations of one that only Teller plays."""

    title: str
    columns: list[Column]
    lines: list[Line]

    def line(self, *figures: str) -> Line | None:
        """The first of these figures that is here."""
        by_name = {line.figure: line for line in self.lines}
        return next((by_name[figure] for figure in figures if figure in by_name), None)

    @property
    def rows(self) -> list[Row]:
        """All rows, line by line."""
        return [row for line in self.lines for row in line.cells.values()]

    @property
    def rounds(self) -> str:
        """How many rounds counted: a number, or from … to, in words."""
        numbers = sorted({row.rounds for row in self.rows})
        if numbers == [1]:
            return "1 round"
        return f"{'–'.join(map(str, dict.fromkeys((numbers[0], numbers[-1]))))} rounds"


def family(scenario: str) -> str:
    """The scenario without its variation: ``room 100`` is of the family ``room``."""
    return scenario.replace(",", " ").partition(" ")[0]


def grids(rows: Iterable[Row]) -> list[Grid]:
    """All rows, in the order in which the scenarios came; variations of one stay together."""
    families: dict[str, list[Row]] = {}
    for row in rows:
        families.setdefault(family(row.scenario), []).append(row)
    return [grid for name, of in families.items() for grid in _split(name, of)]


def _split(name: str, rows: list[Row]) -> list[Grid]:
    """One family: a single grid if only Teller plays its variations, else one each."""
    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    if len(scenarios) > 1 and {row.system for row in rows} == {OWN}:
        return [_grid(name, rows, lambda row: row.scenario.removeprefix(name).strip(" ,") or name)]
    each = [[row for row in rows if row.scenario == scenario] for scenario in scenarios]
    return [_grid(of[0].scenario, of, lambda row: row.system) for of in each]


def _grid(title: str, rows: list[Row], heading: Callable[[Row], str]) -> Grid:
    columns = list(dict.fromkeys(Column(heading(row), row.system, row.durability) for row in rows))
    columns.sort(key=lambda column: column.system != OWN)
    lines: dict[str, Line] = {}
    for row in rows:
        figure, place = _place(row, heading(row), columns)
        line = lines.setdefault(figure, Line(figure, row.unit))
        line.cells[place] = row
    return Grid(title, columns, sorted(lines.values(), key=lambda line: _rank(line.figure)))


def _place(row: Row, heading: str, columns: list[Column]) -> tuple[str, int]:
    """The line and the column of a row: a ratio stands with the system that it is held against."""
    figure, _, other = row.figure.partition(RATIO)
    for place, column in enumerate(columns):
        if other and column.system == other != row.system:
            return f"{figure}{RATIO}", place
    return row.figure, columns.index(Column(heading, row.system, row.durability))


def _rank(figure: str) -> tuple[int, bool]:
    """Ratios follow the figure that they divide; the sort is stable for the rest."""
    base = figure.partition(RATIO)[0]
    if base.startswith(LAST):
        return len(ORDER) + 1, False
    kinds = [place for place, kind in enumerate(ORDER) if base.startswith(kind)]
    return (kinds[0] if kinds else len(ORDER)), RATIO in figure
