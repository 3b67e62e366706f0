"""One place in the fleet, kept filled: a worker that ends is started again, or replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from .port import Port
from .process import WorkerFailed, WorkerProcess

RESTART_DELAY_MIN_S, RESTART_DELAY_MAX_S = 0.05, 5.0
"""Seconds before the first restart; it doubles with every further one, up to the second value."""
STEADY_AFTER_S = 30.0
"""Seconds of life after which an end counts as the first again."""

log = structlog.get_logger("workers")


class Slot:
    """A place for one worker. `begin` starts a worker for a place, or raises `WorkerFailed`."""

    def __init__(
        self, place: int, port: Port, begin: Callable[[int], Awaitable[WorkerProcess]]
    ) -> None:
        self.process: WorkerProcess | None = None
        """The worker of this place, while there is one."""
        self.restarts = 0
        self._place = place
        self._port = port
        self._begin = begin
        self._changing = asyncio.Lock()

    @property
    def name(self) -> str:
        """Its name in logs and metrics: counted from 1."""
        return str(self._place + 1)

    async def start(self) -> WorkerProcess:
        """Start a worker here.

        Raises:
            WorkerFailed: if it does not start.
        """
        self.process = process = await self._begin(self._place)
        return process

    async def supervise(self) -> None:
        """Start the worker again whenever it ends by itself. Until cancelled."""
        loop = asyncio.get_running_loop()
        ends = 0
        while True:
            process, since = self.process, loop.time()
            assert process is not None
            how = await process.ended()
            async with self._changing:
                if process is not self.process:
                    ends = 0  # it was replaced
                    continue
                self.process = None
                ends = 1 if loop.time() - since > STEADY_AFTER_S else ends + 1
                log.error("a worker ended; starting it again", name=self.name, how=how)
                ends = await self._restart(ends)

    async def replace(self) -> None:
        """Put a new worker in the place of the old one, which drains when the new one is ready.

        Raises:
            WorkerFailed: if the new one does not start; the old one stays.
        """
        async with self._changing:
            old = self.process
            await self.start()
        if old is not None:
            await old.stop()

    async def _restart(self, ends: int) -> int:
        """Start it again, later and later; how often that was."""
        while True:
            await asyncio.sleep(min(RESTART_DELAY_MAX_S, RESTART_DELAY_MIN_S * 2.0 ** (ends - 1)))
            try:
                process = await self.start()
            except WorkerFailed as error:
                self._port.drop(self._place)  # others shall get what would wait here
                log.error("a worker cannot be started", name=self.name, reason=str(error))
                ends += 1
            else:
                self.restarts += 1
                log.info("the worker was started again", name=self.name, pid=process.pid)
                return ends
