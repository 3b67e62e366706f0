"""`teller admin lanes` and `teller admin mend-lane`: the lanes between partitions that are not in
order, and how one is brought in order again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from protocol.money import format_money

from ..ledger.corrections import CorrectionEntry
from ..ledger.lane_state import Fault, LaneState, lane_names, look, number_of_legs
from ..ledger.mend_plan import MendPlan, NotMendable, plan
from ..ledger.shelf import Shelf
from ..ledger.status import Status
from .maintenance import bar, opened_shelf

OLD_MS = 5_000
"""A leg that waits for longer is a reason to name its lane: legs are settled within milliseconds,
and across a failover within seconds."""
TRIES = 3
"""How often a plan is made anew, because couriers worked meanwhile."""


def show(data: Path, store: str | None, every: bool) -> int:
    """Print the lanes of the store at `store`, or of the embedded one in `data`, that are not in
    order, or `every` lane; 0 if all are in order."""
    return asyncio.run(_show(data, store, every))


def mend(data: Path, store: str | None, source: int, dest: int, yes: bool) -> int:
    """Say what has to be written to mend the lane from partition `source` to `dest`; with `yes`,
    write it. 0 if the lane is, or can be brought, in order."""
    return asyncio.run(_mend(data, store, source, dest, yes))


async def lane_states(shelf: Shelf) -> AsyncIterator[tuple[LaneState, int]]:
    """Every lane, and for how long its oldest leg waits, in ms of the store."""
    for source, dest in await lane_names(shelf):
        state = await look(shelf, source, dest)
        yield state, max(0, await shelf.now(source) - state.oldest_at) if state.oldest_at else 0


def in_order(state: LaneState, age_ms: int) -> bool:
    """Whether a lane needs nobody's care."""
    return state.fault is Fault.NONE and age_ms < OLD_MS


async def _show(data: Path, store: str | None, every: bool) -> int:
    good = bad = 0
    async with opened_shelf(data, store) as shelf:
        async for state, age_ms in lane_states(shelf):
            well = in_order(state, age_ms)
            good, bad = good + well, bad + (not well)
            if every or not well:
                print(sentence(state, age_ms))
    print(f"{good} lanes are in order, {bad} are not.")
    return 1 if bad else 0


def sentence(state: LaneState, age_ms: int) -> str:
    """What there is to say of a lane, and what to do about it."""
    parts = [f"lane {state.source} > {state.dest}: {number_of_legs(state.waiting)} not settled"]
    if state.oldest_at:
        parts.append(f", the oldest for {age_ms / 1000:.1f} s")
    for currency, amount in sorted((state.in_transit or {}).items()):
        parts.append(f"; {format_money(amount, currency)} between its ends")
    if state.fault is not Fault.NONE:
        parts.append(f". STOPPED: {state.why}")
    if state.fault in (Fault.SOURCE_LOST, Fault.END_LOST):
        parts.append(f"; see teller admin mend-lane {state.source} {state.dest}")
    return "".join(parts)


async def _mend(data: Path, store: str | None, source: int, dest: int, yes: bool) -> int:
    async with opened_shelf(data, store) as shelf:
        partitions = shelf.keyspace.partitions
        if source == dest or not (0 <= source < partitions and 0 <= dest < partitions):
            return _complain(
                f"there is no lane {source} > {dest}: partitions go from 0 to {partitions - 1}"
            )
        try:
            made = await _written(shelf, source, dest) if yes else await _made(shelf, source, dest)
        except NotMendable as error:
            return _complain(f"the lane {source} > {dest} cannot be mended: {error}")
    _print(made, yes)
    return 0


async def _made(shelf: Shelf, source: int, dest: int) -> MendPlan:
    with bar() as progress:
        return await plan(shelf, source, dest, progress)


async def _written(shelf: Shelf, source: int, dest: int) -> MendPlan:
    """Make a plan and carry it out.

    Raises:
        NotMendable: if it cannot be done; what was done until then stands, and the rest can be done
            by the same command.
    """
    for _ in range(TRIES):
        made = await _made(shelf, source, dest)
        moved = False
        for post, good in made.posts(shelf.keyspace):
            status = Status(int((await shelf.apply(post))[0]))
            if status is Status.LANE_MOVED and status not in good:
                moved = True
                break
            if status not in good:
                raise NotMendable(f"the store answered {status.name}")
        if not moved:
            return made
    raise NotMendable("couriers move it all the time: try again")


def _print(made: MendPlan, done: bool) -> None:
    source, dest = made.lane
    if made.fault is Fault.NONE:
        print(f"The lane {source} > {dest} is in order: there is nothing to mend.")
        return
    place = source if made.fault is Fault.SOURCE_LOST else dest
    print(f"Partition {place} has lost {number_of_legs(made.lost)} of the lane {source} > {dest}.")
    for correction in made.corrections:
        print(f"  {_line(correction)}")
    owes = "owes" if made.fault is Fault.SOURCE_LOST else "has"
    verb = owes if done else f"would {'owe' if owes == 'owes' else 'have'}"
    for currency, amount in sorted(made.money.items()):
        print(
            f"{made.account} of partition {place} {verb} {format_money(amount, currency)} for it."
        )
    print(f"{number_of_legs(made.waiting)} behind it {'go' if done else 'would go'} on.")
    print("It is mended." if done else "Nothing was written; with --yes it will be.")


def _line(correction: CorrectionEntry) -> str:
    money = f", {format_money(*correction.money)}" if correction.money else ""
    if not correction.id:
        return f"no payment that could be named{money}"
    return f"payment {correction.id} of {correction.from_} to {correction.to}{money}"


def _complain(message: str) -> int:
    print(f"teller: {message}", file=sys.stderr)
    return 1
