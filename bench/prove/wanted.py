"""What one run of the proof is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LONG_S = 3600.0

PLANTS: dict[str, tuple[str, ...]] = {
    "drop-credit": (),
    "double-credit": (),
    "swap-entries": (),
    "refund-on-timeout": ("primary-pause", "hub-break", "primary-kill", "hub-cut"),
    "skip-fsync": ("power",),
    "lose-relay": (),
}
"""The bugs that can be planted, each with the faults that bring it to light; these come first."""


@dataclass(frozen=True)
class Wanted:
    """The options of a run."""

    seconds: float = 120.0
    """How long the load lasts; starting, draining and judging come on top."""
    seed: int = 1
    clients: int = 200
    hubs: int = 3
    primaries: int = 3
    durability: Literal["disk", "replica"] = "replica"
    plant: str | None = None
    faults: tuple[str, ...] | None = None
    """Only these kinds of faults; None: all."""
    out: Path = Path("prove-out")
