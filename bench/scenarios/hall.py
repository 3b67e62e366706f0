"""`hall`: a large room in which many speak, for minutes."""

from __future__ import annotations

from ..contest import figures, reached
from ..outcome import Outcome
from ..stage import Stage
from ..turns import interleave
from .base import Scenario
from .soak import drift, resident

LAG_MOST_MS = 100.0
"""While the generator reads the 10,000 copies of one word it sends no other one. Latencies are
counted from when it should have sent, so they have that in them."""


def run(stage: Stage) -> Outcome:
    """Words at half of what can be done when a few speak, window after window.

    Every member is connected and gets every word; whoever speaks does so in their turn. The store's
    memory grows by what it keeps; the hub's should not, and nothing should take longer and longer.
    """
    windows, seconds = stage.sizes.soak
    members, talkers = stage.sizes.hall
    with stage.hub() as stand:
        stand.enter(members)
        stand.generator.call("join")
        order = {"kinds": {"room": 1}, "to": "room"}
        few = stand.contender("hall", **order, senders=stage.sizes.senders)
        rate = stage.load.rate or reached(stage, few) / 2
        hall = stand.contender("hall", **order, senders=talkers, rate=rate)
        plan = {"seconds": seconds, "warm_up": stage.sizes.warm_up, "size": stage.load.size}
        plan["lag_most_ms"] = LAG_MOST_MS
        held, memory = True, []
        for _ in range(windows):
            held &= interleave([hall], plan, 1, stage.watch)
            memory.append(resident(hall))
    rows = figures(hall, "delivered") + drift(hall, seconds, memory[: len(hall.rounds)])
    return Outcome(rows, held)


SCENARIO = Scenario(
    "hall",
    "a room of 10,000 in which 200 speak, for minutes: do latency or memory creep up?",
    lambda stage: stage.sizes.soak[0] + 1,
    run,
)
