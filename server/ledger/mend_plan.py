"""What has to be written so that the two ends of a lane are together again. Writes nothing itself.

A source that has lost its last moments does not know legs that arrived: their money is in the
payees' accounts, and in those of the payers, too. An end that has lost so many that the outbox does
not hold them all any more will never get them. Each end has, for each currency, all money that ever
went by the lane, so what is missing is known exactly, whatever else is lost. Whose it was is found
in the mailboxes, which are the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .arrivals import Arrived, settlements
from .corrections import CorrectionEntry
from .keys import LOSSES, SUSPENSE, Keyspace
from .lane_state import Fault, read_in, read_out, signed
from .lanes import InLane, OutLane
from .legs import Leg, read_leg, time_of
from .lost import lost_payments, sent_again
from .mending import mend_end, mend_source
from .posts import Post
from .shelf import Shelf
from .status import Status

CORRECTIONS_MAX = 500
"""Most corrections of one call, so that it does not hold up the store."""


class NotMendable(Exception):
    """The lane must not be mended by rote; the message says why."""


@dataclass
class MendPlan:
    """How a lane is mended. It is made anew for each attempt, from what is stored then."""

    lane: tuple[int, int]
    """Its source and its end."""
    fault: Fault = Fault.NONE
    before: int = 0
    """The last leg that both ends know."""
    number: int = 0
    """The last leg that only one of them knows."""
    waiting: int = 0
    """Legs that will go on afterwards."""
    corrections: list[CorrectionEntry] = field(default_factory=list)
    settle: list[Arrived] = field(default_factory=list)
    """Legs that both ends know, and that have to be settled first, as a courier would."""
    done: int = 0
    """Up to where the source has settled them."""

    @property
    def lost(self) -> int:
        """How many legs one end has lost."""
        return self.number - self.before

    @property
    def account(self) -> str:
        """The system account that the corrections are booked against."""
        return LOSSES if self.fault is Fault.SOURCE_LOST else SUSPENSE

    @property
    def money(self) -> dict[str, int]:
        """What is booked there, by currency, in minor units."""
        return dict(_sum(self.corrections))

    def posts(self, keyspace: Keyspace) -> Iterator[tuple[Post, set[Status]]]:
        """What is to be posted, each alone, in order, and the answers after which to go on. Should
        it end in between, what is left is a lane that can be mended."""
        source, dest = self.lane
        settled = {Status.OK, Status.LANE_MOVED}  # a courier may be quicker: the next step sees
        for post in settlements(keyspace, source, str(dest), self.done, self.settle):
            yield post, settled
        mend = mend_source if self.fault is Fault.SOURCE_LOST else mend_end
        at = self.before
        pieces = range(0, len(self.corrections), CORRECTIONS_MAX)
        for piece in pieces:
            some = self.corrections[piece : piece + CORRECTIONS_MAX]
            to = self.number if piece == pieces[-1] else at + 1
            yield mend(keyspace, self.lane, at, to, some), {Status.OK}
            at = to


async def plan(
    shelf: Shelf,
    source: int,
    dest: int,
    progress: Callable[[int, int], None] | None = None,
) -> MendPlan:
    """How the lane from partition `source` to `dest` can be mended; with `Fault.NONE` there is
    nothing to do. Reads all boxes of both partitions where there is.

    Raises:
        NotMendable: if it cannot be told what is missing.
    """
    try:
        arrived = await read_in(shelf, source, dest)
        out, legs = await read_out(shelf, source, dest)
    except ValueError as error:
        raise NotMendable(f"{error}; restore it from a backup, or see the audit") from None
    if len(legs) != out.sent - out.first + 1:
        raise NotMendable(f"its outbox holds {len(legs)} legs, not {out.first} to {out.sent}")
    made = _faults((source, dest), out, arrived, legs)
    if made.fault is Fault.NONE:
        return made
    ahead = [read_leg(one)[1] for one in legs[max(0, made.before + 1 - out.first) :]]
    missing = _missing(made, out, arrived, ahead)
    named, back = await lost_payments(shelf, made.lane, made.fault, ahead, progress)
    if _fits([*named, *back], made, missing):
        named = [*named, *back]
    again = await read_in(shelf, source, dest)
    if again.last != arrived.last:
        raise NotMendable("something arrives by it meanwhile: look again")
    now, later = await read_out(shelf, source, dest)
    fresh = [read_leg(one)[1] for one in later[max(0, out.sent + 1 - now.first) :]]
    if made.fault is Fault.SOURCE_LOST and await sent_again(shelf, fresh):
        raise NotMendable("a lost payment was sent again meanwhile: look again")
    made.corrections = [*named, *_nameless(made, missing, named)]
    return made


def _faults(lane: tuple[int, int], out: OutLane, arrived: InLane, legs: list[bytes]) -> MendPlan:
    """What is wrong, and up to which leg both ends know the same."""
    common = legs[: max(0, arrived.last + 1 - out.first)]
    known = out.first - 1
    for leg in common:
        if time_of(leg) > arrived.at:  # nothing so late has arrived: it is another leg
            break
        known += 1
    if arrived.last > known:
        if out.done > known:
            raise NotMendable(
                f"legs up to {out.done} are settled, but from {known + 1} on they are later than "
                "anything that arrived; are the clocks of the servers in step?"
            )
        made = MendPlan(lane, Fault.SOURCE_LOST, known, arrived.last, out.sent - known)
        made.done = out.done
        for seq in range(out.done + 1, known + 1):
            at, read = read_leg(legs[seq - out.first])
            made.settle.append(Arrived(seq, at, read, seq in arrived.refused))
        return made
    if arrived.last + 1 < out.first:
        waiting = out.sent - out.first + 1
        return MendPlan(lane, Fault.END_LOST, arrived.last, out.first - 1, waiting)
    return MendPlan(lane)


def _missing(made: MendPlan, out: OutLane, arrived: InLane, ahead: list[Leg]) -> dict[str, int]:
    """The money that one end has and the other has lost, by currency. `ahead` are the legs that
    will still arrive.

    Raises:
        NotMendable: if it is less than nothing: then something else is wrong, too.
    """
    moving: Counter[str] = Counter()
    for leg in ahead:
        moving[leg.currency] += leg.amount
    sign = -1 if made.fault is Fault.SOURCE_LOST else 1
    found: dict[str, int] = {}
    for code in sorted({*out.sums, *arrived.sums}):
        way = out.sums.get(code, 0) - moving[code] - arrived.sums.get(code, 0)
        found[code] = sign * signed(way)
    less = [code for code, total in found.items() if total < 0]
    if less:
        raise NotMendable(f"its ends differ the other way in {', '.join(less)}: see the audit")
    return {code: total for code, total in found.items() if total}


def _nameless(
    made: MendPlan, missing: dict[str, int], named: list[CorrectionEntry]
) -> list[CorrectionEntry]:
    """Corrections for what is missing and belongs to no payment that was found: what came back, or
    was refused meanwhile. One without money where there is no other.

    Raises:
        NotMendable: if the payments that were found are more than what is missing.
    """
    sums = _sum(named)
    account, lane = made.account, lane_name(made.lane)
    if not _fits(named, made, missing):
        raise NotMendable(
            "more payments stand on one side only than this lane can have lost: see the audit"
        )
    found = [
        CorrectionEntry("", account, account, lane, total - sums[code], code)
        for code, total in missing.items()
        if total > sums[code]
    ]
    return found if found or named else [CorrectionEntry("", account, account, lane)]


def _fits(named: list[CorrectionEntry], made: MendPlan, missing: dict[str, int]) -> bool:
    """Whether so much can have been lost by this lane."""
    sums = _sum(named)
    return len(named) <= made.lost and all(sums[code] <= missing.get(code, 0) for code in sums)


def lane_name(lane: tuple[int, int]) -> str:
    """How corrections name a lane."""
    return f"{lane[0]}>{lane[1]}"


def _sum(corrections: list[CorrectionEntry]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for amount, currency in filter(None, (one.money for one in corrections)):
        sums[currency] += amount
    return sums
