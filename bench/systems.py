"""The systems under test: start one, find its processes, pin them, stop it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from server.store import leash
from server.store.directory import DataDirectory

from . import procfs
from .errors import BenchError

START_SECONDS = 30
STOP_SECONDS = 20
STORES = ("valkey-server", "redis-server")
GENERATOR_NICE = -10
OPENING_BALANCE = "1000000.00 USD"
NO_STORE = "none"
"""The durability of what keeps nothing."""
DATA_HOME = "/var/tmp"
"""Where data directories are made: by custom a real disk, where /tmp may be memory."""


@dataclass
class System:
    """A running system: where it listens, and its processes by the name of their part."""

    name: str
    host: str
    port: int
    durability: str
    pids: dict[str, int] = field(default_factory=dict)
    store_socket: Path | None = None
    """The store's Unix socket, if the hub is our own."""


@contextmanager
def hub(durability: str, data: str | None = None) -> Iterator[System]:
    """A Teller of our own, with its embedded store, in a fresh data directory.

    Raises:
        BenchError: if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=data or DATA_HOME) as home:
        port = _free_port()
        command = [str(Path(sys.executable).with_name("teller")), "serve"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--data", f"{home}/data"]
        command += ["--no-rate-limits", "--opening-balance", OPENING_BALANCE]
        command += ["--durability", durability]
        # Registering a thousand accounts at the real cost of argon2 would take longer than the
        # bench itself; no figure here contains it.
        cheap = {"TELLER_ARGON2_TIME_COST": "1", "TELLER_ARGON2_MEMORY_KIB": "64"}
        log = Path(home, "hub.log")
        with (
            log.open("wb") as out,
            _last_words(log),
            _process(command, stdout=out, env=cheap) as process,
        ):
            _await_health(process, port)
            pids = {"server": process.pid}
            for pid, name in procfs.descendants(process.pid).items():
                if name in STORES:
                    pids["store"] = pid
            store_socket = DataDirectory(Path(home, "data")).socket
            yield System("teller", "127.0.0.1", port, durability, pids, store_socket)


@contextmanager
def relay() -> Iterator[System]:
    """The plain relay on `websockets`.

    Raises:
        BenchError: if it does not start.
    """
    command = [sys.executable, "-m", "bench.peers.relay"]
    with _process(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise BenchError("the plain relay did not start")
        yield System("relay", "127.0.0.1", int(line), NO_STORE, {"server": process.pid})


@contextmanager
def running(url: str, durability: str) -> Iterator[System]:
    """A hub that someone else started; its processes are not known, nor what they cost.

    Raises:
        BenchError: if the URL is not ``ws://host:port/ws``.
    """
    parts = urlsplit(url)
    if parts.scheme != "ws" or not parts.hostname:
        raise BenchError(f"{url!r} is not like ws://127.0.0.1:8765/ws")
    yield System("teller", parts.hostname, parts.port or 80, durability)


def store_of(hub: System) -> System:
    """The store of our own hub, as a system by itself.

    Raises:
        BenchError: if the hub is not our own.
    """
    if hub.store_socket is None:
        raise BenchError("the store of a hub that someone else started is not known")
    pids = {"store": hub.pids["store"]}
    return System("store alone", hub.host, hub.port, hub.durability, pids, hub.store_socket)


def pin(system: System, generator: int) -> None:
    """The server on one core, the store on another, if there are two; the generator goes with
    the store, or where it drives the store alone, beside it."""
    # Clients would have machines of their own: the generator does not queue behind the store,
    # if we may say so.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, generator, GENERATOR_NICE)
    cores = procfs.two_cores()
    if cores is None:
        return
    for part, pid in system.pids.items():
        procfs.pin(pid, cores[1] if part == "store" else cores[0])
    procfs.pin(generator, cores[1] if "server" in system.pids else cores[0])


@contextmanager
def _process(
    command: list[str], stdout: object, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    # The leash ends the system even where the bench itself is killed.
    leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), "2", *command]
    process = subprocess.Popen(
        leashed,
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.STDOUT if stdout is not subprocess.PIPE else None,
        env={**os.environ, **(env or {})},
        process_group=0,  # Ctrl-C is the parent's, which then stops everything in order
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_health(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise BenchError("the hub did not start")


@contextmanager
def _last_words(log: Path) -> Iterator[None]:
    """Where a bench cannot go on, the end of the hub's log says most."""
    try:
        yield
    except BenchError as error:
        raise BenchError(f"{error}\nThe hub's log ends so:\n{log.read_text()[-2_000:]}") from error
