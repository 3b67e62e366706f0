"""`crossing`: payments from one partition to another, beside payments within one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from secrets import token_hex

from server.ledger.keys import Keyspace

from ..contest import figures, play, ratios
from ..outcome import Outcome
from ..scaled import Shape
from ..stage import Stage, Stand
from .base import Scenario, balanced, conserved

PARTITIONS = 16
PAYMENTS = {"kinds": {"payment": 1}, "to": "pair"}


def run(stage: Stage) -> Outcome:
    """Pairs who pay each other, on one hub and one store: in different partitions, or in the same.
    An operation ends when the payer knows that the money has arrived; where it does not travel,
    with the ack. Then both at half of what each reached."""
    with ExitStack() as stack:
        system = stack.enter_context(stage.scaled(Shape(partitions=PARTITIONS)))
        stands = [stack.enter_context(stage.loaded(system)) for _ in range(2)]
        for stand, apart in zip(stands, (True, False), strict=True):
            names = people(Keyspace(PARTITIONS), stage.sizes.connections // 2, apart)
            stand.generator.call("enter", names=names)
        before = [stand.generator.call("balances") for stand in stands]
        across = stands[0].contender("crossing", **PAYMENTS, until="settled")
        within = stands[1].contender("crossing within", **PAYMENTS)
        both = [across, within]
        outcome = Outcome(held=play(stage, both))
        halves = [one.at_half() for one in both if one.valid and not stage.load.rate]
        outcome.held &= play(stage, halves)
        _books(stage, stands, before, outcome)
    outcome.rows += [row for one in (*both, *halves) for row in figures(one)]
    outcome.rows += ratios(across, within, "within")
    return outcome


def people(keyspace: Keyspace, pairs: int, apart: bool) -> list[str]:
    """Fresh handles, two and two: of each pair both in one partition, drawn at random, or in two
    partitions that differ."""
    draw, handles = random.Random(pairs), _handles()

    def somebody(partition: int) -> str:
        return next(one for one in handles if keyspace.partition_of(f"@{one}") == partition)

    found = []
    for _ in range(pairs):
        home = draw.randrange(keyspace.partitions)
        away = draw.randrange(1, keyspace.partitions) if apart else 0
        found += [somebody(home), somebody((home + away) % keyspace.partitions)]
    return found


def _handles() -> Iterator[str]:
    prefix = f"c{token_hex(4)}"
    return (f"{prefix}_{n}" for n in count())


def _books(
    stage: Stage, stands: list[Stand], before: list[dict[str, int]], outcome: Outcome
) -> None:
    """Nothing is on its way any more: each window waits until all that travels has arrived."""
    first, second = stands
    balanced(stage, second, before[1], outcome)
    conserved(stage, first, before[0], outcome)


SCENARIO = Scenario(
    "crossing",
    "payments between partitions, beside payments within one; how long until both sides know",
    lambda stage: (2 if stage.load.rate else 4) * stage.sizes.rounds,
    run,
    needs_own_hub=True,
)
