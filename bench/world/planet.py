"""How far apart regions are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import permutations
from pathlib import Path

import msgspec

from ..errors import BenchError

DELAYS = Path(__file__).with_name("delays.toml")


class Planet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One-way delays between regions that were measured, and where they come from."""

    source: str
    sampled: int
    """The year in which the round trips were measured."""
    read: date
    """The day on which they were read from the source."""
    city: dict[str, str]
    """The regions by their short names."""
    one_way_ms: dict[str, dict[str, float]]
    """Milliseconds; each pair stands once."""

    def one_way(self, source: str, dest: str) -> float:
        """Seconds from one region to another; none within one.

        Raises:
            BenchError: if one of them is not on this planet.
        """
        if unknown := [name for name in (source, dest) if name not in self.city]:
            raise BenchError(f"no region {', '.join(unknown)}; there are {', '.join(self.city)}")
        if source == dest:
            return 0.0
        there = self.one_way_ms.get(source, {}).get(dest)
        return (self.one_way_ms[dest][source] if there is None else there) / 1_000

    def pairs(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Every ordered pair of different regions among `names`."""
        return list(permutations(names, 2))


def planet(path: Path = DELAYS) -> Planet:
    """The delays in a TOML file.

    Raises:
        BenchError: if it cannot be read, with what is wrong.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Planet)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise BenchError(f"{path} does not hold delays: {error}") from error
