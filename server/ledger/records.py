"""Account records, read in Python. The layout is the contract's: see ``lua/contract.lua``."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.frames import Holding

ISSUER = 4


@dataclass(frozen=True, slots=True)
class Record:
    """An account's state: flags, number of money changes, and what it has of each currency."""

    flags: int
    version: int
    balances: dict[str, Holding]


def parse_record(stored: bytes) -> Record:
    """The record, read.

    Raises:
        ValueError: if it is damaged.
    """
    flags, version, *rest = stored.decode().split(" ")
    if len(rest) % 3:
        raise ValueError("an account record is damaged")
    balances = {
        rest[i]: Holding(int(rest[i + 1]), int(rest[i + 2])) for i in range(0, len(rest), 3)
    }
    return Record(int(flags), int(version), balances)
