"""Rows of figures, computed from rounds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median, quantiles

from ..load.histogram import PERCENTILES, merge
from ..rounds import Contender, Round

ROUNDS_MIN = 3
"""Of fewer values a resampled interval says nothing."""
RESAMPLES = 1_000
RATIO = " ÷ "
"""Between the figure and what it is divided by."""


@dataclass(frozen=True)
class Row:
    """One figure: the median of its rounds, or for a percentile that of all rounds together."""

    scenario: str
    system: str
    figure: str
    value: float
    unit: str
    durability: str
    rounds: int
    low: float | None = None
    """Lower end of the median's 95 % interval, where there were rounds enough."""
    high: float | None = None


def interval(values: list[float]) -> tuple[float, float] | None:
    """The 95 % interval of the median: the percentile bootstrap of Efron (1979).

    None if there are too few values. The draws are the same each time, so that one file of
    results gives one report.
    """
    if len(values) < ROUNDS_MIN:
        return None
    draw = random.Random(1)
    medians = [median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES)]
    ends = quantiles(medians, n=40, method="inclusive")
    return ends[0], ends[-1]


def measured(
    of: Contender, figure: str, values: Iterable[float | None], unit: str, scenario: str = ""
) -> list[Row]:
    """The row of a figure from its rounds' values; none if no round has it."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = interval(known) or (None, None)
    system = of.system
    names = (scenario or of.scenario, system.name, figure, median(known), unit)
    return [Row(*names, system.durability, len(known), low, high)]


def rows_of(contender: Contender, per: str = "acked") -> list[Row]:
    """All figures of a contender; its CPU per operation, or per ``delivered`` copy."""
    each = "op" if per == "acked" else "copy"
    valid = contender.valid
    rows = [
        *measured(contender, "operations", [r.rate for r in valid], "1/s"),
        *measured(contender, "deliveries", [r.delivered / r.seconds or None for r in valid], "1/s"),
    ]
    for name, parts in (
        ("server", ["server"]),
        ("store", ["store"]),
        ("system", ["server", "store"]),
    ):
        costs = [r.cpu_us(*parts, per=per) for r in valid]
        rows += measured(contender, f"{name} CPU per {each}", costs, "µs")
    rows += latencies(contender, "ack", [r.ack for r in valid])
    rows += latencies(contender, "delivery", [r.delivery for r in valid])
    rows += measured(contender, "generator CPU", [100 * r.generator_cpu for r in valid], "%")
    late = [r.lag_p99_ms for r in valid if r.open_loop]
    return rows + measured(contender, "generator lag p99", late, "ms")


def latencies(of: Contender, what: str, packed: list[str]) -> list[Row]:
    """p50 … max of all rounds' histograms together, in milliseconds.

    The interval is that of the rounds' own percentiles.
    """
    whole = merge(packed)
    if not whole.get_total_count():
        return []
    each = [one for one in (merge([text]) for text in packed) if one.get_total_count()]
    found = []
    for percentile in PERCENTILES:
        values = [one.get_value_at_percentile(percentile) / 1_000 for one in each]
        value = whole.get_value_at_percentile(percentile) / 1_000
        found.append(_latency(of, f"{what} p{percentile:g}", value, values))
    return [*found, _latency(of, f"{what} max", whole.get_max_value() / 1_000, [])]


def ratio(
    figure: str, above: Contender, below: Contender, cost: Callable[[Round], float | None]
) -> list[Row]:
    """`cost` of one contender divided by the other's, round by round: the median of it."""
    quotients = []
    for one, other in zip(above.rounds, below.rounds, strict=False):
        over, under = cost(one), cost(other)
        if over and under and not one.void and not other.void:
            quotients.append(over / under)
    return measured(above, figure, quotients, "×")


def difference(
    figure: str,
    of: Contender,
    beside: Contender,
    cost: Callable[[Round], float | None],
    unit: str,
) -> list[Row]:
    """`cost` of one contender less the other's, round by round: the median of it."""
    found = []
    for one, other in zip(of.rounds, beside.rounds, strict=False):
        more, less = cost(one), cost(other)
        if more is not None and less is not None and not one.void and not other.void:
            found.append(more - less)
    return measured(of, figure, found, unit)


def _latency(of: Contender, figure: str, value: float, rounds: list[float]) -> Row:
    low, high = interval(rounds) or (None, None)
    names = (of.scenario, of.system.name, figure, value, "ms", of.system.durability)
    return Row(*names, len(of.valid), low, high)
