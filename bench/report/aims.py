"""What is aimed at, and what of it was reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from ..errors import BenchError
from .grid import OWN
from .results import Results
from .rows import Row

AIMS = Path(__file__).parent.parent / "aims.toml"


class State(StrEnum):
    """How an aim stands."""

    REACHED = "reached"
    SHORT = "SHORT"
    UNKNOWN = "not measured"


class Aim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row's figure and its bound: `at_most` or `at_least`, in the figure's unit."""

    scenario: str
    figure: str
    why: str
    """What the bound means, in words."""
    system: str = OWN
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"{self.scenario}, {self.figure}: needs either at_most or at_least")

    @property
    def bound(self) -> float:
        """The value that the figure is held against."""
        return self.at_least if self.at_most is None else self.at_most  # type: ignore[return-value]

    def met(self, value: float) -> bool:
        """Whether a value is on the right side of the bound, or on it."""
        return value <= self.bound if self.at_most is not None else value >= self.bound


class Aims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All aims; they hold for systems of this durability only."""

    aim: list[Aim]
    durability: str = "disk"


@dataclass(frozen=True)
class Verdict:
    """An aim beside what was reached."""

    aim: Aim
    row: Row | None

    @property
    def state(self) -> State:
        """Decided by the median."""
        if self.row is None:
            return State.UNKNOWN
        return State.REACHED if self.aim.met(self.row.value) else State.SHORT

    @property
    def bad_end(self) -> float | None:
        """The end of the interval that is nearer to failing, if there is one."""
        if self.row is None:
            return None
        return self.row.high if self.aim.at_most is not None else self.row.low

    @property
    def told(self) -> str:
        """The state in words: also whether the interval's bad end would miss the aim."""
        unsure = self.bad_end is not None and not self.aim.met(self.bad_end)
        return f"{self.state}, not surely" if self.state is State.REACHED and unsure else self.state


def read_aims(path: Path = AIMS) -> Aims:
    """The aims in a TOML file.

    Raises:
        BenchError: if it cannot be read, with what is wrong.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Aims)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise BenchError(f"{path} does not hold aims: {error}") from error


def check(results: Results, aims: Aims) -> list[Verdict]:
    """Each aim beside the row that it names; of a run whose gate failed, no row counts."""
    rows = {
        (row.scenario, row.system, row.figure): row
        for row in results.rows
        if results.held and row.durability == aims.durability
    }
    return [Verdict(aim, rows.get((aim.scenario, aim.system, aim.figure))) for aim in aims.aim]


def exit_code(results: Results, verdicts: Iterable[Verdict]) -> int:
    """1 if an aim falls short or the run's gate failed, else 0; what was not measured passes."""
    short = any(verdict.state is State.SHORT for verdict in verdicts)
    return int(short or not results.held)


def summary(verdicts: list[Verdict]) -> str:
    """How many of each, in words."""
    number = {state: sum(one.state is state for one in verdicts) for state in State}
    reached, short, unknown = (number[state] for state in State)
    return f"{reached} of {len(verdicts)} aims reached, {short} short, {unknown} not measured"
