"""Rounds: the contenders' windows in random order, and what each one gave."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from .load.driver import Generator
from .load.histogram import merge
from .systems import System

CPU_SHARE_MAX = 0.85
"""Above this share of a core the generator may have been the limit."""
LAG_P99_MAX_MS = 5.0
"""Above this the open loop did not send when it said."""


@dataclass
class Round:
    """One window of one contender. CPU times are nanoseconds, by part (`server`, `store`)."""

    seconds: float
    sent: int
    acked: int
    delivered: int
    generator_cpu: float
    cpu_ns: dict[str, int]
    ack: str
    delivery: str
    lag: str
    errors: list[str]
    faults: dict[str, int]
    open_loop: bool

    @property
    def lag_p99_ms(self) -> float:
        """How late the open loop sent, at the 99th percentile; 0 in closed loop."""
        return merge([self.lag]).get_value_at_percentile(99) / 1_000 if self.open_loop else 0.0

    @property
    def strained(self) -> str:
        """Why the generator may have distorted this round, or nothing."""
        reasons = []
        if self.generator_cpu > CPU_SHARE_MAX:
            reasons.append(f"generator CPU {self.generator_cpu:.0%}")
        if self.lag_p99_ms > LAG_P99_MAX_MS:
            reasons.append(f"generator lag p99 {self.lag_p99_ms:.1f} ms")
        return ", ".join(reasons)

    @property
    def void(self) -> bool:
        """Whether the round does not count. In closed loop the strain is only told: store and
        generator share a core there, and saturation is what is asked for."""
        return self.open_loop and bool(self.strained)

    @property
    def rate(self) -> float:
        """Operations acknowledged per second."""
        return self.acked / self.seconds

    @property
    def wrong(self) -> str:
        """What the correctness gate found, or nothing."""
        faults = [f"{name} {number}" for name, number in self.faults.items() if number]
        return ", ".join(faults + self.errors)

    def cpu_us(self, *parts: str, per: str = "acked") -> float | None:
        """CPU µs of these parts per operation (or per ``delivered`` copy), if it is known."""
        number: int = getattr(self, per)
        if not number or not self.cpu_ns.keys() >= set(parts):
            return None
        return sum(self.cpu_ns[part] for part in parts) / number / 1_000


@dataclass
class Contender:
    """A kind of load on a system. `order` is the worker's command and its fields."""

    scenario: str
    system: System
    generator: Generator
    order: dict[str, Any]
    rate: float | None = None
    """Operations per second in open loop, if not the plan's."""
    rounds: list[Round] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.scenario} on {self.system.name}"

    @property
    def valid(self) -> list[Round]:
        """The rounds that count."""
        return [one for one in self.rounds if not one.void]

    def play(self, plan: dict[str, Any]) -> Round:
        """One round."""
        plan = {**plan, "rate": self.rate or plan["rate"], "pids": self.system.pids}
        one = Round(**self.generator.call(**self.order, **plan), open_loop=bool(plan["rate"]))
        self.rounds.append(one)
        return one

    def at_half(self) -> Contender:
        """The same load in open loop, at half the rate that was reached."""
        rate = median(one.rate for one in self.rounds) / 2
        return Contender(f"{self.scenario} at half", self.system, self.generator, self.order, rate)


def interleave(
    contenders: list[Contender],
    plan: dict[str, Any],
    rounds: int,
    advance: Callable[[str], None],
    say: Callable[[str], None],
) -> bool:
    """Play all rounds, each in a new random order; returns whether the gate held throughout."""
    held = True
    for number in range(1, rounds + 1):
        for contender in random.sample(contenders, len(contenders)):
            advance(contender.name)
            one = contender.play(plan)
            where = f"round {number}, {contender.name}"
            if one.strained:
                say(f"{where}: {one.strained}{' (void)' if one.void else ''}")
            if one.wrong:
                say(f"{where}: WRONG: {one.wrong}")
                held = False
    return held
