"""Where a lane ends: in another partition of this store, or in one of another region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..faults import FAULT
from ..ledger.arrivals import arrival
from .planted import spoil

if TYPE_CHECKING:
    from .lane import Lane
    from .ways import Ways

Place = int | str
"""A partition: of this store by its number, of another region's by its label, such as ``us.3``."""


class End(Protocol):
    """The end of one lane."""

    def push(self, lane: Lane, seq: int, stored: bytes, floor: int, behind: int) -> None:
        """Let leg `seq` arrive; `lane` is told what became of it. All up to `floor` are settled.
        `behind`: the time of the leg before it, in ms, as the outbox has it; 0: not known.

        Raises:
            ValueError: if the leg is damaged.
        """

    async def record(self) -> object:
        """The lane's record at this end, as it is stored.

        Raises:
            Down, Lost, Refused: if it cannot be read.
        """


class Near:
    """The end, in partition `dest` of this store, of the lane from `source`."""

    def __init__(self, ways: Ways, source: int, dest: int) -> None:
        self._ways = ways
        self._source = str(source)
        self._dest = dest

    def push(self, lane: Lane, seq: int, stored: bytes, floor: int, behind: int) -> None:
        ways = self._ways
        if FAULT:
            stored = spoil(ways, stored)
        keyspace, asks = ways.keyspace, ways.asks
        post = arrival(keyspace, self._dest, self._source, seq, stored, floor, lane, asks, behind)
        ways.pipeline_of(self._dest).post(post)

    async def record(self) -> object:
        key = self._ways.keyspace.lane_in(self._dest, self._source)
        return await self._ways.channel(self._dest).request("GET", key)
