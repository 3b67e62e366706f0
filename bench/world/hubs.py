"""The hub of one region, which can be killed and comes back with its data."""

from __future__ import annotations

import os
import signal
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from urllib.request import urlopen

from server.store.directory import DataDirectory

from .. import systems
from ..errors import BenchError
from ..systems import TELLER_PROGRAM
from .netns import Place, inside

ANY = "0.0.0.0"
"""All addresses of its namespace, which nothing outside can reach."""
LINK_UP = "teller_region_up{"
"""The metric that is 1 for each region to which there is a link."""


class Hub:
    """`teller serve` with its embedded store, on a port and a data directory of its own. Use it as
    a context manager."""

    def __init__(
        self, name: str, home: Path, durability: str, *options: str, place: Place | None = None
    ) -> None:
        """`home` is an empty folder; `options` are added to the command line. It runs in the
        namespace of its `place`, if it has one."""
        self.name, self.port, self.place = name, systems.free_port(), place
        self._home, self._log = home, home / "hub.log"
        self._command = [str(TELLER_PROGRAM), "serve", "--port", str(self.port)]
        self._command += ["--data", str(home / "data"), "--durability", durability]
        self._command += ["--no-rate-limits", "--strangers", "open"]
        self._command += ["--opening-balance", systems.OPENING_BALANCE]
        self._command += options
        if place is not None:
            self._command = place.command(*self._command, "--host", ANY)
        self._running = ExitStack()
        self.pids: dict[str, int] = {}
        """Its processes, by the name of their part."""

    @property
    def namespace(self) -> str | None:
        """The file that is its namespace, if it is not ours."""
        return None if self.place is None else self.place.namespace

    @property
    def url(self) -> str:
        """Where its clients dial, from its own namespace."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def store_socket(self) -> Path:
        """The socket of its store."""
        return DataDirectory(self._home / "data").socket

    def start(self) -> None:
        """Start it, and return when it is ready.

        Raises:
            BenchError: if it does not start.
        """
        out = self._running.enter_context(self._log.open("ab"))
        started = systems.process(self._command, stdout=out, env=systems.CHEAP)
        child = self._running.enter_context(started)
        with systems.last_words(self._log), self._inside():
            systems.await_health(child, self.port)
        self.pids = systems.parts(child.pid)

    def await_links(self, number: int) -> None:
        """Return when it has links to so many other regions.

        Raises:
            BenchError: if that takes too long.
        """
        deadline = time.monotonic() + systems.START_SECONDS
        with systems.last_words(self._log):
            while self._links_up() < number:
                if time.monotonic() > deadline:
                    raise BenchError(f"region {self.name} has no link to each of the others")
                time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut ends a machine: SIGKILL, the hub and the store at once."""
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._running.close()
        self._running, self.pids = ExitStack(), {}

    def _links_up(self) -> int:
        url = f"http://127.0.0.1:{self.port}/metrics"
        with self._inside(), urlopen(url, timeout=systems.START_SECONDS) as page:
            lines = page.read().decode().splitlines()
        return sum(line.startswith(LINK_UP) and line.endswith(" 1.0") for line in lines)

    def _inside(self) -> AbstractContextManager[None]:
        return nullcontext() if self.namespace is None else inside(self.namespace)

    def __enter__(self) -> Hub:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
