"""Lets in only so many at the same time, in the order in which they came.

Coming in costs a hub many times what a message does. In a storm of reconnects the others wait here,
so that those who talk do not.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque

from protocol.errors import Code, FrameError

from ..edge.aside import Aside

SYNCS_MAX = 8
"""Connections that come in at the same time; each reads the account's state from the store."""
ENTAILS_S = 0.0004
"""What it takes the loop to let one in whose turn it is: the store's answers, and the welcome."""
SYNCS_WAITING_MAX = 20_000
"""Connections that wait for their turn; more are `busy`, with a hint when to come back."""
TURN_S = 15.0
"""Whoever takes longer keeps nobody else out."""
SPREAD_MS = 5_000
"""Those come back spread over this time."""


class Turn:
    """The right to come in; must be ended, once or more often."""

    __slots__ = ("_timer", "_turnstile")

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile: Turnstile | None = turnstile
        self._timer = asyncio.get_running_loop().call_later(TURN_S, self.end)

    def end(self) -> None:
        """The next one may come in."""
        turnstile, self._turnstile = self._turnstile, None
        if turnstile is not None:
            self._timer.cancel()
            turnstile.left()


class Turnstile:
    """Gives turns, when there is time for them."""

    def __init__(
        self,
        most: int = SYNCS_MAX,
        waiting_most: int = SYNCS_WAITING_MAX,
        aside: Aside | None = None,
    ) -> None:
        self._most = most
        self._waiting_most = waiting_most
        self._aside = Aside() if aside is None else aside
        self.inside = 0
        """Who has a turn, or is about to get it."""
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self, id: str) -> Turn:
        """Wait for a turn.

        Raises:
            FrameError: `busy`, when too many wait.
        """
        if self.inside >= self._most and len(self.waiting) >= self._waiting_most:
            hint = 1_000 + secrets.randbelow(SPREAD_MS)
            raise FrameError(Code.BUSY, id, retry_after_ms=hint)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        if self.inside < self._most:
            self._ask()
        await future
        return Turn(self)

    def left(self) -> None:
        """A turn was ended: it is the next one's."""
        self.inside -= 1
        if self.waiting:
            self._ask()

    def _ask(self) -> None:
        self.inside += 1
        self._aside.put(self._give, ENTAILS_S)

    def _give(self) -> None:
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():  # else it was cancelled
                future.set_result(None)
                return
        self.inside -= 1
