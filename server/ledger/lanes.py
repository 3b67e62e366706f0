"""The two records of a lane in Python. Their layout is the contract's: see ``lua/contract.lua``."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

WRAP = 2**53
"""Cumulative sums start again here, so that they stay exact where numbers are doubles."""
LEG_WINDOW = 1_000
"""Most legs of a lane that a courier pushes ahead of the last settled one; the library takes no
more, so that a lane-in never remembers more refusals."""

_NUMBER = 6
_SUM = Struct(">3sQ")


def _sums(stored: bytes) -> dict[str, int]:
    if len(stored) % _SUM.size:
        raise ValueError("the record of a lane is damaged")
    sums = {code.decode("latin-1"): total for code, total in _SUM.iter_unpack(stored)}
    if len(sums) * _SUM.size != len(stored) or any(total >= WRAP for total in sums.values()):
        raise ValueError("the record of a lane is damaged")
    return sums


def _numbers(stored: bytes, count: int, at: int = 0) -> list[int]:
    end = at + count * _NUMBER
    if len(stored) < end:
        raise ValueError("the record of a lane is damaged")
    return [int.from_bytes(stored[n : n + _NUMBER]) for n in range(at, end, _NUMBER)]


def _pack(numbers: list[int]) -> bytes:
    return b"".join(number.to_bytes(_NUMBER) for number in numbers)


def _pack_sums(sums: dict[str, int]) -> bytes:
    return b"".join(_SUM.pack(code.encode(), total) for code, total in sums.items())


@dataclass
class OutLane:
    """A lane at its source: legs are numbered from 1."""

    sent: int = 0
    """Newest leg that was put into the outbox."""
    done: int = 0
    """Newest leg whose arrival is settled here, with all before it."""
    first: int = 1
    """Number of the first leg that the outbox still holds."""
    sums: dict[str, int] = field(default_factory=dict)
    """Money that ever left by this lane, by currency, modulo `WRAP`."""

    @classmethod
    def parse(cls, stored: bytes | None) -> OutLane:
        """The record, read; that of a lane never used, if there is none.

        Raises:
            ValueError: if it is damaged.
        """
        if stored is None:
            return cls()
        sent, done, first = _numbers(stored, 3)
        if not (done <= sent and 1 <= first <= done + 1):
            raise ValueError("the record of a lane is damaged")
        return cls(sent, done, first, _sums(stored[3 * _NUMBER :]))

    def stored(self) -> bytes:
        """The record as the store keeps it."""
        return _pack([self.sent, self.done, self.first]) + _pack_sums(self.sums)


@dataclass
class InLane:
    """A lane at its end."""

    last: int = 0
    """Newest leg that arrived, with all before it."""
    at: int = 0
    """The time of that leg, in ms, by its source. A later leg under a number that came before
    tells that the source has lost what it sent."""
    refused: list[int] = field(default_factory=list)
    """Legs that were refused and, as far as is known here, are not settled yet; ascending."""
    sums: dict[str, int] = field(default_factory=dict)
    """Money that ever arrived by this lane, also with refused legs; as at its source."""

    @classmethod
    def parse(cls, stored: bytes | None) -> InLane:
        """The record, read; that of a lane never used, if there is none.

        Raises:
            ValueError: if it is damaged.
        """
        if stored is None:
            return cls()
        head = 2 * _NUMBER
        last, at = _numbers(stored, 2)
        if len(stored) < head + 2:
            raise ValueError("the record of a lane is damaged")
        count = int.from_bytes(stored[head : head + 2])
        refused = _numbers(stored, count, head + 2)
        return cls(last, at, refused, _sums(stored[head + 2 + count * _NUMBER :]))

    def stored(self) -> bytes:
        """The record as the store keeps it."""
        refused = len(self.refused).to_bytes(2) + _pack(self.refused)
        return _pack([self.last, self.at]) + refused + _pack_sums(self.sums)


def in_transit(out: OutLane, arrived: InLane) -> dict[str, int]:
    """Money between the two ends of a lane, by currency, where there is any.

    Exact if `arrived` was read before `out`, or both at rest; modulo `WRAP`.
    """
    sums = {
        code: (out.sums.get(code, 0) - arrived.sums.get(code, 0)) % WRAP
        for code in sorted({*out.sums, *arrived.sums})
    }
    return {code: total for code, total in sums.items() if total}
