"""A courier for tests: carries legs from one partition to another with the pure functions of the
ledger, step by step, so that a test can leave out a step or do it twice."""

from __future__ import annotations

from collections import deque
from typing import Any

from server.ledger.arrivals import LEGS_KEPT, Arrived, arrival, settlements
from server.ledger.lanes import InLane, OutLane
from server.ledger.legs import read_leg, time_of
from server.ledger.posts import Post
from server.ledger.status import Status

from .ledgers import ModelLedger, StoreLedger

DONE = {Status.OK, Status.WAITING, Status.DUPLICATE, Status.RETURNED, Status.SUSPENSE}
Lane = tuple[int, int]
Outcome = tuple[Post, list[int | bytes]]


class Carrier:
    """Carries the legs of a ledger's lanes."""

    def __init__(
        self, ledger: StoreLedger | ModelLedger, keep: int = LEGS_KEPT, asks: bool | None = None
    ) -> None:
        """`asks`: whether strangers must be accepted; None: nobody looks at it."""
        self.ledger = ledger
        self.asks = asks
        self.keyspace = ledger.keyspace
        self.keep = keep

    def out(self, lane: Lane) -> OutLane:
        """The lane's record at its source."""
        source, dest = lane
        return OutLane.parse(self.ledger.scalar(self.keyspace.lane_out(source, str(dest))))

    def arrived(self, lane: Lane) -> InLane:
        """The lane's record at its end."""
        source, dest = lane
        return InLane.parse(self.ledger.scalar(self.keyspace.lane_in(dest, str(source))))

    def legs(self, lane: Lane) -> dict[int, bytes]:
        """What the outbox holds, by number."""
        source, dest = lane
        stored = self.ledger.entries(self.keyspace.outbox(source, str(dest)))
        return dict(enumerate(stored, self.out(lane).first))

    def push(self, lane: Lane, first: int | None = None, most: int = 1_000) -> list[Outcome]:
        """Push legs from `first` on (None: from the first that is not settled), as one call."""
        source, dest = lane
        out, legs = self.out(lane), self.legs(lane)
        begin = out.done + 1 if first is None else first
        posts = [
            arrival(
                self.keyspace,
                dest,
                str(source),
                seq,
                legs[seq],
                out.done,
                asks=self.asks,
                behind=time_of(legs.get(seq - 1, b"")),
            )
            for seq in sorted(legs)
            if begin <= seq < begin + most
        ]
        if not posts:
            return []
        return list(zip(posts, self.ledger.apply(posts)[1:], strict=True))

    def settle(self, lane: Lane, outcomes: list[Outcome], after: int | None = None) -> list[Any]:
        """Settle what was pushed, behind `after` (None: as it is now); answers the results."""
        source, dest = lane
        done = self.out(lane).done if after is None else after
        arrived = [
            Arrived(post.extra.seq, post.extra.at, post.extra.leg, _withheld(result))
            for post, result in outcomes
            if result[0] in DONE and post.extra.seq > done
        ]
        posts = settlements(self.keyspace, source, str(dest), done, arrived, self.keep)
        return self.ledger.apply(posts)[1:] if posts else []

    def carry(self, lanes: list[Lane]) -> list[Outcome]:
        """Carry all legs of `lanes`, and what comes back, to their end."""
        todo, outcomes = deque(lanes), list[Outcome]()
        while todo:
            lane = todo.popleft()
            pushed = self.push(lane)
            outcomes += pushed
            assert {result[0] for _, result in pushed} <= DONE
            settled = self.settle(lane, pushed)
            assert {result[0] for result in settled} <= {Status.OK, Status.SUSPENSE}
            if any(_refused(result) for _, result in pushed):
                todo.append(lane[::-1])
        return outcomes

    def used(self) -> list[Lane]:
        """The lanes that ever carried something."""
        lanes = range(self.keyspace.partitions)
        return [(a, b) for a in lanes for b in lanes if self.out((a, b)).sent]


def _refused(result: list[int | bytes]) -> bool:
    return result[0] == Status.RETURNED or result == [Status.DUPLICATE, b"1"]


def _withheld(result: list[int | bytes]) -> bool:
    return _refused(result) or result[0] == Status.WAITING


def leg_lanes(post: Post) -> list[Lane]:
    """The lanes of the legs of `post`."""
    return [(post.partition, int(out.dest)) for out in post.legs]


def read_legs(stored: list[bytes]) -> list[Any]:
    """The legs of an outbox, without their times."""
    return [read_leg(one)[1] for one in stored]
