"""Account records in Python. The layout is the contract's: see ``lua/contract.lua``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import Struct

from protocol.frames import Holding

FROZEN, CLOSED, ISSUER, SUSPENDED = 1, 2, 4, 8
FLAGS = {0, 1, 2, 3, 4, 5, 8, 9, 10, 11}
"""Flags that can be together: an issuer is neither closed nor suspended."""

_HEAD = 8
"""Bytes before the balances: the flags, and the version in seven."""
_BALANCE = Struct(">3sqQ")
_CODE = re.compile("[A-Z]{3}").fullmatch


@dataclass(frozen=True, slots=True)
class Record:
    """An account's state: flags, number of money changes, and what it has of each currency."""

    flags: int
    version: int
    balances: dict[str, Holding] = field(default_factory=dict)


def parse_record(stored: bytes) -> Record:
    """The record, read.

    Raises:
        ValueError: if it is damaged.
    """
    number, rest = divmod(len(stored) - _HEAD, _BALANCE.size)
    if number < 0 or rest or stored[0] not in FLAGS:
        raise ValueError("an account record is damaged")
    balances = {
        code.decode("latin-1"): Holding(available, held)
        for code, available, held in _BALANCE.iter_unpack(stored[_HEAD:])
    }
    if len(balances) != number or not all(map(_CODE, balances)):
        raise ValueError("an account record is damaged")
    return Record(stored[0], int.from_bytes(stored[1:_HEAD]), balances)


def format_record(record: Record) -> bytes:
    """The record as it is stored."""
    balances = (
        _BALANCE.pack(code.encode(), has.available, has.held)
        for code, has in record.balances.items()
    )
    return bytes([record.flags]) + record.version.to_bytes(_HEAD - 1) + b"".join(balances)
