"""A PostgreSQL of our own: found, or unpacked in the peer's folder; started in a fresh cluster."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import procfs, systems
from bench.errors import BenchError

from . import install
from .pgbench import USER

PACKAGE = "postgresql"
PROGRAMS = ("initdb", "pgbench", "postgres", "psql")
TUNING = {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",  # no checkpoint within a run
    "checkpoint_timeout": "60min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "listen_addresses": "",
}
USERS = ("postgres", "nobody")
"""Whom it runs as where we are root, which it refuses to be."""
START_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A running server: the folder of its socket, its programs, and what clients need to know."""

    folder: Path
    programs: Path
    env: dict[str, str]
    pid: int


def missing(folder: Path) -> str | None:
    """Why no PostgreSQL can be started, or None."""
    found = find(folder)
    if found is None:
        return install.lacks(folder, PACKAGE) or f"{folder} holds no {', '.join(PROGRAMS)}"
    user = _user()
    if user and not _readable(found, user):
        return f"as root it runs as {user}, who may not read {found}; set $TELLER_BENCH_HOME"
    return None


def find(folder: Path) -> Path | None:
    """The directory of its programs: from the PATH, Debian's place, or unpacked in `folder`."""
    on_path = shutil.which("postgres")
    places = [Path(on_path).resolve().parent] if on_path else []
    for root in (Path("/"), folder / "root"):
        places += sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True)
    for place in places:
        if all((place / name).is_file() for name in PROGRAMS):
            return place
    return None


@contextmanager
def running(folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    """A server with an empty database, on one core, with `TUNING` and `settings`.

    Raises:
        BenchError: if it is not there or does not start.
    """
    if reason := missing(folder):
        raise BenchError(reason)
    programs = find(folder)
    assert programs is not None
    user = _user()
    with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=systems.DATA_HOME) as home:
        if user:
            shutil.chown(home, user)
        place, log = Path(home), Path(home, "server.log")
        env = {"PGHOST": home, "PGUSER": USER, "PGDATABASE": "postgres", **_libraries(programs)}
        command = [str(programs / "initdb"), "-D", str(place / "data"), "-U", USER]
        command += ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]  # the folder is closed
        _done([*_as(user), *command], env)
        command = [str(programs / "postgres"), "-D", str(place / "data"), "-k", home]
        for name, value in {**TUNING, **settings}.items():
            command += ["-c", f"{name}={value}"]
        with (
            log.open("wb") as out,
            systems.last_words(log),
            systems.process([*_as(user), *command], out, env) as child,
        ):
            if cores := procfs.two_cores():
                procfs.pin(child.pid, cores[0])  # before it forks
            _await_ready(child, place / "data" / "postmaster.pid")
            yield Server(place, programs, env, child.pid)


def psql(programs: Path, env: dict[str, str], *what: str) -> str:
    """What psql prints, without tables, for `what`: ``-c`` and a query or ``-f`` and a file.

    Raises:
        BenchError: if it fails.
    """
    return _done([str(programs / "psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", *what], env).strip()


def _await_ready(child: subprocess.Popen[bytes], status: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.05)
    raise BenchError("PostgreSQL did not start")


def _user() -> str | None:
    """Whom to become; nobody else unless we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in USERS if name in names), None)


def _as(user: str | None) -> list[str]:
    """What runs a command as `user`. A change of the user takes the leash off; it is put on again,
    with the signal at which PostgreSQL stops without waiting for its clients."""
    if user is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise BenchError("PostgreSQL does not run as root, and there is no setpriv (util-linux)")
    group = pwd.getpwnam(user).pw_gid
    return [setpriv, f"--reuid={user}", f"--regid={group}", "--clear-groups", "--pdeathsig=INT"]


def _readable(programs: Path, user: str) -> bool:
    test = [*_as(user), "test", "-x", str(programs / "postgres")]
    return subprocess.run(test, check=False).returncode == 0


def _libraries(programs: Path) -> dict[str, str]:
    """Where an unpacked server finds the libraries that were unpacked with it."""
    root = programs.parents[4]
    if root == Path("/"):
        return {}
    found = sorted({str(one.parent) for one in root.glob("usr/lib/*/lib*.so.*")})
    return {"LD_LIBRARY_PATH": ":".join(found)} if found else {}


def _done(command: list[str], env: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{Path(command[0]).name} takes longer than a minute") from error
    if done.returncode:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr.strip()[-1_000:]}")
    return done.stdout
