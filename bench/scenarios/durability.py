"""`durability`: what it costs that an acknowledgement means what it says."""

from __future__ import annotations

from contextlib import ExitStack

from ..contest import figures, play, speed_ratio
from ..outcome import Outcome
from ..stage import Stage
from .base import Scenario

KINDS = ("memory", "everysec", "disk")


def run(stage: Stage) -> Outcome:
    """Direct messages on three hubs, whose stores sync never, each second, and before each ack."""
    with ExitStack() as stack:
        contenders = []
        for kind in KINDS:
            stand = stack.enter_context(stage.hub(kind))
            stand.enter(stage.sizes.connections)
            order = {"kinds": {"message": 1}, "to": "pair"}
            contenders.append(stand.contender(f"durability {kind}", **order))
        held = play(stage, contenders)
    rows = [row for one in contenders for row in figures(one)]
    *others, disk = contenders
    for other, kind in zip(others, KINDS, strict=False):
        rows += speed_ratio(f"operations ÷ {kind}", disk, other, lambda r: r.rate)
    return Outcome(rows, held)


SCENARIO = Scenario(
    "durability",
    "direct messages, synced never, each second, or before each acknowledgement",
    lambda stage: len(KINDS) * stage.sizes.rounds,
    run,
    needs_own_hub=True,
)
