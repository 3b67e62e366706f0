"""Bare stores, one for each region, for what is held against Teller."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.store.binary import find_binary

from .. import systems
from ..errors import BenchError

SYNC = {"disk": "always", "everysec": "everysec", "memory": "no"}
"""`appendfsync` for each durability of a hub."""
START_SECONDS = 10


@contextmanager
def store(home: Path, durability: str) -> Iterator[int]:
    """A store on 127.0.0.1 that keeps its data in the empty folder `home`; gives its port.

    Raises:
        BenchError: if it does not start.
    """
    port, log = systems.free_port(), home / "store.log"
    options = {"port": port, "bind": "127.0.0.1", "dir": home, "save": "", "appendonly": "yes"}
    options["appendfsync"] = SYNC[durability]
    command = [str(find_binary())]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    with (
        log.open("wb") as out,
        systems.last_words(log),
        systems.process(command, stdout=out),
    ):
        _await(port)
        yield port


def _await(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as line:
            line.sendall(b"PING\r\n")
            if line.recv(7) == b"+PONG\r\n":
                return
        time.sleep(0.02)
    raise BenchError("a store did not start")
