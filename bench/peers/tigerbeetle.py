"""TigerBeetle, the database made for transfers, driven by the `benchmark` command of its own.

There is no package of its server where others come from, so it takes part only where
``$TIGERBEETLE_BIN`` names the program. Its figures are those of full batches, 8,189 transfers of
one client at a time: what it is best at. It tells latency per batch and in whole milliseconds, so
none is shown here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import procfs, systems
from bench.errors import BenchError
from bench.limits.figures import Window, figures

from .payments import PaymentSystem
from .peer import Peer

ENVIRONMENT_NAME = "TIGERBEETLE_BIN"
TRANSFERS = 1_000_000
"""In a window: it counts transfers, not seconds."""
WHOM = {
    "uniform": ["--account-distribution=uniform"],
    "pair": ["--account-distribution=uniform"],
    "zipf": ["--account-distribution=zipfian"],
    "hot": ["--account-count-hot=1", "--transfer-hot-percent=100"],
}
SECONDS_MAX = 300
SETTLE_SECONDS = 1.0
"""From the start of the replica to when it surely listens; it says so in no fixed words."""


@dataclass
class TigerBeetle(PaymentSystem):
    """A program that starts anew, in an empty data file, for each window: the accounts and ids of
    its benchmark are always the same."""

    program: Path = field(default_factory=Path)

    def play(
        self, *, seconds: float, warm_up: float, to: str = "uniform", **plan: Any
    ) -> dict[str, Any]:
        """See `PaymentSystem.play`; `seconds` and `warm_up` have no meaning to it."""
        del seconds, warm_up
        if to not in WHOM or plan.get("rate"):
            raise BenchError("TigerBeetle's benchmark is a closed loop: uniform, zipf or hot")
        command = [str(self.program), "benchmark", f"--transfer-count={TRANSFERS}"]
        with self._replica() as (address, replica):
            began, spent = time.monotonic_ns(), procfs.cpu_ns(replica)
            said = self._run([*command, *WHOM[to], f"--addresses={address}"])
            whole, cpu = time.monotonic_ns() - began, procfs.cpu_ns(replica) - spent
        rate = re.search(r"^load accepted = (\d+) tx/s$", said, re.MULTILINE)
        if rate is None:
            raise BenchError(f"TigerBeetle's benchmark says nothing of its rate:\n{said[-1_000:]}")
        elapsed = min(whole, TRANSFERS * 10**9 // max(1, int(rate[1])))
        window = Window(elapsed, TRANSFERS, 0, {"server": cpu})
        return figures(window, {"payment": []}, {"payment": TRANSFERS})

    @contextmanager
    def _replica(self) -> Iterator[tuple[str, int]]:
        """A cluster of one in a fresh data file, pinned; its address and process id."""
        with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=systems.DATA_HOME) as home:
            data, log = Path(home, "0_0.tigerbeetle"), Path(home, "replica.log")
            one = ["--cluster=0", "--replica=0", "--replica-count=1"]
            self._run([str(self.program), "format", *one, str(data)])
            address = f"{self.host}:{systems.free_port()}"
            command = [str(self.program), "start", f"--addresses={address}", str(data)]
            with (
                log.open("wb") as out,
                systems.last_words(log),
                systems.process(command, out) as child,
            ):
                if cores := procfs.two_cores():
                    procfs.pin(child.pid, cores[0])
                time.sleep(SETTLE_SECONDS)
                if child.poll() is not None:
                    raise BenchError("TigerBeetle did not start")
                yield address, child.pid

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
        if done.returncode:
            raise BenchError(f"{' '.join(command[:2])} failed:\n{done.stderr[-1_000:]}")
        return done.stdout


def _program() -> str | None:
    return shutil.which(os.environ.get(ENVIRONMENT_NAME) or "")


def _missing(folder: Path) -> str | None:
    del folder
    return None if _program() else f"${ENVIRONMENT_NAME} names no program"


def _install(folder: Path) -> None:
    del folder
    raise BenchError(f"no package has its server; put the program's path in ${ENVIRONMENT_NAME}")


@contextmanager
def _start(folder: Path) -> Iterator[TigerBeetle]:
    program = _program()
    if program is None:
        raise BenchError(str(_missing(folder)))
    path = Path(program).absolute()
    yield TigerBeetle("tigerbeetle", "127.0.0.1", 0, "disk", dialect="", program=path)


PEER = Peer(
    "tigerbeetle",
    "TigerBeetle, full batches of transfers; an answer says that a batch is on disk",
    "",
    "disk",
    frozenset({"pay"}),
    missing=_missing,
    install=_install,
    start=_start,
)
