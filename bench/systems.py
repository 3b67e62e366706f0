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
AUDIT_SECONDS = 900
"""For about 30 million entries."""
TELLER_PROGRAM = Path(sys.executable).with_name("teller")
STORES = ("valkey-server", "redis-server")
GENERATOR_NICE = -10
OPENING_BALANCE = "1000000.00 USD"
TELLER = "teller"
"""The name of our own system in all rows."""
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
    dialect: str = "json"
    """What its clients speak: a key of `bench.load.dialects.DIALECTS`, or nothing if it is not
    driven by the generator."""


@contextmanager
def hub(durability: str, data: str | None = None, dialect: str = "json") -> Iterator[System]:
    """A Teller of our own, with its embedded store, in a fresh data directory.

    Raises:
        BenchError: if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=data or DATA_HOME) as home:
        port = free_port()
        command = [str(TELLER_PROGRAM), "serve"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--data", f"{home}/data"]
        command += ["--no-rate-limits", "--opening-balance", OPENING_BALANCE]
        command += ["--durability", durability]
        # Registering a thousand accounts at the real cost of argon2 would take longer than the
        # bench itself; no figure here contains it.
        cheap = {"TELLER_ARGON2_TIME_COST": "1", "TELLER_ARGON2_MEMORY_KIB": "64"}
        log = Path(home, "hub.log")
        with log.open("wb") as out, process(command, stdout=out, env=cheap) as child:
            with last_words(log):
                _await_health(child, port)
            pids = {"server": child.pid}
            for pid, name in procfs.descendants(child.pid).items():
                if name in STORES:
                    pids["store"] = pid
            store_socket = DataDirectory(Path(home, "data")).socket
            with last_words(log, unless=child):
                yield System(TELLER, "127.0.0.1", port, durability, pids, store_socket, dialect)


@contextmanager
def running(url: str, durability: str, dialect: str = "json") -> Iterator[System]:
    """A hub that someone else started; its processes are not known, nor what they cost.

    Raises:
        BenchError: if the URL is not ``ws://host:port/ws``.
    """
    parts = urlsplit(url)
    if parts.scheme != "ws" or not parts.hostname:
        raise BenchError(f"{url!r} is not like ws://127.0.0.1:8765/ws")
    host, port = parts.hostname, parts.port or 80
    yield System(TELLER, host, port, durability, dialect=dialect)


def store_of(hub: System) -> System:
    """The store of our own hub, as a system by itself.

    Raises:
        BenchError: if the hub is not our own.
    """
    if hub.store_socket is None:
        raise BenchError("the store of a hub that someone else started is not known")
    pids = {"store": hub.pids["store"]}
    return System("store", hub.host, hub.port, hub.durability, pids, hub.store_socket)


def audit(hub: System) -> str:
    """What the ledger's own audit, a full replay of every mailbox, finds wrong in the store of
    our own hub; nothing if the books balance.

    Raises:
        BenchError: if it does not end in time.
    """
    command = [str(TELLER_PROGRAM), "admin", "audit", "--store", f"unix://{hub.store_socket}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"the audit did not end in {AUDIT_SECONDS} s") from error
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def pin(system: System, generator: int, apart: bool = False) -> None:
    """The whole system on one core and the generator on another, if there are two. `apart` puts
    the store beside the generator, so that the server has its core for itself."""
    # Clients would have machines of their own: the generator does not queue behind the store,
    # if we may say so.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, generator, GENERATOR_NICE)
    cores = procfs.two_cores()
    if cores is None:
        return
    for pid in system.pids.values():
        for one in (pid, *procfs.descendants(pid)):
            procfs.pin(one, cores[0])
    if apart and {"server", "store"} <= system.pids.keys():
        procfs.pin(system.pids["store"], cores[1])
    procfs.pin(generator, cores[1])


@contextmanager
def process(
    command: list[str], stdout: object, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that ends with the block, and also where the bench itself is killed.

    `stdout` is `subprocess.PIPE` or an open file, which then takes its standard error too; `env`
    is added to our own environment.
    """
    leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), "2", *command]
    child = subprocess.Popen(
        leashed,
        stdout=stdout,  # type: ignore[call-overload]
        stderr=subprocess.STDOUT if stdout is not subprocess.PIPE else None,
        env={**os.environ, **(env or {})},
        process_group=0,  # Ctrl-C is the parent's, which then stops everything in order
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_health(child: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise BenchError("the hub did not start")


@contextmanager
def last_words(log: Path, unless: subprocess.Popen[bytes] | None = None) -> Iterator[None]:
    """Where a bench cannot go on, the end of the system's log says most: adds it to the error,
    `unless` this process still runs, for then it is not its fault."""
    try:
        yield
    except BenchError as error:
        if unless is not None and unless.poll() is None:
            raise
        raise BenchError(f"{error}\nThe log ends so:\n{log.read_text()[-2_000:]}") from error
