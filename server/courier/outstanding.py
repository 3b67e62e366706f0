"""Reads from the store what of a lane is not settled yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..commit.durability import RANK, confirm
from ..ledger.lanes import LEG_WINDOW, InLane, OutLane
from ..ledger.legs import time_of
from ..store.connection import Channel
from .ends import Place
from .ways import Ways

LEGS_PER_READ = 2 * LEG_WINDOW
"""Most legs that are read at once: so many are pushed while the next ones are read."""
TRIES = 5
"""How often the outbox may be trimmed by somebody else while it is read."""


class LaneBroken(Exception):
    """The two ends of a lane contradict each other, or one is damaged; the message says how.

    Nothing more may be carried by it before somebody has looked.
    """


class NotSafe(Exception):
    """The outbox is not yet as durable as it must be before its legs may be pushed."""


@dataclass
class Outstanding:
    """What is to be done in a lane."""

    done: int
    """All legs up to this one are settled at the source."""
    start: int
    """Number of the first of `legs`: behind `done`, or earlier if the end has lost legs."""
    legs: list[bytes]
    """As the outbox holds them."""
    sent: int
    """The newest leg there is."""
    behind: int = 0
    """The time of the leg before `start`, in ms; 0, if the outbox does not hold it any more."""


async def read_outstanding(ways: Ways, source: int, dest: Place) -> Outstanding:
    """What of the lane from `source` to `dest` is not settled.

    The end is read before the source, so that the end never seems to be ahead.

    Raises:
        LaneBroken: if the lane must not be used.
        NotSafe: if the legs must not be pushed yet.
        Down, Lost, Refused: if the store does not answer.
    """
    keyspace = ways.keyspace
    arrived = parse_in(await ways.end(source, dest).record())
    channel = ways.channel(source)
    lane, outbox = keyspace.lane_out(source, str(dest)), keyspace.outbox(source, str(dest))
    out = parse_out(await channel.request("GET", lane))
    for _ in range(TRIES):
        start = min(out.done, arrived.last) + 1
        check_ends(out, arrived)
        if out.sent < max(start, out.first):
            return Outstanding(out.done, start, [], out.sent)
        if start < out.first:
            raise LaneBroken(
                f"the end has only {arrived.last} legs, and the outbox begins with {out.first}"
            )
        known = start > out.first
        first = start - out.first - known
        last = min(out.sent - out.first, first + LEGS_PER_READ - 1)
        legs, record = await asyncio.gather(
            channel.request("LRANGE", outbox, first, last), channel.request("GET", lane)
        )
        before, out = out, parse_out(record)
        if out.first == before.first:  # so the places in the outbox mean what they did
            assert isinstance(legs, list)
            await make_safe(ways, source, channel)
            behind = time_of(legs.pop(0)) if known else 0
            return Outstanding(before.done, start, legs, out.sent, behind)
    raise NotSafe("the outbox is trimmed all the time")


def parse_in(stored: object) -> InLane:
    """The record of a lane at its end, read.

    Raises:
        LaneBroken: if it is damaged.
    """
    try:
        return InLane.parse(stored)  # type: ignore[arg-type]
    except ValueError as error:
        raise LaneBroken(f"at its end, {error}") from None


def parse_out(stored: object) -> OutLane:
    """The record of a lane at its source, read.

    Raises:
        LaneBroken: if it is damaged.
    """
    try:
        return OutLane.parse(stored)  # type: ignore[arg-type]
    except ValueError as error:
        raise LaneBroken(f"at its source, {error}") from None


def check_ends(out: OutLane, arrived: InLane) -> None:
    """See that no more has arrived than was sent.

    Raises:
        LaneBroken: if it has: the source has lost what it sent, which makes money.
    """
    if arrived.last > out.sent:
        raise LaneBroken(
            f"{arrived.last} legs have arrived, but only {out.sent} were sent: "
            "the source has lost posts that were acknowledged"
        )


async def make_safe(ways: Ways, source: int, channel: Channel) -> None:
    """Wait until what was read or written there is as durable as every ack of this hub.

    Raises:
        NotSafe: if it cannot be made so.
        Down, Lost, Refused: if the store does not answer.
    """
    promise = ways.promise
    reached = await confirm(channel, promise, ways.keyspace.fence(source))
    if RANK[reached] < RANK[promise.least]:
        raise NotSafe("the outbox is not yet on the disk of a replica")
