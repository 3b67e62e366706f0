"""`presence`: everybody comes online at once, and people who talk meanwhile must not notice."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

from .. import procfs
from ..contest import figures, play, reached
from ..errors import BenchError
from ..load.driver import Generator
from ..outcome import Outcome
from ..report import latencies, measured, ratio
from ..rounds import Drive, p99_ms
from ..stage import Stage
from .base import Scenario
from .storms import AT_ONCE

FRIENDS = 20
"""Whom each of them watches."""
RATE_SHARE = 0.1
"""Of what can be done in pairs: how much those who talk do."""
WINDOW_SHARE = 0.9
"""Of what the storm takes without talk: how long a round is, so that it lies within the storm."""
NICE = 19
"""The crowd's machine is another one; here at least it stands behind the talkers'."""


def run(stage: Stage) -> Outcome:
    """Pairs talk at a fixed rate, with and without a storm of others who come in, each of whom
    watches some of the others."""
    number = stage.sizes.returning
    with stage.hub() as stand, Generator.of_clients(stand.system.addresses, "json") as crowd:
        _put_behind(crowd.pid)
        crowd.call("enter", number=number, keep=False)
        stand.enter(stage.sizes.connections)
        talk = stand.contender("presence calm", kinds={"message": 1}, to="pair")
        rate = stage.load.rate or reached(stage, talk) * RATE_SHARE
        seconds = max(stage.sizes.seconds, WINDOW_SHARE * _storm(crowd)["seconds"])
        calm = talk.with_order(talk.scenario, rate=rate, seconds=seconds)
        storm = calm.with_order("presence")
        storms: list[dict[str, Any]] = []
        storm.drive = partial(_during, talk.drive, crowd, storms)
        outcome = Outcome(held=play(stage, [calm, storm]))
    for one in (calm, storm):
        outcome.rows += figures(one)
    came = [float(one["connected"]) for one in storms]
    knew = [one["knew"] / number for one in storms]
    outcome.held &= all(one == number for one in came)
    outcome.held &= all(one == min(FRIENDS, number - 1) for one in knew)
    outcome.rows += measured(storm, "came online", came, "")
    outcome.rows += measured(storm, "seconds until all were", [s["seconds"] for s in storms], "s")
    outcome.rows += measured(storm, "friends known", knew, "")
    told = [s["told_seconds"] for s in storms]
    outcome.rows += measured(storm, "seconds until all knew", told, "s")
    outcome.rows += latencies(storm, "come in", [one["connect"] for one in storms])
    for what in ("ack", "delivery"):
        latency = partial(_p99, what=what)
        outcome.rows += ratio(f"{what} p99 ÷ calm", storm, calm, latency)
    return outcome


def _p99(one: Any, what: str) -> float:
    return p99_ms(getattr(one, what))


def _storm(crowd: Generator) -> dict[str, Any]:
    """All come in and go again."""
    answer = crowd.call("flock", friends=FRIENDS, at_once=AT_ONCE)
    crowd.call("drop")
    if answer["errors"]:
        raise BenchError(f"not all came in: {answer['errors']}")
    return answer


def _during(
    drive: Drive, crowd: Generator, storms: list[dict[str, Any]], **plan: Any
) -> dict[str, Any]:
    """`drive` while they come in."""
    failed: list[BenchError] = []

    def play_storm() -> None:
        try:
            storms.append(_storm(crowd))
        except BenchError as error:
            failed.append(error)

    beside = Thread(target=play_storm)
    beside.start()
    try:
        return drive(**plan)
    finally:
        beside.join()
        if failed:
            raise failed[0]


def _put_behind(generator: int) -> None:
    """Let the crowd's process have what the talkers' leaves of their core."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, generator, NICE)
    if (cores := procfs.two_cores()) is not None:
        procfs.pin(generator, cores[1])


SCENARIO = Scenario(
    "presence",
    "everybody comes online at once, each watching some of the others: do messages wait?",
    lambda stage: 2 * stage.sizes.rounds + 1,
    run,
    needs_own_hub=True,
)
