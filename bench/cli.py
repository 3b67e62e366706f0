"""`teller bench`: measure a hub, alone or beside a plain relay, and check it meanwhile."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import report
from .errors import BenchError
from .options import Load
from .scenarios import Bench, Outcome

app = App(name="bench", help="Measure a hub, alone or beside a plain relay.")


Options = Annotated[Load, Parameter(name="*")]
DEFAULTS = Load()
Output = Annotated[Path | None, Parameter(name="--json")]


@app.command
def dm(*, load: Options = DEFAULTS, connections: int = 100, json: Output = None) -> int:
    """Direct messages between pairs of connections, stored and acknowledged.

    Parameters
    ----------
    connections
        How many, an even number.
    json
        Write the figures to this file too.
    """
    _check_even(connections)
    return _run(load, _steps(load, _systems(load)), json, lambda bench: bench.dm(connections))


@app.command
def room(
    *, load: Options = DEFAULTS, members: int = 100, senders: int = 4, json: Output = None
) -> int:
    """One room: a few members speak, all the others get every word.

    Parameters
    ----------
    members
        Connections in the room.
    senders
        How many of them speak.
    json
        Write the figures to this file too.
    """
    if not 1 <= senders <= members or members < 2:
        raise SystemExit("a room needs two members, and at most all of them can speak")
    steps = _steps(load, _systems(load))
    return _run(load, steps, json, lambda bench: bench.room(members, senders))


@app.command
def pay(
    *,
    load: Options = DEFAULTS,
    connections: int = 100,
    ceiling: bool = False,
    json: Output = None,
) -> int:
    """Payments between pairs of connections, beside direct messages on the same hub.

    Parameters
    ----------
    connections
        How many, an even number.
    ceiling
        Also drive the store straight with the same calls: the most that could be reached.
    json
        Write the figures to this file too.
    """
    if load.beside:
        raise SystemExit("the plain relay knows no money")
    if ceiling and load.rate:
        raise SystemExit("the ceiling is what a closed loop finds; leave --rate out")
    _check_even(connections)
    steps = _steps(load, 2) + load.rounds * ceiling
    return _run(load, steps, json, lambda bench: bench.pay(connections, ceiling))


@app.command
def idle(*, load: Options = DEFAULTS, connections: int = 2_000, json: Output = None) -> int:
    """Logged-in connections that do nothing: memory of each, CPU of keeping them.

    Parameters
    ----------
    connections
        How many.
    json
        Write the figures to this file too.
    """
    return _run(load, _systems(load), json, lambda bench: bench.idle(connections))


def _run(load: Load, steps: int, json: Path | None, scenario: Callable[[Bench], Outcome]) -> int:
    """Run a scenario and print it; 1 if its gate failed or it could not be run."""
    talk = Console(stderr=True)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))  # stops the systems first
    try:
        load.check()
        with _progress(talk, steps) as advance:
            outcome = scenario(Bench(load, advance, talk.print))
    except BenchError as error:
        talk.print(f"teller bench: {error}", markup=False)
        return 1
    report.show(outcome.rows, _title(load))
    if json is not None:
        report.write(outcome.rows, json)
    if not outcome.held:
        talk.print("The figures do not count: see above.")
    return 0 if outcome.held else 1


@contextmanager
def _progress(console: Console, steps: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, nothing elsewhere; yields what is to be called as each step begins."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        disable=not sys.stderr.isatty(),
        refresh_per_second=2,  # it shares the cores with what is measured
    ) as bar:
        task = bar.add_task("starting", total=steps)
        begun = 0

        def advance(name: str) -> None:
            nonlocal begun
            bar.update(task, description=name, completed=begun)
            begun += 1

        yield advance
        bar.update(task, completed=steps)


def _title(load: Load) -> str:
    """The load in words, for the table."""
    how = f"{load.rate:,.0f}/s (open loop)" if load.rate else f"{load.window} in flight per sender"
    return f"{how}, {load.size} bytes of text, {load.codec}, {load.seconds:g} s a round"


def _systems(load: Load) -> int:
    return 2 if load.beside else 1


def _steps(load: Load, contenders: int) -> int:
    """Rounds in all."""
    return load.rounds * contenders * (2 if load.half else 1)


def _check_even(connections: int) -> None:
    if connections < 2 or connections % 2:
        raise SystemExit("pairs need an even number of connections")


if __name__ == "__main__":
    sys.exit(app())
