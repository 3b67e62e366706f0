"""`teller prove`: the command, its progress, and what it prints."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import orjson
import structlog
from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from ..errors import BenchError
from .page import write_page
from .plan import KINDS
from .run import prove
from .verdict import PROMISES, Verdict
from .wanted import LONG_S, Wanted

Plant = Literal[
    "drop-credit", "double-credit", "swap-entries", "refund-on-timeout", "skip-fsync", "lose-relay"
]
CANNOT = 2
SHOWN = 4
"""Sentences of each kind that are printed; `verdict.json` has more."""

app = App(
    name="prove", help="Break a real cluster under real clients, and judge what became of it."
)


@app.default
def run(
    *,
    seconds: float = 120.0,
    long: bool = False,
    seed: int = 1,
    clients: int = 200,
    hubs: int = 3,
    primaries: int = 3,
    durability: Literal["disk", "replica"] = "replica",
    plant: Plant | None = None,
    faults: str | None = None,
    out: Path = Path("prove-out"),
) -> int:
    """Break a real cluster under real clients, and judge what became of it.

    Starts a cluster of stores and several hubs on this machine, with hundreds of clients that chat
    and pay at random; kills, pauses and cuts off hubs and stores; then compares everything that was
    promised with what is written. 0 if every promise was kept, 1 if one was broken, 2 if it could
    not be tried.

    Parameters
    ----------
    seconds
        How long the load lasts.
    long
        An hour.
    seed
        Draws what clients do and what is broken when.
    clients
        People; every fourth has a second device.
    hubs
        Hub processes.
    primaries
        Servers that share the data, at least 3; each has a replica.
    durability
        What every ack must rest on. With `disk`, a failover may lose what it must then declare.
    plant
        A bug to plant into the hubs, which must be found.
    faults
        Only these kinds of faults, with commas between; `none` for none.
    out
        Folder for verdict.json and timeline.html.
    """
    talk = Console(stderr=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it stops everything, as Ctrl-C does
    try:
        wanted = Wanted(
            LONG_S if long else seconds,
            *(seed, clients, hubs, primaries, durability, plant, _kinds(faults), out),
        )
        _check(wanted)
        with _progress(talk, wanted) as watcher:
            verdict = asyncio.run(prove(wanted, watcher))
        _write(verdict, out)
    except (BenchError, OSError) as error:
        talk.print(f"teller prove: {error}", markup=False)
        return CANNOT
    _show(verdict, Console())
    return 0 if verdict.held else 1


def _kinds(faults: str | None) -> tuple[str, ...] | None:
    if faults is None:
        return None
    kinds = () if faults == "none" else tuple(faults.split(","))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise BenchError(f"there is no fault {unknown[0]!r}; there are: {', '.join(KINDS)}")
    return kinds


def _check(wanted: Wanted) -> None:
    if wanted.clients < 2 or wanted.hubs < 1 or wanted.seconds <= 0:
        raise BenchError("a proof needs at least two clients, a hub, and some time")


class Bar:
    """A line that says how it goes; plain lines where there is no terminal."""

    def __init__(self, console: Console, progress: Progress, wanted: Wanted) -> None:
        self._console, self._progress = console, progress
        self._task = progress.add_task("", total=wanted.seconds, told="")

    def phase(self, words: str) -> None:
        """Something else begins."""
        self._progress.update(self._task, description=words)
        if self._progress.disable:
            self._console.print(words, markup=False, highlight=False)

    def second(self, at: float, figures: dict[str, Any], faults: list[str]) -> None:
        """A second went by."""
        wrong = sum(figures["wrong"].values())
        told = f"{figures['acked']:,}/s  {figures['online']}/{figures['devices']} online"
        told += f"  {wrong} WRONG" if wrong else ""
        broken = " + ".join(faults) or "calm"
        self._progress.update(self._task, completed=at, description=broken, told=told)
        if self._progress.disable and round(at) % 10 == 0:
            self._console.print(f"{at:5.0f} s  {broken}  {told}", markup=False, highlight=False)


@contextmanager
def _progress(console: Console, wanted: Wanted) -> Iterator[Bar]:
    columns = (
        TextColumn("{task.description:32}"),
        BarColumn(24),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(
        *columns, console=console, disable=not sys.stderr.isatty(), refresh_per_second=2
    ) as progress:
        yield Bar(console, progress, wanted)


def _write(verdict: Verdict, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    plain = orjson.dumps(verdict.plain(), option=orjson.OPT_INDENT_2)
    (out / "verdict.json").write_bytes(plain)
    write_page(verdict, out / "timeline.html")


def _show(verdict: Verdict, console: Console) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in verdict.rows():
        table.add_row(name, value)
    console.print(table)
    for kind, sentences in verdict.broken.items():
        console.print(
            f"BROKEN: {kind} ({verdict.counts[kind]}): {PROMISES.get(kind, '')}", markup=False
        )
        for sentence in sentences[:SHOWN]:
            console.print(f"  {sentence}", markup=False, highlight=False)
    said = "Every promise was kept." if verdict.held else f"{len(verdict.broken)} promises broke."
    out = verdict.wanted.out
    console.print(f"{said} {out / 'verdict.json'} and {out / 'timeline.html'} hold all of it.")


if __name__ == "__main__":
    sys.exit(app())
