"""The open loop: operations go out when they are due, whatever came back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .window import Window

TICK_SECONDS = 0.001
"""How often it looks what is due: uvloop's timers count milliseconds."""


def due_times(rate: float, stretches: list[tuple[float, float]]) -> Iterator[int]:
    """When each operation is to be sent, in ns from the beginning: evenly, at `rate` a second
    times the factor of its stretch (seconds, factor)."""
    begins = 0.0
    for seconds, factor in stretches:
        for number in range(round(seconds * rate * factor)):
            yield int(1e9 * (begins + number / (rate * factor)))
        begins += seconds


async def pace(window: Window, rate: float, stretches: list[tuple[float, float]]) -> None:
    """Send what is due, by the senders in turn, to the end of the last stretch. Each operation
    counts from its intended time, and how late it was sent is noted."""
    senders, lag, started = window.senders, window.lag_ns, monotonic_ns()
    for number, offset in enumerate(due_times(rate, stretches)):
        intended = started + offset
        now = monotonic_ns()
        while now < intended:
            await asyncio.sleep(TICK_SECONDS)
            now = monotonic_ns()
        lag.append(now - intended)
        window.send(senders[number % len(senders)], 1, intended)
