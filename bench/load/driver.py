"""The parent's handle on a generator process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from bench.errors import BenchError


class Generator:
    """A process that loads one system; use it as a context manager."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, process_group=0)
        self.pid = self._process.pid

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @classmethod
    def of_clients(cls, host: str, port: int, codec: str) -> Generator:
        """WebSocket clients of a hub or a peer; its commands are `bench.load.worker.Worker`'s."""
        return cls("bench.load.worker", host, str(port), codec)

    @classmethod
    def of_calls(cls, socket: Path) -> Generator:
        """A raw client of the store; its command is `bench.load.raw_store.RawStore.payments`."""
        return cls("bench.load.raw_store", str(socket))

    def call(self, do: str, **fields: object) -> dict[str, Any]:
        """Have a command done, and wait for its answer.

        Raises:
            BenchError: if it failed, or the process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps({"do": do, **fields}) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"the generator ended during {do!r}")
        answer: dict[str, Any] = orjson.loads(line)
        if "failed" in answer:
            raise BenchError(f"{do}: {answer['failed']}")
        return answer
