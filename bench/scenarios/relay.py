"""`relay`: what it costs that the receiver is at another hub, and that there is another hub."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import redis

from ..contest import figures, play, ratios, reached
from ..errors import BenchError
from ..outcome import Outcome
from ..report import Row, difference, measured
from ..rounds import Contender, Drive, Round, percentile_ms
from ..scaled import Shape
from ..stage import Stage
from ..systems import System
from .base import Scenario
from .workers import PAIRS

MODEST = 0.25
"""Of what a closed loop reaches: the load at which latency is told."""


def run(stage: Stage) -> Outcome:
    """Two hubs: pairs that are `apart`, one of them at each hub, beside pairs that are `together`;
    pairs that are all at one hub while the other one has nobody (`beside`), against pairs at a hub
    that is alone. Then those apart and together once more, at a modest rate."""
    connections = stage.sizes.connections
    with ExitStack() as stack:
        two = stack.enter_context(stage.scaled(Shape(hubs=2)))
        one = stack.enter_context(stage.scaled(Shape()))

        def pairs(name: str, system: System, hubs: int, paired: bool = False) -> Contender:
            stand = stack.enter_context(stage.loaded(system, hubs))
            stand.enter(connections, paired=paired)
            contender = stand.contender(f"relay {name}", **PAIRS)
            contender.drive = partial(_counted, contender.drive, system)
            return contender

        apart, together = pairs("apart", two, 2), pairs("together", two, 2, paired=True)
        beside, alone = pairs("beside", two, 1), pairs("alone", one, 1)
        rate = stage.load.rate or MODEST * reached(stage, together)
        calm = [one.with_order(f"{one.scenario} calm", rate=rate) for one in (apart, together)]
        played = [apart, together, beside, alone, *calm]
        outcome = Outcome(held=play(stage, played))
    for contender in played:
        told = [r.published / r.sent for r in contender.valid if r.sent]
        outcome.rows += figures(contender)
        outcome.rows += measured(contender, "publications per message", told, "")
    outcome.rows += _added(apart, together) + _added(*calm) + ratios(beside, alone, "alone")
    return outcome


def _added(apart: Contender, together: Contender) -> list[Row]:
    """What a message takes more where the receiver is at another hub."""
    rows = difference("system CPU per op − together", apart, together, _system, "µs")
    if apart.order.get("rate"):
        rows += difference("delivery p50 − together", apart, together, _delivery, "ms")
    return rows


def _system(one: Round) -> float | None:
    return one.cpu_us("server", "store")


def _delivery(one: Round) -> float:
    return percentile_ms(one.delivery, 50)


def _counted(drive: Drive, system: System, **plan: Any) -> dict[str, Any]:
    """`drive`, and how often hubs published meanwhile; once a second each says that it lives."""
    if system.store_socket is None:
        raise BenchError("the store of a hub that someone else started cannot be asked")
    with redis.Redis(unix_socket_path=str(system.store_socket)) as store:
        before = _publications(store)
        result = drive(**plan)
        return {**result, "published": _publications(store) - before}


def _publications(store: redis.Redis) -> int:
    """How often the store was asked to publish, since it began."""
    found: Any = store.info("commandstats")
    return int(found.get("cmdstat_spublish", {}).get("calls", 0))


SCENARIO = Scenario(
    "relay",
    "sender and receiver at different hubs of one store, beside both at one",
    lambda stage: 6 * stage.sizes.rounds + 1,
    run,
    needs_own_hub=True,
)
