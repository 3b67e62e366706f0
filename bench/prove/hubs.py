"""One hub of the proof: a process that is killed, paused, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from .. import procfs, systems
from ..errors import BenchError

START_S = 40.0
RESTART_S = 0.5
"""Before a hub that ended by itself is started again."""
STOP_S = 15.0
LOG_TAIL = 3_000


class Hub:
    """`teller serve` on a port of its own, which stays the same whenever it is started again."""

    def __init__(self, number: int, home: Path, options: list[str], fault: str) -> None:
        """`home` is an empty folder; `options` are added to the command line."""
        self.number = number
        self.port = systems.free_port()
        self.home = home
        self.name = f"hub{number}"
        self.starts = 0
        self._command = [str(systems.TELLER_PROGRAM), "serve", "--port", str(self.port)]
        self._command += ["--data", str(home / "data"), "--no-rate-limits"]
        self._command += ["--strangers", "open", *options]
        self._env = {**systems.CHEAP, "TELLER_LOG_FORMAT": "json"}
        if fault:
            self._env["TELLER_FAULT"] = fault
        self._running = ExitStack()
        self._child: subprocess.Popen[bytes] | None = None
        self._paused: list[int] = []

    @property
    def log(self) -> Path:
        """Everything that it said."""
        return self.home / "hub.log"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._child is not None and self._child.poll() is None

    async def start(self) -> None:
        """Start it, and return when it answers; nothing where it runs.

        A hub does not start on a store that cannot keep its promise just now. So it is started
        again and again, as a supervisor would.

        Raises:
            BenchError: if it does not answer in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_S
        while loop.time() < deadline:
            if not self.running:
                self._launch()
            if await self._answers(deadline):
                return
        said = self.log.read_text(errors="replace")[-LOG_TAIL:]
        raise BenchError(f"{self.name} did not start. Its log ends so:\n{said}")

    def _launch(self) -> None:
        self._running.close()
        self._running = ExitStack()
        out = self._running.enter_context(self.log.open("ab"))
        started = systems.process(self._command, stdout=out, env=self._env)
        self._child = self._running.enter_context(started)
        self.starts += 1

    def kill(self) -> None:
        """SIGKILL, to it and its workers."""
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay, and nobody answers."""
        self._paused = self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        for pid in self._paused:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._paused = []

    async def stop(self) -> None:
        """End it as an operator would: SIGTERM, and wait; SIGKILL if that takes too long."""
        if self._child is None:
            return
        self.resume()
        with suppress(ProcessLookupError):
            self._child.terminate()
        try:
            await asyncio.to_thread(self._child.wait, STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def close(self) -> None:
        """End it, whatever it does."""
        self.resume()
        self._running.close()

    def mistakes(self) -> list[str]:
        """Lines of its log that no fault excuses: an exception that nobody expected."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if "Traceback" in line]

    def _signal(self, number: signal.Signals) -> list[int]:
        if self._child is None or self._child.poll() is not None:
            return []
        pids = [self._child.pid, *procfs.descendants(self._child.pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    async def _answers(self, deadline: float) -> bool:
        """Whether it answers before the deadline, and before it ends."""
        loop = asyncio.get_running_loop()
        while self.running and loop.time() < deadline:
            if await asyncio.to_thread(_healthy, self.port):
                return True
            await asyncio.sleep(0.05)
        await asyncio.sleep(RESTART_S)
        return False


def _healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
            return True
    except (URLError, OSError):
        return False
