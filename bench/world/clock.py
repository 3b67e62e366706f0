"""An event loop whose timers are exact to some µs."""

from __future__ import annotations

import asyncio
import ctypes
import selectors
import sys
from typing import Any

SPIN_SECONDS = 0.0003
"""How long before a timer it stops sleeping and looks again and again. A virtual machine that
sleeps wakes up 160 µs late (the median here); only who does not sleep is on time."""
PR_SET_TIMERSLACK = 29
"""From linux/prctl.h: how many nanoseconds the kernel may add to a wait; by default 50,000."""


class Wakeful(selectors.SelectSelector):
    """Waits by `select`, to the microsecond, where `epoll` counts milliseconds; wakes up a little
    before it is time. It holds sockets whose number is below 1,024."""

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready; may return early with nothing, so that the loop asks again."""
        if timeout is not None:
            timeout = max(0.0, timeout - SPIN_SECONDS)
        return super().select(timeout)


def exact_loop() -> asyncio.AbstractEventLoop:
    """asyncio's own loop on such a selector. uvloop's timers count milliseconds."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    return asyncio.SelectorEventLoop(Wakeful())
