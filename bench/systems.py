"""The systems under test: start one, find its processes, pin them, stop it."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
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
from .load.dial import Address

HOST = "127.0.0.1"
PORTS = (22_000, 32_000)
"""Where free ports for servers are looked for."""
START_SECONDS = 30
STOP_SECONDS = 20
AUDIT_SECONDS = 900
"""For about 30 million entries."""
TELLER_PROGRAM = Path(sys.executable).with_name("teller")
STORES = ("valkey-server", "redis-server")
GENERATOR_NICE = -10
OPENING_BALANCE = "1000000.00 USD"
CHEAP = {"TELLER_ARGON2_TIME_COST": "1", "TELLER_ARGON2_MEMORY_KIB": "64"}
"""Registering a thousand accounts at the real cost of argon2 would take longer than the bench
itself; no figure contains it."""
TELLER = "teller"
"""The name of our own system in all rows."""
NO_STORE = "none"
"""The durability of what keeps nothing."""
DATA_HOME = "/var/tmp"
"""Where data directories are made: by custom a real disk, where /tmp may be memory."""


@dataclass
class System:
    """A running system: where it listens, and its processes."""

    name: str
    host: str
    port: int
    durability: str
    pids: dict[str, int] = field(default_factory=dict)
    """By the name of their part, `server` or `store`. A part that has several processes has them
    numbered: `server`, `server 2` and so on."""
    store_socket: Path | None = None
    """The store's Unix socket, if the hub is our own."""
    dialect: str = "json"
    """What its clients speak: a key of `bench.load.dialects.DIALECTS`, or nothing if it is not
    driven by the generator."""
    further: tuple[int, ...] = ()
    """The ports of its other hubs."""

    @property
    def addresses(self) -> list[Address]:
        """Where its clients dial."""
        return [(self.host, port) for port in (self.port, *self.further)]


@contextmanager
def hub(durability: str, data: str | None = None, dialect: str = "json") -> Iterator[System]:
    """A Teller of our own, with its embedded store, in a fresh data directory.

    Raises:
        BenchError: if it does not start.
    """
    with fresh_home(data) as home, serving(home, "--durability", durability) as (port, pid):
        store_socket = DataDirectory(home / "data").socket
        yield System(TELLER, HOST, port, durability, parts(pid), store_socket, dialect)


@contextmanager
def fresh_home(data: str | None) -> Iterator[Path]:
    """An empty directory on the disk to be measured, which goes with the block."""
    with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=data or DATA_HOME) as home:
        yield Path(home)


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[int, int]]:
    """`teller serve` with these options, on a free port, with its data in `home`: that port, and
    its process.

    Raises:
        BenchError: if it does not start.
    """
    home.mkdir(exist_ok=True)
    port, log = free_port(), home / "hub.log"
    command = [str(TELLER_PROGRAM), "serve"]
    command += ["--host", HOST, "--port", str(port), "--data", str(home / "data")]
    command += ["--no-rate-limits", "--strangers", "open"]
    command += ["--opening-balance", OPENING_BALANCE, *options]
    with log.open("wb") as out, process(command, stdout=out, env=CHEAP) as child:
        with last_words(log):
            await_health(child, port)
        with last_words(log, unless=child):
            yield port, child.pid


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


def parts(hub: int) -> dict[str, int]:
    """The processes of a hub of our own, its workers and its store, whose first one is process
    `hub`, by name of the part."""
    below = procfs.descendants(hub)
    stores = [pid for pid, name in below.items() if name in STORES]
    return numbered("server", [hub, *(below.keys() - stores)]) | numbered("store", stores)


def numbered(part: str, pids: Iterable[int]) -> dict[str, int]:
    """Processes of one part, as `System.pids` has them."""
    return {f"{part} {n}" if n > 1 else part: pid for n, pid in enumerate(pids, 1)}


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
        for name, pid in system.pids.items():
            if name.startswith("store"):
                procfs.pin(pid, cores[1])
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
    """A TCP port on 127.0.0.1 that nobody uses now. It lies below those that systems give to
    clients, so that no connection takes it before the server that it is for."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def await_health(child: subprocess.Popen[bytes], port: int) -> None:
    """Return when the hub that `child` is answers on `port`.

    Raises:
        BenchError: if it ends, or does not answer in time.
    """
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
