"""The parent's side of one worker process: start it, listen to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from pathlib import Path

import structlog

from ..config import Settings
from ..store.process import how_it_ended
from .messages import Ask, Failed, Figures, Look, Message, Page, Ready, Start, pipe_over
from .pipe import Pipe

START_WAIT_S = 60.0
"""Seconds for a worker to start; a store of one's own may be slow to answer."""
STOP_GRACE_S = 3.0
"""Seconds beyond `drain_timeout_s` from SIGTERM to SIGKILL."""
ANSWER_WAIT_S = 1.0
"""Seconds that a page about all workers waits for one of them."""

_ROOT = Path(__file__).parents[2]

log = structlog.get_logger("workers")


class WorkerFailed(Exception):
    """A worker did not start; the message says why."""


class WorkerProcess:
    """One worker, from its start to its end.

    `on_ask` is called when it wants a page about all workers.
    """

    def __init__(
        self, name: str, settings: Settings, on_ask: Callable[[WorkerProcess, Ask], None]
    ) -> None:
        self.name = name
        self.figures: Figures | None = None
        """What it told last."""
        self.silent = 0
        """How many heartbeats in a row it did not answer."""
        self._settings = settings
        self._on_ask = on_ask
        self._looks = 0
        self._looking: dict[int, asyncio.Future[None]] = {}
        self._process: Process
        self._pipe: Pipe[Message]
        self._reader: asyncio.Task[None]

    @property
    def pid(self) -> int:
        return self._process.pid

    async def start(self, sockets: list[socket.socket]) -> None:
        """Start it on `sockets`; returns when clients can connect.

        Raises:
            WorkerFailed: if it does not start; nothing of it is left then.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = await self._spawn(theirs, sockets)
        except OSError as error:
            ours.close()
            raise WorkerFailed(f"no process for a worker: {error}") from error
        finally:
            theirs.close()
        try:
            self._pipe = await pipe_over(ours)
            self._pipe.send(Start(self._settings))
            await self._await_ready()
        except BaseException:
            await self._kill()
            raise
        self._reader = asyncio.create_task(self._listen())

    async def look(self) -> bool:
        """Ask for its figures; whether they came in time."""
        self._looks = number = self._looks + 1
        came = self._looking[number] = asyncio.get_running_loop().create_future()
        self._pipe.send(Look(number))
        try:
            await asyncio.wait_for(came, ANSWER_WAIT_S)
            return True
        except TimeoutError:
            return False
        finally:
            del self._looking[number]

    def answer(self, page: Page) -> None:
        """Give it a page that it asked for."""
        self._pipe.send(page)

    async def ended(self) -> str:
        """Wait for its end; how it ended."""
        await self._process.wait()
        await asyncio.shield(self._reader)
        return how_it_ended(self._process)

    async def stop(self) -> None:
        """Let it drain and end; kill it if that takes too long."""
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended(), self._settings.drain_timeout_s + STOP_GRACE_S)
        except TimeoutError:
            log.error("a worker does not end by SIGTERM; killing it", name=self.name, pid=self.pid)
            self.kill()
            await self.ended()

    def kill(self) -> None:
        """End it at once, even if it is stopped or stuck."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _spawn(self, control: socket.socket, sockets: list[socket.socket]) -> Process:
        descriptors = [one.fileno() for one in (control, *sockets)]
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", __package__, self.name, str(os.getpid())),
            *map(str, descriptors),
            stdin=DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=descriptors,
            start_new_session=True,  # the terminal's Ctrl-C and hang-up are the parent's
        )

    async def _await_ready(self) -> None:
        try:
            message = await asyncio.wait_for(self._pipe.receive(), START_WAIT_S)
        except TimeoutError:
            raise WorkerFailed(
                f"worker {self.name} is not ready after {START_WAIT_S:.0f} s"
            ) from None
        if isinstance(message, Failed):
            raise WorkerFailed(message.message)
        if not isinstance(message, Ready):
            await self._process.wait()
            raise WorkerFailed(
                f"worker {self.name} ended while starting ({how_it_ended(self._process)})"
            )

    async def _listen(self) -> None:
        """Take what it says, to its end."""
        while (message := await self._pipe.receive()) is not None:
            if isinstance(message, Figures):
                self.figures = message
                came = self._looking.get(message.number)
                if came is not None and not came.done():
                    came.set_result(None)
            elif isinstance(message, Ask):
                self._on_ask(self, message)
        await self._pipe.close()

    async def _kill(self) -> None:
        """Leave nothing of a worker that did not start."""
        self.kill()
        await self._process.wait()
        if hasattr(self, "_pipe"):
            await self._pipe.close()
