"""A hub as its own process, which can be killed, and started again on the same data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

from bench.systems import free_port
from server.store.directory import DataDirectory
from server.store.endpoint import Endpoint
from tests.support import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
START_S = 3 * PATIENCE_S
"""A process that starts reads all of its modules, on a machine where other tests run, too."""


class HubProcess:
    """One hub after another on one data directory and one port."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.directory = DataDirectory(data)
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self.options: tuple[str, ...] = ()
        """Further flags of `teller serve`."""
        self.said: list[str] = []
        """Everything that the hubs printed, line by line."""
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def store(self) -> Endpoint:
        return Endpoint(unix_path=str(self.directory.socket))

    async def start(self, step: str | None = None, passes: int = 1) -> None:
        """Start a hub, to die at a pass of `step` if one is given; returns when it listens."""
        runner = ["tests.crash.runner", step, str(passes)] if step else ["server"]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *runner, "serve", "--data", str(self.data)),
            *("--port", str(self.port), "--opening-balance", "100.00 USD", "--no-rate-limits"),
            *("--argon2-time-cost", "1", "--argon2-memory-kib", "64", "--strangers", "open"),
            *self.options,
            cwd=ROOT,
            stdout=PIPE,
            stderr=STDOUT,
        )
        ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read(self._process, ready))
        waits = {asyncio.create_task(ready.wait()), self._reader}
        await asyncio.wait(waits, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), "\n".join(self.said[-20:])

    async def _read(self, process: Process, ready: asyncio.Event) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.said.append(line.decode("utf-8", "replace").rstrip())
            if "listens on" in self.said[-1]:
                ready.set()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Send the hub a signal."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill_store(self) -> None:
        """SIGKILL the store's server; the hub starts it again."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.directory.server_pid()), signal.SIGKILL)

    async def ended(self) -> int:
        """Wait for the hub's end; its exit code."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
        if self._reader is not None:
            await self._reader
        return code

    async def close(self) -> None:
        """End the hub, if it runs, and wait until its store is gone."""
        if self.running:
            self.signal(signal.SIGKILL)
            await self.ended()
        await self.store_gone()

    async def store_gone(self) -> None:
        """Wait until no server works on the data."""
        await until(lambda: self.directory.server_lock.holder() is None)
