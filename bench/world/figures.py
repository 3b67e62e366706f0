"""From the samples of windows to rows: what took longer than the distance alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from ..report import Row
from ..report.rows import interval
from ..systems import TELLER
from .planet import Planet

TWO_PHASE = "two-phase"
"""The name of the strawman in all rows."""
PERCENTILES = (50, 99)
BEYOND = frozenset({"delivery", "credit"})
"""What has to go the distance, which is therefore taken off."""
PAYMENT_ACK = "payment ack"


def percentile(values: list[float], percent: float) -> float:
    """The value below or at which so many percent lie: nearest rank.

    Raises:
        ValueError: if there is none.
    """
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


@dataclass
class Samples:
    """Seconds by pair and figure, window by window."""

    planet: Planet
    durability: str
    system: str = TELLER
    windows: list[dict[str, dict[str, list[float]]]] = field(default_factory=list)

    def add(self, window: dict[str, Any]) -> None:
        """What one window's `finish` answered."""
        self.windows.append(window["samples"])

    @property
    def pairs(self) -> list[str]:
        """Every ``source>dest`` that has samples."""
        return list(dict.fromkeys(pair for window in self.windows for pair in window))

    def rows(self) -> list[Row]:
        """A scenario ``world source-dest`` for each pair; and ``world``, which has the worst value
        of each figure among the pairs of different regions."""
        found, across = [], defaultdict[str, list[Row]](list)
        for pair in self.pairs:
            source, _, dest = pair.partition(">")
            for row in self._of_pair(source, dest):
                found.append(row)
                if source != dest:
                    across[row.figure].append(row)
        worst = [max(rows, key=lambda row: row.value) for rows in across.values()]
        return [*(replace(row, scenario="world") for row in worst), *found]

    def row(
        self,
        scenario: str,
        figure: str,
        value: float,
        unit: str = "ms",
        of: tuple[float, float] | None = None,
    ) -> Row:
        """One figure; `of` is its interval."""
        low, high = of or (None, None)
        names = (scenario, self.system, figure, value, unit, self.durability)
        return Row(*names, max(1, len(self.windows)), low, high)

    def _of_pair(self, source: str, dest: str) -> list[Row]:
        pair, scenario = f"{source}>{dest}", f"world {source}-{dest}"
        distance = self.planet.one_way(source, dest)
        rows = [self.row(scenario, "one-way delay", 1_000 * distance)]
        for name in ("ack", PAYMENT_ACK, "delivery", "credit", "settled"):
            off = distance if name in BEYOND else 0.0
            words = f"{name} beyond one-way" if name in BEYOND else name
            for percent in PERCENTILES:
                rows += self._figure(scenario, pair, name, f"{words} p{percent}", percent, off)
        commit = self._commit(source)
        if commit is not None:
            figure = "payment ack beyond commit p99"
            rows += self._figure(scenario, pair, PAYMENT_ACK, figure, 99, commit)
        return rows

    def _figure(
        self, scenario: str, pair: str, name: str, figure: str, percent: float, off: float
    ) -> list[Row]:
        """A percentile of all windows together, less `off` seconds; none without samples."""
        each = [one for one in (w.get(pair, {}).get(name, []) for w in self.windows) if one]
        if not each:
            return []
        windows = [1_000 * (percentile(one, percent) - off) for one in each]
        whole = 1_000 * (percentile([value for one in each for value in one], percent) - off)
        return [self.row(scenario, figure, whole, of=interval(windows))]

    def _commit(self, region: str) -> float | None:
        """The local commit: the median of a payer's ack where the payee is in the same region."""
        own = f"{region}>{region}"
        values = [v for window in self.windows for v in window.get(own, {}).get(PAYMENT_ACK, [])]
        return percentile(values, 50) if values else None
