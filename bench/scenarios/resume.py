"""`resume`: all drop, all return with their cursors, and nothing is lost."""

from __future__ import annotations

from math import ceil

from ..contest import play
from ..outcome import Outcome
from ..stage import BARE, Stage
from . import storms
from .base import Scenario

MESSAGES_SHARE = 0.1
"""Of those who dropped: how many get a message meanwhile."""


def run(stage: Stage) -> Outcome:
    """Everybody drops at once, one in ten is written to meanwhile, everybody comes back, and gets
    exactly what was missed; beside it, a bare accept and upgrade of as many connections."""
    number = stage.sizes.returning
    with stage.hub() as stand, stage.peer(BARE) as bare:
        stand.enter(number)

        def drop() -> None:
            stand.generator.call("drop", messages=ceil(number * MESSAGES_SHARE))

        back = {"at_once": storms.AT_ONCE, "cursors": True}
        ours = storms.storming(stand, "resume", "resume", drop, **back)
        contenders = [ours, storms.upgrades(bare, "resume", number)]
        held = play(stage, contenders)
    return Outcome(storms.rows(contenders, number), held)


SCENARIO = Scenario(
    "resume",
    "all drop and come back with cursors, and get exactly what they missed",
    lambda stage: 2 * stage.sizes.rounds,
    run,
)
