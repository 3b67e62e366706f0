"""Whether the node that answers may still speak for a partition of a cluster.

A primary that stands still (paused, or starved) for longer than the cluster's node time-out is
deposed. When it goes on, it first executes the commands that lie in its sockets, and answers them
as done; then it learns of its successor, and throws away what it wrote. So an answer counts only if
the node cannot have stood still for so long before it: the last sign of life that came before the
command was sent must be young enough. Where nothing else is sent, a PING gives the sign.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from ..store.connection import Channel, Lost, Refused
from .durability import Promise

if TYPE_CHECKING:
    from .pipeline import Pipeline

BEATS = 4
"""Signs of life in the time after which an answer is too late."""
IDLE_S = 0.25
"""How often to look whether there is such a time, where none is known yet."""


class Pulse:
    """The signs of life on the connection to one partition."""

    def __init__(self, store: Channel, promise: Promise) -> None:
        self._store = store
        self._promise = promise
        self.heard = asyncio.get_running_loop().time()
        """When the last sign came, by the loop's clock."""

    def risen(self) -> None:
        """The connection is new, and the node was just asked whether it leads."""
        self.heard = asyncio.get_running_loop().time()

    def counts(self, before: float) -> bool:
        """Whether an answer that comes now counts, if `before` was the last sign of life when its
        command was sent. If not, the connection is given up, and all that is on it."""
        now = asyncio.get_running_loop().time()
        late = self._promise.late_s
        self.heard = now
        if not late or now - before < late:
            return True
        structlog.get_logger("pulse").warning(
            "an answer came so late that another node may lead by now",
            after_s=round(now - before, 3),
        )
        self._store.renew()
        return False

    def beat(self) -> None:
        """Ask for a sign of life, if none came for a while."""
        before = self.heard
        now = asyncio.get_running_loop().time()
        if not self._store.up or now - before < self._promise.late_s / BEATS:
            return

        def take(reply: object) -> None:
            if not isinstance(reply, (Lost, Refused)):
                self.counts(before)

        self._store.send(("PING",), take)


async def keep_pulse(pipelines: Sequence[Pipeline], promise: Promise) -> None:
    """Give the pipelines their signs of life, until cancelled."""
    while True:
        await asyncio.sleep(promise.late_s / BEATS or IDLE_S)
        if promise.late_s:
            for pipeline in pipelines:
                if pipeline.pulse is not None:
                    pipeline.pulse.beat()
