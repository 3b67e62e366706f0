"""What the bench must know of a system that stands beside Teller."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.systems import System

HOME = "TELLER_BENCH_HOME"
"""The environment variable that says where peers are installed."""


@dataclass(frozen=True)
class Peer:
    """A system to measure in the same run, with its set-up."""

    name: str
    title: str
    """One line for `teller bench list`: what it is, and what its acknowledgement means."""
    dialect: str
    """Key of `bench.load.dialects.DIALECTS`; empty if the generator does not drive it."""
    durability: str
    """``none``, ``memory``, ``async`` (on disk soon) or ``disk``, as in the rows."""
    scenarios: frozenset[str]
    """Of ``dm``, ``room``, ``idle``, ``connect`` and ``pay``."""
    missing: Callable[[Path], str | None]
    """Given its home folder: why it cannot run now, in words for a person, or None."""
    install: Callable[[Path], None]
    """Installs it into that folder; raises `BenchError` with the reason where it cannot."""
    start: Callable[[Path], AbstractContextManager[System]]
    """Runs it from that folder on 127.0.0.1 and a free port; raises `BenchError`."""


def home(name: str) -> Path:
    """The folder of the peer `name`: in ``~/.cache/teller-bench``, or below `HOME`."""
    above = os.environ.get(HOME)
    return (Path(above) if above else Path.home() / ".cache" / "teller-bench") / name
