"""Peers that are programs of others: they are told a port, and listen when they are ready."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench import systems
from bench.errors import BenchError
from bench.systems import System

from .peer import Peer

START_SECONDS = 60
"""Erlang loads its code from many files; a busy machine takes its time."""


@contextmanager
def listening(
    peer: Peer, port: int, command: list[str], env: dict[str, str], log: Path
) -> Iterator[System]:
    """The system that `command` is, from when it listens on `port` to the end of the block. What
    it says goes to the file `log`.

    Raises:
        BenchError: if it ends, or does not listen in time; with the end of the log.
    """
    with (
        log.open("wb") as out,
        systems.last_words(log),
        systems.process(command, stdout=out, env=env) as child,
    ):
        _await(child, port, peer.name)
        pids = {"server": child.pid}
        yield System(peer.name, "127.0.0.1", port, peer.durability, pids, dialect=peer.dialect)


def _await(child: subprocess.Popen[bytes], port: int, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise BenchError(f"{name} did not start")
