"""Two runs side by side: what changed, and whether that is more than the noise."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from .grid import LAST
from .results import Results
from .rows import RATIO, Row

MORE_IS_BETTER = ("capacity", "operations", "deliveries", "connects", "connections")


@dataclass(frozen=True)
class Change:
    """One figure in both runs."""

    old: Row
    new: Row

    @property
    def ratio(self) -> float:
        """New ÷ old."""
        return self.new.value / self.old.value

    @property
    def beyond_noise(self) -> bool | None:
        """Whether the two intervals have nothing in common; None where one has no interval."""
        old, new = self.old, self.new
        if old.low is None or old.high is None or new.low is None or new.high is None:
            return None
        return new.low > old.high or new.high < old.low

    @property
    def better(self) -> bool:
        """Whether it went the way one wishes: more operations, fewer of all else."""
        more = self.new.figure.partition(RATIO)[0].startswith(MORE_IS_BETTER)
        return (self.ratio > 1) == more

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.beyond_noise is None:
            return "no interval"
        if not self.beyond_noise:
            return "within the noise"
        return "better" if self.better else "worse"


def compare(old: Results, new: Results) -> list[Change]:
    """All figures that both have: those beyond the noise first, then by how far they moved.

    Figures of zero, of which there is no ratio, and those of the instrument itself are left out.
    """
    before = {_key(row): row for row in old.rows}
    changes = [
        Change(before[_key(row)], row)
        for row in new.rows
        if _key(row) in before and row.value > 0 and before[_key(row)].value > 0
    ]
    kept = [change for change in changes if not change.new.figure.startswith(LAST)]
    return sorted(kept, key=lambda change: (not change.beyond_noise, -abs(log(change.ratio))))


def differences(old: Results, new: Results) -> list[str]:
    """What else differs between the runs, so that their figures may not be comparable."""
    both = ({**run.machine, **run.options} for run in (old, new))
    before, after = both
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [f"{name}: {before.get(name)} → {after.get(name)}" for name in names if name != "date"]


def _key(row: Row) -> tuple[str, str, str, str]:
    return row.scenario, row.system, row.figure, row.durability
