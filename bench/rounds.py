"""Rounds: what one window of a contender gave, and whether it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from . import procfs
from .load.histogram import merge
from .systems import System

CPU_SHARE_MAX = 0.85
"""Above this share of a core the generator may have been the limit."""
LAG_P99_MAX_MS = 5.0
"""Above this the open loop did not send when it said."""
STOLEN_SHARE_MAX = 0.10
"""Above this share of the time the machine was not ours."""
LATE = frozenset({"lost", "unacknowledged", "unsettled"})
"""Faults that may also mean: not yet, because more was asked for than can be done."""
ERROR_CHARS = 160
"""What is told of an error."""

Drive = Callable[..., dict[str, Any]]
"""Loads a system for a window: takes a plan's fields, returns the generator's result."""


@dataclass
class Round:
    """One window of one contender. CPU times are nanoseconds, by part (`server`, `store`); `ack`,
    `delivery`, `lag`, `spread` and `settled` are packed histograms."""

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
    spread: str = ""
    settled: str = ""
    """Until payer and payee have both heard that the money has arrived."""
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)
    timeline: list[list[float]] = field(default_factory=list)
    """Per second of the window: its number, operations acknowledged, their p99 in milliseconds."""
    returned: int = 0
    """Readers who were closed as slow, and came back."""
    published: int = 0
    """Publications from hub to hub, where the store was asked for their number."""
    refused: int = 0
    """Operations that the system would not take now, and said so."""
    peak_bytes: int = 0
    """The most memory that the server took, where it was looked at."""
    stolen: float = 0.0
    """Share of the time that the hypervisor gave to others."""
    overload: bool = False
    """Whether more was asked for than can be done, so that refusals are in order."""
    lag_most_ms: float = 0.0
    """How late the open loop may send at the 99th percentile, where more than usual is in order."""
    excused: bool = False
    """Counts although time was stolen, since no better round is left."""

    @property
    def lag_p99_ms(self) -> float:
        """How late the open loop sent, at the 99th percentile; 0 in closed loop."""
        return p99_ms(self.lag) if self.open_loop else 0.0

    @property
    def strained(self) -> str:
        """Why the generator may have distorted this round, or nothing."""
        reasons = []
        if self.generator_cpu > CPU_SHARE_MAX:
            reasons.append(f"generator CPU {self.generator_cpu:.0%}")
        if self.lag_p99_ms > max(LAG_P99_MAX_MS, self.lag_most_ms):
            reasons.append(f"generator lag p99 {self.lag_p99_ms:.1f} ms")
        return ", ".join(reasons)

    @property
    def limited(self) -> bool:
        """Whether the generator was the limit of a closed loop. What an operation costs the
        system is still true then; how many it can do is at least what was seen."""
        return not self.open_loop and bool(self.strained)

    @property
    def why_void(self) -> str:
        """Why the round does not count, or nothing."""
        reasons = [self.strained] if self.open_loop and self.strained else []
        if self.stolen > STOLEN_SHARE_MAX and not self.excused:
            reasons.append(f"{self.stolen:.0%} of the time stolen by the hypervisor")
        if self.refused and not self.overload:
            reasons.append(f"{self.refused} operations refused")
        return ", ".join([*reasons, f"WRONG: {self.wrong}"] if self.wrong else reasons)

    @property
    def void(self) -> bool:
        """Whether the round does not count."""
        return bool(self.why_void)

    @property
    def rate(self) -> float:
        """Operations acknowledged per second."""
        return self.acked / self.seconds

    @property
    def wrong(self) -> str:
        """What the correctness gate found, or nothing."""
        faults = [f"{name} {number}" for name, number in self.faults.items() if number]
        return ", ".join([*faults, *(error[:ERROR_CHARS] for error in self.errors[:1])])

    @property
    def corrupt(self) -> bool:
        """Whether something came that must never come, however great the load is."""
        return any(n for name, n in self.faults.items() if name not in LATE)

    def cpu_us(self, *parts: str, per: str = "acked") -> float | None:
        """CPU µs of these parts, all their processes (`systems.System.pids`), per operation (or per
        ``delivered`` copy), if it is known. A part that the system does not have costs nothing;
        None if it has none of them."""
        number: int = getattr(self, per)
        spent = [ns for name, ns in self.cpu_ns.items() if name.partition(" ")[0] in parts]
        return sum(spent) / number / 1_000 if number and spent else None


def p99_ms(packed: str) -> float:
    """The 99th percentile of a packed histogram, in milliseconds."""
    return percentile_ms(packed, 99)


def percentile_ms(packed: str, percentile: float) -> float:
    """A percentile of a packed histogram, in milliseconds."""
    value: int = merge([packed]).get_value_at_percentile(percentile)
    return value / 1_000


def counted(packed: str) -> int:
    """How many values a packed histogram has."""
    number: int = merge([packed]).get_total_count()
    return number


@dataclass
class Contender:
    """A kind of load on a system. `order` is what its plan has of its own."""

    scenario: str
    system: System
    drive: Drive
    order: dict[str, Any] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    broken: bool = False
    """Whether it cannot be driven any more."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.scenario} on {self.system.name}"

    @property
    def valid(self) -> list[Round]:
        """The rounds that count."""
        return [one for one in self.rounds if not one.void]

    def play(self, plan: dict[str, Any]) -> Round:
        """One round; it is not yet among `rounds`.

        Raises:
            BenchError: if the system or its generator ended.
        """
        plan = {**plan, **self.order, "pids": self.system.pids}
        allowed = {name: plan.pop(name) for name in ("overload", "lag_most_ms") if name in plan}
        taken, ticks = procfs.stolen()
        result = self.drive(**plan)
        taken_after, ticks_after = procfs.stolen()
        share = (taken_after - taken) / max(1, ticks_after - ticks)
        return Round(**result, open_loop=bool(plan.get("rate")), stolen=share, **allowed)

    def with_order(self, scenario: str, **order: Any) -> Contender:
        """The same load on the same system, except for `order`; it has no rounds yet."""
        return replace(self, scenario=scenario, order={**self.order, **order}, rounds=[])

    def at_half(self) -> Contender:
        """The same load in open loop, at half the rate that was reached."""
        rate = median(one.rate for one in self.valid) / 2
        return self.with_order(f"{self.scenario} at half", rate=rate)
