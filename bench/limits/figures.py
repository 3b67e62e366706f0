"""A window's figures, in the form that the generator answers in (`bench.rounds.Round` takes it)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.load.histogram import pack


@dataclass
class Window:
    """What was seen in a window; times are nanoseconds."""

    elapsed: int
    sent: int
    own_cpu: int
    """CPU time of what made the load."""
    cpu: Mapping[str, int]
    """CPU time of each part of the system."""
    faults: Mapping[str, int] = field(default_factory=dict)
    errors: Sequence[str] = ()
    lag: Iterable[int] = ()
    """How much later than intended each operation was sent, in open loop."""


def figures(
    window: Window, took: Mapping[str, Sequence[int]], done: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The answer: `took` has the time of every operation of a kind; `done` their numbers, where
    not each of them was timed."""
    number = done or {kind: len(each) for kind, each in took.items()}
    nothing = pack([])
    return {
        "seconds": window.elapsed / 1e9,
        "sent": window.sent,
        "acked": sum(number.values()),
        "delivered": 0,
        "generator_cpu": window.own_cpu / window.elapsed,
        "cpu_ns": dict(window.cpu),
        "ack": pack(ns for each in took.values() for ns in each),
        "delivery": nothing,
        "lag": pack(window.lag),
        "errors": list(window.errors[:5]),
        "faults": dict(window.faults),
        "kinds": {
            kind: {"acked": number[kind], "delivered": 0, "ack": pack(each), "delivery": nothing}
            for kind, each in took.items()
        },
    }
