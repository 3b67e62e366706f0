"""The parent of several workers: store, port, slots, pages about all of them.

The parent serves no client. It holds what must exist once (the embedded store with the lock on its
data, the port) and sees that there is a worker in every slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import structlog

from ..config import Settings, SettingsError
from ..store.embedded import EmbeddedStore
from .messages import Ask
from .port import Port
from .process import WorkerFailed, WorkerProcess
from .slot import Slot
from .tally import Look, Tally, page

HEARTBEAT_S = 5.0
"""Seconds between two looks at all workers."""
SILENT_MAX = 6
"""Looks in a row without an answer after which a worker counts as hung, and is killed."""

log = structlog.get_logger("workers")


class Fleet:
    """Several hub processes on one port."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._slots: list[Slot] = []
        self._processes: set[WorkerProcess] = set()
        """All that were started and have not ended, in their slots or draining."""
        self._embedded: EmbeddedStore | None = None
        self._port: Port | None = None
        self._tally = Tally()
        self._looking: asyncio.Task[dict[WorkerProcess, bool]] | None = None
        self._rolling = False
        self._roll_again = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients connect."""
        number = self._port.number if self._port else self.settings.port
        return f"{self.settings.scheme}://{self.settings.host}:{number}/ws"

    async def start(self) -> None:
        """Start store and workers; returns when clients can connect.

        Raises:
            StoreError, SettingsError: with a message for people.
        """
        settings, count = self.settings, self.settings.processes
        try:
            self._port = Port(settings.host, settings.port, count)
            if settings.store is None:
                self._embedded = EmbeddedStore(settings.data, settings.durability)
                await self._embedded.start()
            for place in range(count):
                self._slots.append(Slot(place, self._port, self._begin))
            first, *others = self._slots
            await first.start()  # alone: it prepares the store, and says what is wrong once
            for failed in await asyncio.gather(
                *(slot.start() for slot in others), return_exceptions=True
            ):
                if isinstance(failed, BaseException):
                    raise failed
        except WorkerFailed as error:
            await self.stop()
            raise SettingsError(str(error)) from None
        except BaseException:
            await self.stop()
            raise
        for slot in self._slots:
            self._run(slot.supervise())
        self._run(self._watch())

    async def stop(self) -> None:
        """Let all workers drain at the same time, then stop the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._port is not None:
            self._port.close()
        await asyncio.gather(*(process.stop() for process in self._processes))
        if self._embedded is not None:
            await self._embedded.stop()

    def roll(self) -> None:
        """Replace the workers one after the other, by what is installed now.

        The new one is ready before the old one drains. If a new one does not start, the rest stays.
        """
        self._roll_again = True
        if not self._rolling:
            self._rolling = True
            self._run(self._roll())

    async def _roll(self) -> None:
        try:
            while self._roll_again:
                self._roll_again = False
                for slot in self._slots:
                    await slot.replace()
                log.info("all workers were replaced", workers=len(self._slots))
        except WorkerFailed as error:
            log.error("a new worker does not start; the old ones stay", reason=str(error))
        finally:
            self._rolling = False

    # Workers come and go.

    async def _begin(self, place: int) -> WorkerProcess:
        assert self._port is not None
        process = WorkerProcess(str(place + 1), self._share(place), self._asked)
        try:
            sockets = self._port.sockets(place)
        except OSError as error:
            raise WorkerFailed(f"the port is lost: {error}") from error
        await process.start(sockets)
        self._processes.add(process)
        self._run(self._see_off(process))
        return process

    async def _see_off(self, process: WorkerProcess) -> None:
        await process.ended()
        self._tally.retire(process.figures)
        self._processes.discard(process)

    def _share(self, place: int) -> Settings:
        """A worker's settings: limits that are for all are shared out."""
        settings, count = self.settings, self.settings.processes
        assert self._port is not None
        store = settings.store
        if self._embedded is not None:
            store = f"unix://{quote(self._embedded.endpoint.unix_path or '')}"
        each, rest = divmod(settings.connections_max, count)
        return replace(
            settings,
            workers=1,
            port=self._port.number,
            store=store,
            connections_max=max(1, each + (place < rest)),
            connects_per_s=settings.connects_per_s / count,
        )

    # Pages about all workers.

    def _asked(self, process: WorkerProcess, ask: Ask) -> None:
        self._run(self._answer(process, ask))

    async def _answer(self, process: WorkerProcess, ask: Ask) -> None:
        answers = await self._look()
        process.answer(page(self._tally, self._looks(answers), ask.number, ask.path))

    async def _look(self) -> dict[WorkerProcess, bool]:
        """Ask all workers for their figures; who answered. Questions at the same time are one."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_at_all())
        return await asyncio.shield(self._looking)

    async def _look_at_all(self) -> dict[WorkerProcess, bool]:
        processes = list(self._processes)
        came = await asyncio.gather(*(one.look() for one in processes))
        return dict(zip(processes, came, strict=True))

    def _looks(self, answers: dict[WorkerProcess, bool]) -> list[Look]:
        """What is known now. Who has ended meanwhile is in the tally already."""
        looks = []
        for slot in self._slots:
            process = slot.process if slot.process in self._processes else None
            there = process is not None and answers.get(process, False)
            figures = process.figures if process else None
            looks.append(Look(slot.name, there, figures, slot.restarts))
        current = {slot.process for slot in self._slots}
        looks += [
            Look(process.name, answers.get(process, False), process.figures, leaving=True)
            for process in self._processes - current
        ]
        return looks

    async def _watch(self) -> None:
        """Kill workers that hang; their slots start them again. Until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for process, there in (await self._look()).items():
                process.silent = 0 if there else process.silent + 1
                if process.silent >= SILENT_MAX and process in self._processes:
                    log.error("a worker hangs; killing it", name=process.name, pid=process.pid)
                    process.kill()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of the parent failed", exc_info=error)
