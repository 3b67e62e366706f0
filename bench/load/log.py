"""What a connection got in a window: every id, and when the read that brought it came."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from .dialects.base import ID_DIGITS


class Log:
    """Ids as they came, and the time of each read; computed with when the window is over."""

    __slots__ = ("ends", "ids", "times")

    def __init__(self) -> None:
        self.ids = bytearray()
        self.times = array("q")
        """When each read came, in ns."""
        self.ends = array("L")
        """How long `ids` was after it."""

    def __len__(self) -> int:
        return len(self.ids) // ID_DIGITS

    def add(self, ids: bytes, now: int) -> None:
        """One read brought these ids."""
        self.ids += ids
        self.times.append(now)
        self.ends.append(len(self.ids))

    def insert(self, at: int, ids: bytes) -> None:
        """These ids belong at byte `at`; the times of the log mean nothing any more."""
        self.ids[at:at] = ids
        del self.times[:], self.ends[:]

    def ops(self) -> list[int]:
        """The operations, in the order in which they came."""
        return ops_in(self.ids)

    def reads(self) -> Iterator[tuple[int, list[int]]]:
        """Each read: when it came, and the operations that it brought."""
        ops, at = self.ops(), 0
        for now, end in zip(self.times, self.ends, strict=True):
            end //= ID_DIGITS
            yield now, ops[at:end]
            at = end


def ops_in(ids: bytes | bytearray) -> list[int]:
    """The operations in joined ids."""
    return [int(ids[at : at + ID_DIGITS]) for at in range(0, len(ids), ID_DIGITS)]
