"""Tells others that we type: at most once in a few seconds, and never of a command."""

from __future__ import annotations

import time
from collections.abc import Callable

from .client import Client

EVERY_S = 3.0
"""Seconds between two notices; the other side shows one for twice as long."""


class TypingNotice:
    """Follows what is typed."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._told: tuple[str, float] | None = None

    def typed(self, line: str, place: str | None) -> None:
        """The line reads so now."""
        if not line or line.startswith("/") or not place or place[0] not in "@#":
            return
        if place == self._client.model.me:
            return
        now = self._clock()
        if self._told is None or self._told[0] != place or now - self._told[1] >= EVERY_S:
            self._told = place, now
            self._client.notice({"type": "typing", "to": place})

    def sent(self) -> None:
        """The line was sent; the next letter is news again."""
        self._told = None
