"""The report: one page that needs nothing else, neither network nor script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from . import words
from .aims import check, read_aims
from .charts import Palette, at_share, charts, curves
from .compare import compare
from .grid import OWN, Grid, Line, family, grids
from .markup import document, tag
from .method import method
from .results import Results
from .verdicts import aims_section, changes_section

STYLE = Path(__file__).with_name("page.css")
TILES = (
    ("dm", "operations", "messages a second, acknowledged"),
    ("room 100", "deliveries", "copies a second in a room of 100"),
    ("pay uniform", "operations", "payments a second"),
    ("idle", "server memory per connection", "KB of hub memory a connection"),
    ("capacity", "capacity", "operations a second with p99 ≤ 50 ms"),
)
"""What a reader wants to know first: scenario or its family, figure, words for it."""


def write_html(results: Results, path: Path, old: Results | None = None) -> None:
    """Write the page; with an older run also what changed since.

    Raises:
        OSError: if the file cannot be written.
        BenchError: if the aims cannot be read.
    """
    path.write_text(page(results, old), encoding="utf-8")


def page(results: Results, old: Results | None = None) -> str:
    """The page as text."""
    verdicts = check(results, read_aims())
    palette = Palette(results.rows)
    families: dict[str, list[Grid]] = {}
    for grid in grids(results.rows):
        families.setdefault(family(grid.title), []).append(grid)
    body = [
        _head(results),
        _contents(families),
        aims_section(verdicts),
        changes_section(compare(old, results)) if old else None,
        *(_family(name, of, palette, results) for name, of in families.items()),
        method(results),
    ]
    return document("Teller beside its peers", STYLE.read_text(encoding="utf-8"), *body)


def _head(results: Results) -> Element:
    ours = [row for row in results.rows if row.system == OWN]
    rows = {(family(row.scenario), row.figure): row for row in ours}
    rows |= {(row.scenario, row.figure): row for row in ours}
    shown = [(rows.get((at, figure)), name) for at, figure, name in TILES]
    tiles = [
        tag("li", tag("b", words.number(row.value)), tag("small", name))
        for row, name in shown
        if row
    ]
    systems = len({row.system for row in results.rows})
    told = (
        f"{results.machine.get('date', '')} · {systems} systems · {len(results.void)} void rounds"
    )
    return tag(
        "header",
        tag("h1", "Teller beside its peers"),
        tag("p", told, class_="soft"),
        *(tag("p", line, class_="warning") for line in _warnings(results)),
        tag("ul", *tiles, class_="tiles") if tiles else None,
    )


def _warnings(results: Results) -> Iterator[str]:
    if not results.held:
        yield "The gate failed: something was lost, doubled or out of order. Nothing here counts."
    if results.partial:
        yield "The run was broken off. What is missing was not measured."


def _contents(families: dict[str, list[Grid]]) -> Element:
    names = ["aims", *families, "method"]
    return tag("nav", tag("ul", *(tag("li", tag("a", name, href=f"#{name}")) for name in names)))


def _family(name: str, of: list[Grid], palette: Palette, results: Results) -> Element:
    about = results.scenarios.get(name)
    found = list(curves(of, palette))
    parts = [tag("div", *found, class_="charts")] if found else []
    parts += [
        part
        for grid in of
        for part in _scenario(grid, palette, titled=grid.title != name or len(of) > 1)
    ]
    return tag("section", tag("h2", name), tag("p", about) if about else None, *parts, id=name)


def _scenario(grid: Grid, palette: Palette, titled: bool) -> Iterator[Element]:
    if titled:
        yield tag("h3", grid.title)
    shown = list(charts(grid, palette))
    if shown:
        yield tag("div", *shown, class_="charts")
    tables = [_table(grid, line) for line in grid.lines]
    summary = tag("summary", f"All figures of {grid.title} ({grid.rounds})")
    opened = {} if shown or at_share(grid) else {"open": ""}
    yield tag("details", summary, tag("div", *tables, class_="figures"), **opened)


def _table(grid: Grid, line: Line) -> Element:
    """One figure: a row for each contender, with its interval."""
    rows = []
    for place, row in sorted(line.cells.items()):
        keeps = tag("small", words.keeps(grid.columns[place].durability))
        name = tag("th", grid.columns[place].title, " ", keeps, scope="row")
        value = words.number(row.value, row.unit)
        rows.append(tag("tr", name, tag("td", value), tag("td", words.extent(row))))
    unit = words.unit(line.unit)
    caption = words.figure(line.figure) + (f",{unit}" if unit else "")
    return tag("table", tag("caption", caption), tag("tbody", *rows))
