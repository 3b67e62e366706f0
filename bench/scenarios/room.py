"""`room`: a few members speak, all the others get every word."""

from __future__ import annotations

from ..contest import contest
from ..errors import BenchError
from ..outcome import Outcome
from ..stage import Stage, Stand
from .base import Scenario, contests


def run(stage: Stage) -> Outcome:
    """One room after another, each on systems of its own."""
    outcome = Outcome()
    for members in stage.sizes.rooms:
        if stage.watch.stopping:
            break
        try:
            outcome += _of(stage, members)
        except BenchError as error:  # what the smaller ones gave stands
            stage.watch.skip(f"room {members}", str(error))
            outcome.held = False
    return outcome


def _of(stage: Stage, members: int) -> Outcome:
    def prepare(stand: Stand) -> None:
        stand.enter(members)
        stand.generator.call("join")

    with stage.stands("room", prepare) as stands:
        order = {"kinds": {"room": 1}, "to": "room", "senders": stage.sizes.senders}
        contenders = [one.contender(f"room {members}", **order) for one in stands]
        half = contenders if "room" in stage.sizes.half else ()
        return contest(stage, contenders, per="delivered", half=half)


SCENARIO = Scenario(
    "room",
    "a few members speak, all the others get every word; up to 10,000 members",
    lambda stage: contests(
        stage, "room", half="room" in stage.sizes.half, of=len(stage.sizes.rooms)
    ),
    run,
)
