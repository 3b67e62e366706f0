"""`capacity`: the highest rate at which everything is still well, and the latency below it."""

from __future__ import annotations

from ..contest import play, reached, rows
from ..errors import BenchError
from ..outcome import Outcome
from ..report import measured
from ..rounds import Contender, Round, counted, p99_ms
from ..search import highest
from ..stage import Stage, Stand
from ..systems import TELLER
from .base import Scenario, conserved, contests
from .mix import KINDS

P99_MAX_MS = 50.0
ACHIEVED_MIN = 0.99
"""Of the rate that was offered."""
TRIES_MAX = 40
"""Rounds of one search; it takes about eight."""
START_SHARE = 0.5
"""Of what a closed loop does: where the ramp begins."""


def run(stage: Stage) -> Outcome:
    """Ramp and bisect to the highest rate in open loop with p99 ≤ 50 ms and nothing lost; then
    all systems in turn, each at the same shares of what it can do.

    Teller carries 5 % payments. A peer without acknowledgements is judged by its deliveries.
    """

    def prepare(stand: Stand) -> None:
        stand.enter(stage.sizes.connections)

    with stage.stands("capacity", prepare, able="dm") as stands:
        before = stands[0].generator.call("balances")
        outcome, levels = Outcome(), []
        for stand in stands:
            kinds = KINDS if stand.system.name == TELLER else {"message": 1}
            contender = stand.contender("capacity", kinds=kinds, to="pair")
            found = search(stage, contender)
            if found is None:
                stage.watch.say(f"{contender.name}: no rate passed")
                continue
            outcome.rows += measured(contender, "capacity", [found], "1/s")
            for share in stage.sizes.steps:
                name = f"capacity at {share} %"
                levels.append(contender.with_order(name, rate=found * share / 100))
        outcome.held &= play(stage, levels)
        outcome.rows += rows(levels)
        return conserved(stage, stands[0], before, outcome)


def search(stage: Stage, contender: Contender) -> float | None:
    """The highest rate that passes, in operations per second; None if none did, or where the
    run was broken off."""
    tries = 0

    def passes(rate: float) -> bool:
        nonlocal tries
        tries += 1
        if stage.watch.stopping or tries > TRIES_MAX:
            return False
        stage.watch.advance(f"{contender.name}: {rate:,.0f}/s")
        return _passes(stage, contender, rate)

    try:
        found = highest(passes, reached(stage, contender) * START_SHARE)
    except BenchError as error:
        if contender.system.name == TELLER:
            raise
        stage.watch.skip(contender.system.name, f"capacity: {error}")
        return None
    return None if stage.watch.stopping else found


def _passes(stage: Stage, contender: Contender, rate: float) -> bool:
    sizes = stage.sizes
    plan = {"seconds": sizes.seconds, "warm_up": sizes.warm_up, "size": stage.load.size}
    plan["overload"] = True
    one = contender.play({**plan, "rate": rate})
    if one.void and not one.wrong:  # once more, as in any scenario; then it counts as it is
        stage.watch.void(f"{contender.name} at {rate:,.0f}/s: {one.why_void}")
        one = contender.play({**plan, "rate": rate})
    if one.open_loop and one.strained:
        stage.watch.say(f"{contender.name} at {rate:,.0f}/s: {one.strained} was the limit")
        return False
    if contender.system.name == TELLER and one.corrupt:
        raise BenchError(f"{contender.name} at {rate:,.0f}/s: WRONG: {one.wrong}")
    return well(one, rate)


def well(one: Round, rate: float) -> bool:
    """Whether a round at `rate` kept the promise: in time, complete, and nothing wrong."""
    answers = one.ack if counted(one.ack) else one.delivery
    in_time = p99_ms(answers) <= P99_MAX_MS
    return in_time and one.rate >= ACHIEVED_MIN * rate and not one.refused and not one.wrong


SCENARIO = Scenario(
    "capacity",
    "the highest rate with p99 ≤ 50 ms and nothing lost, and latency at shares of it",
    lambda stage: (
        9 * contests(stage, "capacity", "dm") // stage.sizes.rounds
        + contests(stage, "capacity", "dm", of=len(stage.sizes.steps))
    ),
    run,
)
