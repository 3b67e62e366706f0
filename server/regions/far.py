"""The end of a lane in another region: legs go over the link, in batches, and come back judged.

Several batches may be on their way at once, so the rate does not depend on the distance.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from ..ledger.legs import Leg, read_leg
from ..ledger.status import Status
from ..seal.seals import Seals
from ..store.connection import Down
from .frames import Arrive, Ends, Outcomes, Records, Reply
from .link import Link, Unreachable

if TYPE_CHECKING:
    from ..courier.lane import Lane
    from .directory import Directory

LEGS_PER_MESSAGE = 128
BYTES_PER_MESSAGE = 256 * 1024
"""A message holds one leg more than fit into this."""

_Pushed = tuple[int, bytes, Leg, int]
"""A leg's number, itself as stored and read, and the time of the one before it."""


class Far:
    """The end, in partition `dest` of the region at the other side of `link`, of the lane from the
    partition that is labelled `source` everywhere."""

    def __init__(
        self, link: Link, source: str, dest: int, directory: Directory, seals: Seals
    ) -> None:
        self._link = link
        self._seals = seals
        self._source = source
        self._dest = dest
        self._directory = directory
        self._batch: list[_Pushed] = []

    def push(self, lane: Lane, seq: int, stored: bytes, floor: int, behind: int) -> None:
        _, leg = read_leg(stored)
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._flush, lane, floor)
        self._batch.append((seq, stored, leg, behind))

    async def record(self) -> object:
        try:
            reply = await self._link.ask(Ends([(self._source, self._dest)]))
        except Unreachable as error:
            raise Down from error
        if not isinstance(reply, Records) or len(reply.records) != 1:
            raise Down
        return reply.records[0]

    # Private.

    def _flush(self, lane: Lane, floor: int) -> None:
        batch, self._batch = self._batch, []
        while batch:
            some, batch = _piece(batch)
            legs = [stored for _, stored, *_ in some]
            keys = self._seals.carried(leg.body for _, _, leg, _ in some)
            ends = self._source, self._dest
            question = Arrive(*ends, floor, some[0][0], legs, keys, some[0][3])
            try:
                future = self._link.send(question)
            except Unreachable:
                self._judge(lane, some, [])
            else:
                future.add_done_callback(partial(self._answered, lane, some))

    def _answered(self, lane: Lane, pushed: list[_Pushed], future: asyncio.Future[Reply]) -> None:
        reply = None if future.cancelled() or future.exception() else future.result()
        self._judge(lane, pushed, reply.legs if isinstance(reply, Outcomes) else [])

    def _judge(self, lane: Lane, pushed: list[_Pushed], outcomes: list[tuple[int, bytes]]) -> None:
        for (seq, _, leg, _), (status, detail) in zip(pushed, outcomes, strict=False):
            if status == Status.RETURNED and detail == _UNKNOWN:
                self._directory.forget(leg.to)
            lane.arrived(seq, leg, [status, detail])
        for _ in pushed[len(outcomes) :]:
            lane.not_arrived()
        lane.go()


_UNKNOWN = str(int(Status.UNKNOWN_ACCOUNT)).encode()


def _piece(batch: list[_Pushed]) -> tuple[list[_Pushed], list[_Pushed]]:
    """As many as a message holds, and the rest."""
    size = number = 0
    while number < min(len(batch), LEGS_PER_MESSAGE) and size <= BYTES_PER_MESSAGE:
        size += len(batch[number][1])
        number += 1
    return batch[:number], batch[number:]
