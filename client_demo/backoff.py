"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST = 0.5
"""Longest wait before the first attempt, in seconds."""
LONGEST = 30.0
"""Longest wait before any attempt, in seconds."""


class Backoff:
    """Exponential back-off with full jitter: a random part of a bound that doubles each time, so
    that the clients of a hub that went away do not all come back at once."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._bound = FIRST

    def reset(self) -> None:
        """A connection worked; start again from the shortest wait."""
        self._bound = FIRST

    def next(self, at_least: float | None = None) -> float:
        """Seconds to wait; `at_least` is what the hub asked for, if it did."""
        wait = self._bound * self._jitter()
        self._bound = min(self._bound * 2, LONGEST)
        return wait + (at_least or 0.0)
