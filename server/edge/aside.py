"""What stands aside for those who talk: done a slice at a time, with rests between the slices.

Coming in costs a hub many times what a message does. Where many come in at once, their work waits
here, in the order in which they came, and takes only a share of the loop's time as long as anybody
waits for the answer to a post. (The idea is that of `requestIdleCallback` in browsers, and of the
shares of Seastar's scheduling groups.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

import structlog

SLICE_S = 0.001
"""Seconds of coming in, and of answers to `watch`, at a time."""
RESTS = 7
"""After them the loop is left to those who talk, if anybody does, for so many times as long."""


class Aside:
    """Work that waits for those who talk."""

    def __init__(self, talking: Callable[[], bool] = lambda: False) -> None:
        """`talking` tells whether somebody waits for the answer to a post."""
        self.talking = talking
        self.waiting: deque[tuple[Callable[[], None], float]] = deque()
        """Work, and about how many seconds it entails."""
        self._left_s = SLICE_S
        """Of the slice."""
        self._awake = False
        """Whether a slice will come, now or after a rest."""

    def put(self, work: Callable[[], None], entails_s: float = 0.0) -> None:
        """Do `work` soon. It entails more in later turns of the loop: about so many seconds."""
        self.waiting.append((work, entails_s))
        if not self._awake:
            self._awake = True
            asyncio.get_running_loop().call_soon(self._slice)

    def at_once(self, work: Callable[[], None]) -> bool:
        """Do `work` now if nobody waits or rests; whether it was done."""
        if self._awake:
            return False
        begun = monotonic()
        work()
        self._spend(monotonic() - begun)
        return True

    def _slice(self) -> None:
        self._awake = False
        begun, entailed = monotonic(), 0.0
        while self.waiting and monotonic() - begun + entailed < self._left_s:
            work, entails_s = self.waiting.popleft()
            entailed += entails_s
            try:
                work()
            except Exception:  # one's mistake must not cost the others their turn
                structlog.get_logger("aside").exception("work could not be done")
        self._spend(monotonic() - begun + entailed)

    def _spend(self, seconds: float) -> None:
        self._left_s -= seconds
        if self._left_s > 0:
            return
        spent_s, self._left_s = SLICE_S - self._left_s, SLICE_S
        self._awake = True
        loop = asyncio.get_running_loop()
        if self.talking():
            loop.call_later(RESTS * spent_s, self._slice)
        else:
            loop.call_soon(self._slice)
