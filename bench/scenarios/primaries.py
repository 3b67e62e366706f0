"""`primaries`: partitions on the servers of a cluster, beside one store without partitions."""

from __future__ import annotations

from contextlib import ExitStack

from ..contest import figures, play, ratios
from ..outcome import Outcome
from ..rounds import Contender
from ..scaled import Shape
from ..stage import Stage
from .base import Scenario
from .workers import PAIRS

PARTITIONS = 16
DURABILITY = "disk"
"""The servers of a local cluster know no other."""


def run(stage: Stage) -> Outcome:
    """Pairs, most of whom lie in different partitions: with all of these on one server of a
    cluster, on two, on three; and the same on the embedded store with one partition."""
    with ExitStack() as stack:
        shapes = [Shape(partitions=PARTITIONS, primaries=n) for n in stage.sizes.primaries]
        cluster = [_pairs(stage, stack, f"primaries {one.primaries}", one) for one in shapes]
        whole = _pairs(stage, stack, "primaries none", Shape())
        held = play(stage, [*cluster, whole])
    rows = [row for one in (*cluster, whole) for row in figures(one)]
    first, *more = cluster
    rows += ratios(first, whole, "one partition")
    for one in more:
        rows += ratios(one, first, f"{stage.sizes.primaries[0]} primary")
    return Outcome(rows, held)


def _pairs(stage: Stage, stack: ExitStack, name: str, shape: Shape) -> Contender:
    system = stack.enter_context(stage.scaled(shape, DURABILITY))
    stand = stack.enter_context(stage.loaded(system))
    stand.enter(stage.sizes.connections)
    return stand.contender(name, **PAIRS)


SCENARIO = Scenario(
    "primaries",
    "16 partitions on 1, 2 and 3 servers of a cluster, beside one store with one partition",
    lambda stage: stage.sizes.rounds * (len(stage.sizes.primaries) + 1),
    run,
    needs_own_hub=True,
)
