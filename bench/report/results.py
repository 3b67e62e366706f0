"""results.json: everything that one run found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ..errors import BenchError
from .rows import Row


@dataclass(frozen=True)
class Results:
    """One run. `machine` is what `machine.describe` gave, `options` what was asked for."""

    machine: dict[str, Any]
    options: dict[str, Any]
    rows: list[Row]
    skipped: dict[str, str] = field(default_factory=dict)
    """Reason by peer, limit or scenario."""
    void: list[str] = field(default_factory=list)
    """Rounds that do not count, each with its reason."""
    remarks: list[str] = field(default_factory=list)
    """What else must be known of the figures, such as where the generator was the limit."""
    held: bool = True
    """Whether every round passed its correctness gate."""
    partial: bool = False
    """Whether the run was broken off."""
    systems: dict[str, str] = field(default_factory=dict)
    """What each system is, and what its acknowledgement means, by name."""
    scenarios: dict[str, str] = field(default_factory=dict)
    """One line about each scenario, by the first word of its name."""


def write_results(results: Results, path: Path) -> None:
    """Write them as JSON.

    Raises:
        OSError: if the file cannot be written.
    """
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")


def read_results(path: Path) -> Results:
    """Read what `write_results` wrote.

    Raises:
        BenchError: if there is no such file, or it is not such a file, with what is wrong.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path} is not a results.json of teller bench: {error}") from error
