"""`connect`: a log-in storm, as after a release or a restart."""

from __future__ import annotations

from ..contest import play
from ..outcome import Outcome
from ..stage import Stage, Stand
from ..systems import TELLER
from . import storms
from .base import Scenario, contests


def run(stage: Stage) -> Outcome:
    """Everybody logs in at once with a token; beside it, the hub's own transport and each peer
    accept and upgrade as many connections, and nobody logs in."""
    number = stage.sizes.storm

    def prepare(stand: Stand) -> None:
        if stand.system.name == TELLER:
            stand.enter(number, keep=False)

    with stage.stands("connect", prepare, floor=True) as (teller, *others):
        login = {"tokens": True, "at_once": storms.AT_ONCE}
        contenders = [storms.storming(teller, "connect", "storm", None, number=number, **login)]
        contenders += [storms.upgrades(one, "connect", number) for one in others]
        held = play(stage, contenders)
        return Outcome(storms.rows(contenders, number), held)


SCENARIO = Scenario(
    "connect",
    "a log-in storm, beside a bare accept and upgrade",
    lambda stage: contests(stage, "connect", floor=True),
    run,
)
