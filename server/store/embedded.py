"""The embedded store: a Valkey server of our own, on a unix socket, that lives as long as the hub.

`start` takes the data directory's lock, starts the server and waits until it has loaded its data.
One task then owns the server: it starts it again after every unexpected end, until `stop`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from asyncio.subprocess import Process
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from . import process as server
from .directory import DataDirectory
from .endpoint import Durability, Endpoint, StoreError
from .settings import server_settings

HUB_LOCK_WAIT = 0.5
"""Seconds to ask for the lock again, so that neither a hub that is just dying nor a look by
`teller doctor` refuses a start."""
RESTART_DELAY_MIN, RESTART_DELAY_MAX = 0.05, 5.0
"""Seconds before the first restart; it doubles with every further one, up to the second value."""
STEADY_AFTER = 30.0
"""Seconds of life after which an end counts as the first again."""
DISK_LOW = 64 << 20
"""Bytes. With less free space than this, a full disk is the likely reason for an end."""

log = structlog.get_logger(__name__)


class EmbeddedStore:
    """A supervised Valkey server whose data is in `data`.

    `endpoint` is where it answers; `restarts` counts how often it had to be started again. Start
    it from the main thread: on Linux the kernel ends the server with the thread that started it.
    `more_settings` are lines for its configuration that win over the usual ones.
    """

    def __init__(self, data: Path, durability: Durability, more_settings: str = "") -> None:
        self._directory = DataDirectory(data)
        self._durability: Durability = durability
        self._more_settings = more_settings
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.endpoint = Endpoint(unix_path=str(self._directory.socket))
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> None:
        """Start the server and return when it answers and has loaded its data.

        Raises:
            StoreError: if the directory is in use or unusable, or the server does not start.
        """
        self._stopping.clear()
        try:
            self._directory.prepare()
            await self._lock()
            try:
                self._write_settings()
                self._process = await server.spawn(self._directory)
                await server.await_ready(self._process, self._directory)
            except BaseException:
                await self._terminate()
                self._directory.hub_lock.close()
                raise
        except OSError as error:
            raise StoreError(self._directory.refusal(error)) from error
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End the server: SIGTERM, which syncs its data, then SIGKILL. Frees the directory."""
        self._stopping.set()
        try:
            if self._supervisor is not None:
                await self._supervisor
                self._supervisor = None
        finally:
            self._directory.hub_lock.close()
        if self._directory.socket.parent != self._directory.path:
            with contextlib.suppress(OSError):
                self._directory.socket.parent.rmdir()

    async def _lock(self) -> None:
        loop = asyncio.get_running_loop()
        lock = self._directory.hub_lock
        deadline = loop.time() + HUB_LOCK_WAIT
        while not lock.acquire():
            if loop.time() > deadline:
                raise StoreError(
                    f"the data directory {self._directory.path} is in use by process "
                    f"{lock.holder() or 'unknown'}; stop it, or choose another with --data"
                )
            await asyncio.sleep(server.POLL_INTERVAL)

    def _write_settings(self) -> None:
        directory = self._directory
        if self._durability == "memory" and directory.append_only.exists():
            log.warning("durability is memory: the data on disk is not read", data=directory.path)
        settings = server_settings(directory, self._durability) + self._more_settings
        directory.config_file.write_bytes(os.fsencode(settings))

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        ends = 0
        try:
            while self._process is not None and not self._stopping.is_set():
                since = loop.time()
                await self._unless_stopping(self._process.wait())
                if not self._stopping.is_set():
                    self._report_end(self._process)
                    ends = 1 if loop.time() - since > STEADY_AFTER else ends + 1
                    await self._restart(ends)
        finally:
            await self._terminate()

    async def _restart(self, ends: int) -> None:
        """Wait, then start the server again; wait longer if even that fails."""
        while True:
            delay = min(RESTART_DELAY_MAX, RESTART_DELAY_MIN * 2.0 ** (ends - 1))
            await self._unless_stopping(asyncio.sleep(delay))
            if self._stopping.is_set():
                return
            try:
                self._process = await server.spawn(self._directory)
            except (StoreError, OSError) as error:
                log.error("the store's server cannot be started", reason=str(error))
                ends += 1
            else:
                self.restarts += 1
                log.info("the store's server was started again", pid=self.pid)
                return

    async def _unless_stopping(self, work: Coroutine[Any, Any, Any]) -> None:
        """Await `work`, or give it up as soon as `stop` is called."""
        tasks = {asyncio.create_task(work), asyncio.create_task(self._stopping.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _report_end(self, process: Process) -> None:
        """Log why it ended. A full disk swallows the server's own last words, so we look."""
        free = shutil.disk_usage(self._directory.path).free
        log.error(
            "the store's server ended; starting it again",
            how=server.how_it_ended(process),
            likely="the disk is full" if free < DISK_LOW else "see last_words",
            disk_free_mb=free >> 20,
            last_words=self._directory.log_tail(),
        )

    async def _terminate(self) -> None:
        if self._process is not None:
            await server.terminate(self._process)
            self._process = None
