"""Contenders played against each other, and the figures and ratios that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import BenchError
from .outcome import Outcome
from .report import Row, latencies, ratio, rows_of
from .report.rows import RATIO
from .rounds import Contender, Round
from .stage import Stage
from .systems import TELLER
from .turns import interleave

Cost = Callable[[Round], float | None]


def play(stage: Stage, contenders: list[Contender], **plan: Any) -> bool:
    """All rounds of these contenders; whether the gate held. `plan` changes what is the same for
    all of them.

    Raises:
        BenchError: if Teller itself could not be driven.
    """
    load, sizes = stage.load, stage.sizes
    common = {"depth": load.window, "size": load.size, "rate": load.rate}
    common |= {"seconds": sizes.seconds, "warm_up": sizes.warm_up}
    return interleave(contenders, {**common, **plan}, sizes.rounds, stage.watch)


def reached(stage: Stage, contender: Contender) -> float:
    """Operations per second of a closed loop of one window, to derive the rates of a scenario.

    Raises:
        BenchError: if nothing was acknowledged.
    """
    stage.watch.advance(f"{contender.name}: how much it can do")
    load, sizes = stage.load, stage.sizes
    plan = {"depth": load.window, "size": load.size, "seconds": sizes.seconds}
    one = contender.play({**plan, "warm_up": sizes.warm_up})
    if not one.acked:
        raise BenchError(f"{contender.name}: nothing was acknowledged {one.wrong}")
    return one.rate


def contest(
    stage: Stage, contenders: list[Contender], per: str = "acked", half: Sequence[Contender] = ()
) -> Outcome:
    """Play, also at half of what each of `half` reached, and compare Teller with each peer.

    CPU is told per operation, or per ``delivered`` copy.
    """
    held = play(stage, contenders)
    played = contenders
    if half and stage.load.rate is None:
        halves = [one.at_half() for one in half if one.valid and not one.broken]
        held &= play(stage, halves)
        played = contenders + halves
    return Outcome(rows(played, per), held)


def rows(played: list[Contender], per: str = "acked") -> list[Row]:
    """The figures of all contenders, and Teller's ratios to the others of the same scenario."""
    found = [row for one in played for row in figures(one, per)]
    for ours in played:
        if ours.system.name == TELLER:
            for peer in played:
                if peer.scenario == ours.scenario and peer is not ours:
                    found += ratios(ours, peer, peer.system.name, per)
    return found


def figures(one: Contender, per: str = "acked") -> list[Row]:
    """All figures of a contender; what it took to serve a room's last member, and until money that
    travels had arrived, too."""
    rows = rows_of(one, per)
    rows += latencies(one, "spread", [r.spread for r in one.valid if r.spread])
    return rows + latencies(one, "settled", [r.settled for r in one.valid if r.settled])


def ratios(ours: Contender, other: Contender, name: str, per: str = "acked") -> list[Row]:
    """How much more we do, and for how much CPU, than what is called `name`."""
    copies = per == "delivered"
    speed, each = ("deliveries", "copy") if copies else ("operations", "op")
    costs: Iterable[tuple[str, Cost]] = (
        (speed, _copies if copies else _operations),
        (f"server CPU per {each}", lambda r: r.cpu_us("server", per=per)),
        (f"system CPU per {each}", lambda r: r.cpu_us("server", "store", per=per)),
    )
    found: list[Row] = []
    for figure, cost in costs:
        compare = speed_ratio if figure == speed else ratio
        found += compare(f"{figure}{RATIO}{name}", ours, other, cost)
    return found


def speed_ratio(figure: str, ours: Contender, other: Contender, cost: Cost) -> list[Row]:
    """How much more we do; nothing where that is not known: the generator was the limit of the
    other, so that the quotient would flatter us, or both did what they were told."""
    if any(one.limited for one in other.valid) or ours.order.get("rate"):
        return []
    return ratio(figure, ours, other, cost)


def _operations(one: Round) -> float:
    return one.rate


def _copies(one: Round) -> float:
    return one.delivered / one.seconds
