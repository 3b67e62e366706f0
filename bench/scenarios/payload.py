"""`payload`: what longer messages cost."""

from __future__ import annotations

from ..contest import play, rows
from ..outcome import Outcome
from ..stage import Stage, Stand
from .base import Scenario, contests


def run(stage: Stage) -> Outcome:
    """Direct messages of several lengths, from 16 bytes to what the hub takes at most.

    Every length has its rounds in the same run, on the same systems.
    """

    def prepare(stand: Stand) -> None:
        stand.enter(stage.sizes.connections)

    with stage.stands("payload", prepare, able="dm") as stands:
        contenders = [
            one.contender(f"payload {size}", kinds={"message": 1}, to="pair", size=size)
            for size in stage.sizes.payloads
            for one in stands
        ]
        held = play(stage, contenders)
        return Outcome(rows(contenders), held)


SCENARIO = Scenario(
    "payload",
    "direct messages of 16 bytes to 64 KiB",
    lambda stage: contests(stage, "payload", "dm", of=len(stage.sizes.payloads)),
    run,
)
