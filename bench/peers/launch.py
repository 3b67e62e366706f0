"""Peers that are one small program of ours on someone's library: how they come and how they run.

Every program is told a port of 127.0.0.1 as its last argument, and listens there.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import systems
from bench.systems import NO_STORE, System

from . import install
from .listener import listening
from .peer import Peer

PROGRAMS = Path(__file__).with_name("programs")
CHAT = frozenset({"dm", "room", "idle", "connect"})
"""What every relay of text can be asked for."""


def of_node(name: str, title: str, dialect: str, *packages: str) -> Peer:
    """A peer whose program, ``programs/NAME.mjs``, runs on Node.js with these npm packages."""

    def missing(folder: Path) -> str | None:
        if shutil.which("node") is None:
            return "node is not on the PATH"
        return install.lacks(folder, *packages)

    def command(folder: Path) -> list[str]:
        return [shutil.which("node") or "node", str(PROGRAMS / f"{name}.mjs"), str(folder)]

    return _peer(
        name, title, dialect, missing, lambda folder: install.npm(folder, *packages), command
    )


def of_python(name: str, title: str, dialect: str, program: str, *packages: str) -> Peer:
    """A peer whose `program` runs on a Python environment of its own with these PyPI packages."""
    return _peer(
        name,
        title,
        dialect,
        missing=lambda folder: install.lacks(folder, *packages),
        setup=lambda folder: install.venv(folder, *packages),
        command=lambda folder: [str(install.python_of(folder)), str(PROGRAMS / program)],
    )


def of_our_own(name: str, title: str, dialect: str, program: str) -> Peer:
    """A peer that needs nothing but the libraries that Teller itself stands on."""
    return _peer(
        name,
        title,
        dialect,
        missing=lambda _: None,
        setup=lambda _: None,
        command=lambda _: [sys.executable, str(PROGRAMS / program)],
    )


def _peer(
    name: str,
    title: str,
    dialect: str,
    missing: Callable[[Path], str | None],
    setup: Callable[[Path], None],
    command: Callable[[Path], list[str]],
) -> Peer:
    """A relay that keeps nothing and is one process."""

    @contextmanager
    def start(folder: Path) -> Iterator[System]:
        with tempfile.TemporaryDirectory(prefix="teller-bench-") as here:
            port = systems.free_port()
            told, log = [*command(folder), str(port)], Path(here, f"{name}.log")
            with listening(peer, port, told, {}, log) as system:
                yield system

    peer = Peer(name, title, dialect, NO_STORE, CHAT, missing, setup, start)
    return peer
