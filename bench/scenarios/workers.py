"""`workers`: several hub processes on one store, and what an operation then costs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from ..contest import figures, play, ratios
from ..outcome import Outcome
from ..rounds import Contender
from ..scaled import Shape
from ..stage import Stage
from .base import Scenario

PAIRS = {"kinds": {"message": 1}, "to": "pair", "until": "delivery"}
ROOM = {"kinds": {"room": 1}, "to": "room", "until": "delivery"}


@dataclass
class Loads:
    """The same on each number of workers, the smallest first."""

    spread: list[Contender] = field(default_factory=list)
    """Pairs, wherever the kernel put each of the two."""
    together: list[Contender] = field(default_factory=list)
    """Pairs that are both at the same of so many hubs; not on one, where they always are."""
    room: list[Contender] = field(default_factory=list)
    """One room."""


def run(stage: Stage) -> Outcome:
    """Each worker has as many clients as the one has that is alone: what is asked is what a core's
    work is worth when there are more of them. A room stays as large as it is, and is told by more
    workers."""
    loads = Loads()
    with ExitStack() as stack:
        for number in stage.sizes.workers:
            _add(stage, stack, loads, number)
        held = play(stage, [*loads.spread, *loads.together, *loads.room])
    outcome = Outcome(held=held)
    one, *more = loads.spread
    name = f"{stage.sizes.workers[0]} worker"
    for contender in (*loads.spread, *loads.together):
        outcome.rows += figures(contender)
    for contender in (*more, *loads.together):
        outcome.rows += ratios(contender, one, name)
    room, *rooms = loads.room
    for contender in loads.room:
        outcome.rows += figures(contender, "delivered")
    for contender in rooms:
        outcome.rows += ratios(contender, room, name, "delivered")
    return outcome


def _add(stage: Stage, stack: ExitStack, loads: Loads, number: int) -> None:
    sizes = stage.sizes
    clients = sizes.connections * number
    system = stack.enter_context(stage.scaled(Shape(workers=number)))
    stand = stack.enter_context(stage.loaded(system))
    stand.enter(clients)
    loads.spread.append(stand.contender(f"workers {number}", **PAIRS))
    stand = stack.enter_context(stage.loaded(system))
    stand.enter(sizes.connections)
    stand.generator.call("join")
    loads.room.append(stand.contender(f"workers {number} room", **ROOM, senders=sizes.senders))
    if number > 1:  # the port of several workers does not let one choose
        hubs = stack.enter_context(stage.scaled(Shape(hubs=number)))
        stand = stack.enter_context(stage.loaded(hubs))
        stand.enter(clients, paired=True)
        loads.together.append(stand.contender(f"workers {number} together", **PAIRS))


def steps(stage: Stage) -> int:
    """Rounds of the three loads; pairs that are together need more than one worker."""
    workers = stage.sizes.workers
    return stage.sizes.rounds * (2 * len(workers) + sum(number > 1 for number in workers))


SCENARIO = Scenario(
    "workers",
    "1, 2 and 4 hub processes on one store: pairs, pairs that are together, a room",
    steps,
    run,
    needs_own_hub=True,
)
