"""Are the two ends of a lane in order? Reads records and a few legs; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from .lanes import WRAP, InLane, OutLane, in_transit
from .legs import time_of
from .shelf import Shelf

LOOKS = 5
"""How often the outbox may be trimmed while it is read."""


class Fault(Enum):
    """Why nothing can be carried by a lane any more."""

    NONE = auto()
    SOURCE_LOST = auto()
    """The source has lost legs that arrived."""
    END_LOST = auto()
    """The end has lost legs that the outbox does not hold any more."""
    DAMAGED = auto()
    """What is stored of it is damaged, or not what can be."""


@dataclass
class LaneState:
    """A lane at one moment."""

    source: int
    dest: int
    fault: Fault = Fault.NONE
    lost: int = 0
    """How many legs one end has lost."""
    why: str = ""
    """What is wrong, as a sentence without its full stop."""
    waiting: int = 0
    """Legs that are not settled."""
    oldest_at: int | None = None
    """When the oldest of them was put into the outbox, in ms of its store."""
    in_transit: dict[str, int] | None = None
    """Money between the ends, by currency, in minor units: less than nothing where the end has
    money that the source has lost the debit of. None: it cannot be told."""


async def lane_names(shelf: Shelf) -> list[tuple[int, int]]:
    """Source and end of every lane within the store that was ever used."""
    found: set[tuple[int, int]] = set()
    keyspace = shelf.keyspace
    for here in range(keyspace.partitions):
        ends = [other for other in range(keyspace.partitions) if other != here]
        keys = [keyspace.lane_out(here, str(other)) for other in ends]
        keys += [keyspace.lane_in(here, str(other)) for other in ends]
        lanes = [(here, other) for other in ends] + [(other, here) for other in ends]
        there = await shelf.together(*(("EXISTS", key) for key in keys)) if keys else []
        found.update(lane for lane, one in zip(lanes, there, strict=True) if one)
    return sorted(found)


async def look(shelf: Shelf, source: int, dest: int) -> LaneState:
    """How the lane from partition `source` to `dest` is. Hubs may carry meanwhile."""
    state = LaneState(source, dest)
    try:
        arrived = await read_in(shelf, source, dest)
        out, legs = await _unsettled(shelf, source, dest, arrived.last)
        later = await read_in(shelf, source, dest)
    except ValueError as error:
        state.fault, state.why = Fault.DAMAGED, str(error)
        return state
    state.waiting = out.sent - out.done
    state.oldest_at = time_of(legs[0]) if legs else None
    known = sum(time_of(leg) <= arrived.at for leg in legs[: max(0, arrived.last - out.done)])
    if arrived.last > out.done + known:
        state.fault, state.lost = Fault.SOURCE_LOST, arrived.last - out.done - known
        state.why = (
            f"partition {source} has lost {number_of_legs(state.lost)} that arrived in {dest}"
        )
    elif later.last + 1 < out.first:
        state.fault, state.lost = Fault.END_LOST, out.first - 1 - later.last
        state.why = (
            f"partition {dest} has lost {number_of_legs(state.lost)} that the outbox does not hold "
            "any more"
        )
    moving = in_transit(out, arrived)
    state.in_transit = {code: signed(total) for code, total in moving.items()}
    return state


async def read_in(shelf: Shelf, source: int, dest: int) -> InLane:
    """The lane's record at its end.

    Raises:
        ValueError: if it is damaged.
    """
    (stored,) = await shelf.together(("GET", shelf.keyspace.lane_in(dest, str(source))))
    return InLane.parse(stored_bytes(stored))


async def read_out(
    shelf: Shelf, source: int, dest: int, first: int = 0, last: int = -1
) -> tuple[OutLane, list[bytes]]:
    """The lane's record at its source, and legs of its outbox, by their places there; one moment.

    Raises:
        ValueError: if one of them is damaged.
    """
    keyspace = shelf.keyspace
    record, legs = await shelf.together(
        ("GET", keyspace.lane_out(source, str(dest))),
        ("LRANGE", keyspace.outbox(source, str(dest)), first, last),
    )
    if isinstance(legs, Exception):
        raise ValueError("its outbox is not a list")
    return OutLane.parse(stored_bytes(record)), legs


async def _unsettled(
    shelf: Shelf, source: int, dest: int, arrived: int
) -> tuple[OutLane, list[bytes]]:
    """The record, and the legs that are not settled up to number `arrived`, but at least one."""
    key = shelf.keyspace.lane_out(source, str(dest))
    (stored,) = await shelf.together(("GET", key))
    before = OutLane.parse(stored_bytes(stored))
    for _ in range(LOOKS):
        first = before.done + 1 - before.first
        last = max(first, arrived - before.first)
        out, legs = await read_out(shelf, source, dest, first, last)
        if (out.first, out.done) == (before.first, before.done):
            return out, legs
        before = out
    raise ValueError("its outbox is trimmed all the time: look again")


def number_of_legs(number: int) -> str:
    """As people write it."""
    return f"{number} leg{'' if number == 1 else 's'}"


def signed(difference: int) -> int:
    """The difference of two cumulative sums, which start again at `WRAP`: below zero if it is
    nearer."""
    return (difference + WRAP // 2) % WRAP - WRAP // 2


def stored_bytes(stored: Any) -> bytes | None:
    """A record as it was read.

    Raises:
        ValueError: if it is of a wrong type.
    """
    if isinstance(stored, Exception):
        raise ValueError("a record of it has a wrong type")
    return stored if isinstance(stored, bytes) else None
