"""Storms: everybody comes at once, and how many a second get in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import procfs
from ..contest import speed_ratio
from ..load.histogram import pack
from ..report import Row, latencies, measured, ratio
from ..rounds import Contender
from ..stage import Stand

AT_ONCE = 256
"""Connections that are on their way in at the same time."""


def storming(
    stand: Stand, scenario: str, do: str, before: Callable[[], object] | None = None, **order: Any
) -> Contender:
    """A contender whose rounds are storms: the generator's command `do` with `order`, after what
    must be done `before` each."""

    def drive(**plan: Any) -> dict[str, Any]:
        if before is not None:
            before()
        spent = {part: procfs.cpu_ns(pid) for part, pid in plan["pids"].items()}
        answer = stand.generator.call(do, **order)
        return {
            "seconds": answer["seconds"],
            "sent": answer["connected"] + len(answer["errors"]),
            "acked": answer["connected"],
            "delivered": 0,
            "generator_cpu": answer["generator_cpu"],
            "cpu_ns": {
                part: procfs.cpu_ns(pid) - spent[part] for part, pid in plan["pids"].items()
            },
            "ack": answer["connect"],
            "delivery": pack([]),
            "lag": pack([]),
            "errors": answer["errors"],
            "faults": answer.get("faults", {}),
        }

    return Contender(scenario, stand.system, drive)


def upgrades(stand: Stand, scenario: str, number: int) -> Contender:
    """Connections that are only accepted and upgraded: nobody logs in."""
    return storming(stand, scenario, "storm", number=number, tokens=False, at_once=AT_ONCE)


def rows(contenders: list[Contender], number: int) -> list[Row]:
    """The figures of each, and how the first compares with each of the others."""
    found: list[Row] = []
    for one in contenders:
        found += measured(one, "connections", [float(number)] * len(one.valid), "")
        found += measured(one, "connects", [r.rate for r in one.valid], "1/s")
        costs = [r.cpu_us("server") for r in one.valid]
        found += measured(one, "server CPU per connect", costs, "µs")
        found += latencies(one, "connect", [r.ack for r in one.valid])
    ours, *others = contenders
    for other in others:
        found += speed_ratio(f"connects ÷ {other.system.name}", ours, other, lambda r: r.rate)
        figure = f"server CPU per connect ÷ {other.system.name}"
        found += ratio(figure, ours, other, lambda r: r.cpu_us("server"))
    return found
