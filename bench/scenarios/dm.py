"""`dm`: direct messages between pairs, the plainest thing that a chat does."""

from __future__ import annotations

from ..contest import contest
from ..outcome import Outcome
from ..stage import Stage, Stand
from .base import Scenario, contests


def run(stage: Stage) -> Outcome:
    """Pairs of connections send each other messages; Teller stores and acknowledges each."""

    def prepare(stand: Stand) -> None:
        stand.enter(stage.sizes.connections)

    with stage.stands("dm", prepare) as stands:
        contenders = [one.contender("dm", kinds={"message": 1}, to="pair") for one in stands]
        half = contenders if "dm" in stage.sizes.half else ()
        return contest(stage, contenders, half=half)


SCENARIO = Scenario(
    "dm",
    "direct messages between pairs, stored and acknowledged",
    lambda stage: contests(stage, "dm", half="dm" in stage.sizes.half),
    run,
)
