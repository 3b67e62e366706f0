"""`teller bench`: measure Teller beside its peers and beside the limit, and check it meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import catalogue, report, suite
from .errors import BenchError
from .model.command import model
from .options import Load
from .report import Results
from .wanted import Wanted

app = App(name="bench", help="Measure Teller beside its peers and beside the limit.")
app.command(catalogue.show, name="list")
app.command(catalogue.setup)
app.command(model)

Options = Annotated[Load, Parameter(name="*")]
Switch = Annotated[bool, Parameter(negative="")]
DEFAULTS = Load()
OUT = Path("bench-results")
INTERRUPTED, UNREADABLE = 130, 2
"""Exit codes: of a run that was broken off, as a shell's, and of a file that is none."""


@app.command
def run(
    *scenario: str,
    quick: Switch = False,
    full: Switch = False,
    peers: str | None = None,
    out: Path = OUT,
    compare: Path | None = None,
    load: Options = DEFAULTS,
) -> int:
    """Run scenarios (all, if none is named) and report: results.json and report.html.

    Ctrl-C ends the run after its round; what was measured so far is reported.

    Parameters
    ----------
    scenario
        Their names; `teller bench list` has them.
    quick
        Small sizes and a few peers: about five minutes.
    full
        What the aims ask for: hours.
    peers
        Names with commas between, `all` or `none`.
    out
        Folder for results.json and report.html.
    compare
        An earlier results.json: show what changed.
    """
    talk = Console(stderr=True)
    try:
        wanted = Wanted(scenario, quick, full, peers, load)
        before = report.read_results(compare) if compare is not None else None
        with _progress(talk) as bar:
            found, failed = suite.prepared(wanted, bar)
        _write(found, before, out)
    except (BenchError, OSError) as error:
        talk.print(f"teller bench: {error}", markup=False)
        return 1
    if found.partial:
        return INTERRUPTED
    return 0 if found.held and not failed else 1


@app.command
def check(file: Path, *, aims: Path = report.AIMS) -> int:
    """Hold the figures of a results.json against the aims; 1 if one falls short.

    Parameters
    ----------
    file
        What `teller bench run` wrote.
    aims
        Another file of aims.
    """
    try:
        results = report.read_results(file)
        verdicts = report.check(results, report.read_aims(aims))
    except BenchError as error:
        Console(stderr=True).print(f"teller bench: {error}", markup=False)
        return UNREADABLE
    report.show_verdicts(results, verdicts)
    return report.exit_code(results, verdicts)


def _write(found: Results, before: Results | None, out: Path) -> None:
    """Both files, and the tables on standard output."""
    out.mkdir(parents=True, exist_ok=True)
    report.write_results(found, out / "results.json")
    report.write_html(found, out / "report.html", before)
    report.show(found)
    if before is not None:
        report.show_changes(before, found)
    print(f"{out / 'results.json'} and {out / 'report.html'} hold all of it.")


class Bar:
    """The run's progress, over all rounds of all scenarios; tells what is odd above it."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._task = progress.add_task("starting", total=None)
        self._begun = 0

    def expect(self, steps: int) -> None:
        """About how many rounds there will be."""
        self._progress.update(self._task, total=steps)

    def advance(self, name: str) -> None:
        """A round begins, so the one before is done."""
        self._progress.update(self._task, description=name, completed=self._begun)
        self._begun += 1

    def say(self, words: str) -> None:
        """Print a line."""
        self._console.print(words, markup=False, highlight=False)


@contextmanager
def _progress(console: Console) -> Iterator[Bar]:
    """A bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        disable=not sys.stderr.isatty(),
        refresh_per_second=2,  # it shares the cores with what is measured
    ) as progress:
        yield Bar(console, progress)


if __name__ == "__main__":
    sys.exit(app())
