"""`mix`: whether payments have to queue behind the chatter."""

from __future__ import annotations

from ..contest import figures, play, reached
from ..outcome import Outcome
from ..report import latencies, ratio
from ..rounds import Round, p99_ms
from ..stage import Stage
from .base import Scenario, conserved

KINDS = {"message": 95, "payment": 5}
"""Weights."""


def run(stage: Stage) -> Outcome:
    """19 messages to each payment, at half of what can be done; beside it, in the same rounds,
    payments alone at the rate that they have in the mix."""
    with stage.hub() as stand:
        stand.enter(stage.sizes.connections)
        before = stand.generator.call("balances")
        mix = stand.contender("mix", kinds=KINDS, to="uniform")
        rate = stage.load.rate or reached(stage, mix) / 2
        mix = mix.with_order("mix", rate=rate)
        share = KINDS["payment"] / sum(KINDS.values())
        order = {"kinds": {"payment": 1}, "rate": rate * share}
        alone = mix.with_order("mix alone", **order)
        outcome = Outcome(held=play(stage, [mix, alone]))
        conserved(stage, stand, before, outcome)
    outcome.rows = [*figures(mix), *figures(alone)]
    outcome.rows += latencies(mix, "payment ack", [_payments(one) for one in mix.valid])
    outcome.rows += ratio("payment ack p99 ÷ alone", mix, alone, lambda r: p99_ms(_payments(r)))
    return outcome


def _payments(one: Round) -> str:
    packed: str = one.kinds["payment"]["ack"]
    return packed


SCENARIO = Scenario(
    "mix",
    "95 % messages and 5 % payments: do payments wait longer than alone?",
    lambda stage: 2 * stage.sizes.rounds + 1,
    run,
)
