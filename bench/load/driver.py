"""The parent's handle on a generator: one process, or several that count as one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from bench.errors import BenchError

from .dial import Address
from .histogram import merge_packed

SHARED_OUT = ("number", "messages")
"""Fields of which each process does its part."""


class Generator:
    """Processes that load one system; use it as a context manager."""

    def __init__(self, module: str, *arguments: str, processes: int = 1) -> None:
        """Processes of `module`, which obeys lines (`bench.load.lines`). Those after the first get
        their number as one more argument."""
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", module, *arguments]
        self._processes = [
            subprocess.Popen(
                [*command, str(n)] if n else command,
                stdin=pipe,
                stdout=pipe,
                process_group=0,  # Ctrl-C is the parent's, which then stops everything in order
            )
            for n in range(processes)
        ]
        self.pids = [process.pid for process in self._processes]

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def pid(self) -> int:
        """The process, where there is one."""
        return self.pids[0]

    @classmethod
    def of_clients(
        cls, addresses: Iterable[Address], dialect: str, processes: int = 1
    ) -> Generator:
        """WebSocket clients of a hub or a peer, or of several hubs in turn; its commands are
        `bench.load.worker.Worker`'s."""
        where = ",".join(f"{host}:{port}" for host, port in addresses)
        return cls("bench.load.worker", where, dialect, processes=processes)

    def call(self, do: str, **fields: Any) -> dict[str, Any]:
        """Have a command done, and wait for its answer. Several processes do it at the same time,
        and their answers are added up.

        Raises:
            BenchError: if it failed, or a process ended, or it is a `load` for several processes.
        """
        number = len(self._processes)
        if do in ("load", "join") and number > 1:
            raise BenchError(f"{do!r} is for one generator process, not for {number}")
        for n, process in enumerate(self._processes):
            part = {key: _share(fields[key], n, number) for key in SHARED_OUT if key in fields}
            assert process.stdin is not None
            process.stdin.write(orjson.dumps({"do": do, **fields, **part}) + b"\n")
            process.stdin.flush()
        answers = [self._answer(process, do) for process in self._processes]
        return answers[0] if number == 1 else _added_up(answers)

    def _answer(self, process: subprocess.Popen[bytes], do: str) -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise BenchError(f"the generator ended during {do!r}")
        answer: dict[str, Any] = orjson.loads(line)
        if "failed" in answer:
            raise BenchError(f"{do}: {answer['failed']}")
        return answer


def _share(whole: int, n: int, number: int) -> int:
    """The part of process `n` of `number`."""
    return whole // number + (n < whole % number)


def _added_up(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: _SUMS.get(key, sum)([one[key] for one in answers]) for key in answers[0]}


def _faults(parts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def _joined(parts: list[list[str]]) -> list[str]:
    return [one for part in parts for one in part]


_SUMS: dict[str, Callable[[list[Any]], Any]] = {
    "names": _joined,
    "errors": _joined,
    "faults": _faults,
    "connect": merge_packed,
    "seconds": max,
    "least": min,
}
"""How answers are added up where it is not a plain sum."""
