"""`soak`: whether latency or memory creep up under a steady load."""

from __future__ import annotations

from statistics import linear_regression

from .. import procfs
from ..contest import figures, reached
from ..outcome import Outcome
from ..report import Row, measured
from ..rounds import Contender, p99_ms
from ..stage import Stage
from ..turns import interleave
from .base import Scenario, conserved
from .mix import KINDS

WINDOWS_MIN = 3
"""Fewer make no trend."""


def run(stage: Stage) -> Outcome:
    """The mix of messages and payments at half of what can be done, window after window.

    The store's memory grows by what it keeps; the hub's should not.
    """
    windows, seconds = stage.sizes.soak
    with stage.hub() as stand:
        stand.enter(stage.sizes.connections)
        before = stand.generator.call("balances")
        mix = stand.contender("soak", kinds=KINDS, to="uniform")
        soak = mix.with_order("soak", rate=stage.load.rate or reached(stage, mix) / 2)
        plan = {"seconds": seconds, "warm_up": stage.sizes.warm_up, "size": stage.load.size}
        held, memory = True, []
        for _ in range(windows):
            held &= interleave([soak], plan, 1, stage.watch)
            memory.append(resident(soak))
        outcome = conserved(stage, stand, before, Outcome(figures(soak), held))
    outcome.rows += drift(soak, seconds, memory[: len(soak.rounds)])
    return outcome


def resident(one: Contender) -> dict[str, int]:
    """Bytes that each part of its system takes now."""
    return {part: procfs.resident_bytes(pids) for part, pids in one.system.pids.items()}


def drift(one: Contender, seconds: float, memory: list[dict[str, int]]) -> list[Row]:
    """Latency and memory per minute, by least squares over the windows."""
    if len(one.valid) < WINDOWS_MIN:
        return []
    tails = [p99_ms(each.ack) for each in one.rounds]
    rows = measured(one, "ack p99 drift", [slope(tails, seconds)], "ms/min")
    for part in one.system.pids:
        kilobytes = [each[part] / 1024 for each in memory]
        rows += measured(one, f"{part} memory drift", [slope(kilobytes, seconds)], "KB/min")
    return rows


def slope(values: list[float], seconds: float) -> float:
    """How much `values`, one every so many `seconds`, grow in a minute."""
    minutes = [n * seconds / 60 for n in range(len(values))]
    return linear_regression(minutes, values).slope


SCENARIO = Scenario(
    "soak",
    "half of what can be done for minutes: do latency or memory creep up?",
    lambda stage: stage.sizes.soak[0] + 1,
    run,
)
