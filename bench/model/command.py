"""`teller bench model`: from measured costs to machines, money, and what breaks first."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from bench.errors import BenchError
from bench.log import Log, Voice
from bench.options import Load
from bench.report import read_results
from bench.report.table import wide
from bench.stage import Stage

from . import measure as measuring
from .costs import REFERENCE, Costs, read_costs, write_costs
from .outlook import outlook, write_outlook
from .settings import HABITS, PRICES, read_habits, read_prices
from .show import show
from .taken import taken
from .wire import Encoding

STEPS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
USERS = "1M,100M,1G,8G"
OUT = Path("bench-results")
LINES_WIDE = 130
Switch = Annotated[bool, Parameter(negative="")]


class Lines:
    """Tells a measuring run's progress, a line for each round."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def expect(self, steps: int) -> None:
        """How many rounds there will be is not told."""

    def advance(self, name: str) -> None:
        """A round begins."""
        self.say(name)

    def say(self, words: str) -> None:
        """Print a line."""
        self._console.print(words, markup=False, highlight=False)


def model(
    *,
    users: str = USERS,
    measure: Switch = False,
    costs: Path | None = None,
    results: Path | None = None,
    hop: float | None = None,
    relay: float | None = None,
    habits: Path | None = None,
    prices: Path | None = None,
    codec: Encoding = "json",
    out: Path = OUT,
) -> int:
    """Model a fleet: machines, money, and what breaks first, for so many users.

    It prints tables and writes model.json and model.html. A model, not a claim: its errors on this
    machine's own curve stand beside it.

    Parameters
    ----------
    users
        Numbers of users with commas between; k, M and G are thousand, million and billion.
    measure
        Measure first, on this machine (about seven minutes; leave it alone meanwhile), and write
        costs.json into the folder.
    costs
        What an earlier --measure wrote; without it, the figures that Teller comes with.
    results
        A results.json of `teller bench run`, whose figures take the place of those.
    habits
        A file like bench/habits.toml: what people do, how the fleet is run.
    prices
        A file like bench/prices.toml.
    codec
        The encoding on the wire.
    out
        Folder for the files.
    """
    talk = Console(stderr=True)
    try:
        sizes = numbers(users)
        assumed, list_ = read_habits(habits or HABITS), read_prices(prices or PRICES)
        out.mkdir(parents=True, exist_ok=True)
        known = _measured(Lines(talk), out) if measure else read_costs(costs or REFERENCE)
        if results is not None:
            known = taken(known, read_results(results))
        known = given(known, hop=hop, relay=relay)
        told = outlook(sizes, known, assumed, list_, codec)
        width = max(wide().width, LINES_WIDE)
        page = Console(width=width, record=True, file=sys.stdout)
        show(told, page)
        page.save_html(str(out / "model.html"))
        write_outlook(told, out / "model.json")
    except (BenchError, OSError) as error:
        talk.print(f"teller bench: {error}", markup=False)
        return 1
    print(f"{out / 'model.json'} and {out / 'model.html'} hold all of it.")
    return 0


def numbers(words: str) -> list[float]:
    """Numbers like ``1M,2.5G``.

    Raises:
        BenchError: if one is none, or below one.
    """
    found = []
    for word in words.split(","):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", word.strip())
        number = float(match[1]) * STEPS[match[2]] if match else 0.0
        if number < 1:
            raise BenchError(f"{word.strip()!r} is no number of users, such as 1M or 2.5G")
        found.append(number)
    return found


def given(costs: Costs, **figures: float | None) -> Costs:
    """The costs with those figures that the command line names.

    Raises:
        BenchError: if one is below zero.
    """
    named = {name: value for name, value in figures.items() if value is not None}
    if any(value < 0 for value in named.values()):
        raise BenchError("no cost is below zero")
    words = dict.fromkeys(named, "given on the command line")
    return replace(costs, **named, sources={**costs.sources, **words})  # type: ignore[arg-type]


def _measured(voice: Voice, out: Path) -> Costs:
    log = Log(voice)
    found = measuring.measured(Stage(Load(), measuring.SIZES, log, []), log)
    write_costs(found, out / "costs.json")
    return found
