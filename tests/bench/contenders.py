"""Rounds and contenders with planted figures, and a watch that remembers what it was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.load.histogram import pack
from bench.rounds import Contender, Round
from bench.systems import System

FINE: dict[str, Any] = {
    "seconds": 2.0,
    "sent": 1_000,
    "acked": 1_000,
    "delivered": 9_000,
    "generator_cpu": 0.5,
    "cpu_ns": {"server": 10_000_000, "store": 5_000_000},
    "ack": pack([1_000_000]),
    "delivery": pack([2_000_000]),
    "lag": pack([100_000]),
    "errors": [],
    "faults": {"lost": 0},
}


def a_round(open_loop: bool = True, stolen: float = 0.0, **changed: Any) -> Round:
    return Round(**{**FINE, **changed}, open_loop=open_loop, stolen=stolen)


def a_contender(scenario: str = "dm", system: str = "teller", **changed: Any) -> Contender:
    """A contender whose generator answers the same each time."""
    return driven(lambda **_: {**FINE, **changed}, scenario, system)


def driven(
    drive: Callable[..., dict[str, Any]], scenario: str = "dm", system: str = "teller"
) -> Contender:
    return Contender(scenario, System(system, "127.0.0.1", 1, "disk"), drive)


@dataclass
class Notes:
    """A `bench.turns.Watch`."""

    stopping: bool = False
    begun: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    voids: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def advance(self, name: str) -> None:
        self.begun.append(name)

    def say(self, words: str) -> None:
        self.said.append(words)

    def void(self, words: str) -> None:
        self.voids.append(words)

    def skip(self, name: str, reason: str) -> None:
        self.skipped[name] = reason
