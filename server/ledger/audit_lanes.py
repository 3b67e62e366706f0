"""The audit of what lies between partitions: lanes, money in transit, entries on their way.

Nothing is stopped. What is read first can only be behind what is read later, so the order of the
reads says which differences are honest: an end before its source (legs that left meanwhile do no
harm), and the source of an entry before the place where it must have come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from protocol.frames import ReturnedEntry

from .corrections import CorrectionEntry
from .entries import TIME_DIGITS, posted, read_entry
from .keys import AccountKeys, Keyspace
from .lane_state import lane_names, read_in, read_out
from .lanes import WRAP, InLane, OutLane, in_transit
from .legs import Leg, LegKind, read_leg, time_of
from .replay import MoneyEntry, elsewhere, home_of, money_of
from .shelf import Shelf

LOOKS = 3
"""How often something in motion is looked at before it is called wrong."""


class LaneAudit:
    """Checks every lane, and every pair of boxes whose owners live in different partitions."""

    def __init__(self, shelf: Shelf, find: Callable[[str], None]) -> None:
        self._shelf = shelf
        self._keyspace: Keyspace = shelf.keyspace
        self._find = find
        self.in_transit: Counter[str] = Counter()
        """Money on its way, by currency."""
        self._mended: Counter[tuple[str, str, str]] = Counter()
        """Payments that are known to stand on one side only: payer, id, and the other box."""

    def corrected(self, corrections: Iterable[CorrectionEntry]) -> None:
        """Lanes were mended: what these say stands on one side only is no finding."""
        self._mended.update((one.from_, one.id, one.to) for one in corrections if one.id)

    async def lanes(self) -> None:
        """Check the records and the outbox of every lane within the store."""
        for source, dest in await lane_names(self._shelf):
            await self._lane(source, dest)

    async def _lane(self, source: int, dest: int) -> None:
        name = f"the lane from partition {source} to {dest}"
        try:
            arrived = await read_in(self._shelf, source, dest)
            out, stored = await read_out(self._shelf, source, dest)
            legs = [read_leg(one)[1] for one in stored]
            later = await read_in(self._shelf, source, dest)
        except ValueError as error:
            self._find(f"{name}: {error}")
            return
        if arrived.last > out.sent:
            self._find(
                f"{name} has lost legs at its source: {out.sent} were sent, "
                f"but {arrived.last} arrived"
            )
        elif forked := sum(
            time_of(one) > arrived.at for one in stored[: max(0, arrived.last + 1 - out.first)]
        ):
            self._find(
                f"{name} has lost legs at its source: {forked} others have numbers of legs that "
                "arrived"
            )
        elif out.done > later.last:
            self._find(
                f"{name} has lost legs at its end: {out.done} are settled, but {later.last} arrived"
            )
        elif len(legs) != out.sent - out.first + 1:
            self._find(f"{name} holds {len(legs)} legs, not {out.first} to {out.sent}")
        else:
            self._money(name, arrived, out, legs)

    def _money(self, name: str, arrived: InLane, out: OutLane, legs: list[Leg]) -> None:
        """What the lane says is on its way is what the legs on their way carry."""
        moving = in_transit(out, arrived)
        carried: Counter[str] = Counter()
        for leg in legs[max(0, arrived.last + 1 - out.first) :]:
            carried[leg.currency] += leg.amount
        if out.first <= arrived.last + 1:
            for currency in sorted({*moving, *(code for code in carried if code)}):
                says, has = moving.get(currency, 0), carried[currency] % WRAP
                if says != has:
                    self._find(f"{name} should carry {says} {currency} but its legs carry {has}")
        self.in_transit.update(moving)

    # --- entries on both sides ---

    async def pair(self, home: str, other: str) -> None:
        """Every payment at `home` that went to `other` is there, or on its way, or came back; and
        nothing is there that did not go. What was lost is known, if the lane was mended."""
        gone, lost = await self.unmatched(home, other)
        for content in self._unknown(gone, home, other):
            self._one_sided(content, other, home)
        for content in self._unknown(lost, home, other):
            self._one_sided(content, home, other)

    async def unmatched(
        self, home: str, other: str, ahead: Sequence[Leg] = ()
    ) -> tuple[Counter[bytes], Counter[bytes]]:
        """The contents of payments from `home` that only `other` has, and of those that only `home`
        has though they are neither on their way nor came back. `ahead`: legs that are known not to
        have arrived, whatever their numbers say."""
        keys = self._keyspace.of(home), self._keyspace.of(other)
        got = await self._contents(keys[1], home, other)
        sent = await self._contents(keys[0], home, other)
        left = Counter((leg.id, leg.to, leg.who) for leg in ahead)
        there = {one: n - left[content_of(one, home).id, other, home] for one, n in sent.items()}
        gone, lost = got - Counter(there), Counter[bytes]()
        moving = await self._moving(keys[0].partition, keys[1].partition)
        back = await self._moving(keys[1].partition, keys[0].partition)
        returned = {
            (leg.id, leg.who) for leg in back if leg.kind is LegKind.RETURN and leg.to == home
        }
        returned |= await self._returned(keys[0])
        got = await self._contents(keys[1], home, other)
        for content in sent - got:
            entry = content_of(content, home)
            what = (entry.id, other, home)
            going = any((leg.id, leg.to, leg.who) == what for leg in moving)
            if not going and (entry.id, other) not in returned:
                lost[content] += 1
        return gone, lost

    def _unknown(self, contents: Counter[bytes], home: str, other: str) -> Iterable[bytes]:
        """Those that no correction names."""
        for content in contents.elements():
            name = home, content_of(content, home).id, other
            if self._mended[name]:
                self._mended[name] -= 1
            else:
                yield content

    async def _contents(self, keys: AccountKeys, home: str, other: str) -> Counter[bytes]:
        """What the box holds of payments from `home` that `other` must have, too."""
        found = Counter[bytes]()
        for seq, stored in enumerate(await self._shelf.all_entries(keys), 1):
            entry = money_of(stored, keys.name, seq)
            if entry and home_of(entry) == home and other in elsewhere(entry):
                found[posted(stored[TIME_DIGITS:], entry)] += 1
        return found

    async def _moving(self, source: int, dest: int) -> list[Leg]:
        """The legs that had not arrived a moment ago."""
        try:
            arrived = await read_in(self._shelf, source, dest)
            out, legs = await read_out(self._shelf, source, dest)
            return [read_leg(one)[1] for one in legs[max(0, arrived.last + 1 - out.first) :]]
        except ValueError:
            return []  # which the check of the lane finds

    async def _returned(self, keys: AccountKeys) -> set[tuple[str, str]]:
        """The id, and whom it was for, of everything that came back to the account."""
        found = set()
        for seq, stored in enumerate(await self._shelf.all_entries(keys), 1):
            try:
                entry = read_entry(stored, keys.name, seq)
            except ValueError:
                continue
            if isinstance(entry, ReturnedEntry):
                found.add((entry.id, entry.to))
        return found

    def _one_sided(self, content: bytes, there: str, missing: str) -> None:
        self._find(one_sided(_undated(content), there, missing))

    # --- memberships ---

    async def membership(self, who: str, room: str) -> None:
        """One side of a membership differs from the other, which lives elsewhere: is a leg on its
        way that will mend it?"""
        person, place = self._keyspace.of(who), self._keyspace.of(room)
        member = joined = 0
        for _ in range(LOOKS):
            (joined,) = await self._shelf.together(("SISMEMBER", person.joined, room))
            (member,) = await self._shelf.together(("HEXISTS", place.members, who))
            moving = await self._moving(place.partition, person.partition)
            if member == joined or any(_about(leg, who, room) for leg in moving):
                return
        self._find(membership_differs(who, room, member == 1))


def _undated(content: bytes) -> bytes:
    return b"0" * TIME_DIGITS + content


def content_of(content: bytes, box: str) -> MoneyEntry:
    """The payment of which this is the content, as `unmatched` found it; it has no time."""
    entry = money_of(_undated(content), box, 0)
    assert entry is not None
    return entry


def _about(leg: Leg, who: str, room: str) -> bool:
    return leg.kind in (LegKind.JOIN, LegKind.LEAVE) and (leg.to, leg.room) == (who, room)


def membership_differs(who: str, room: str, member: bool) -> str:
    """The sentence for a membership that only one side knows."""
    if member:
        return f"{room} counts {who} among its members, who did not join"
    return f"{who} joined {room}, which does not count it among its members"


def one_sided(stored: bytes, there: str, missing: str) -> str:
    """The sentence for an entry that stands in one box only."""
    entry = money_of(stored, there, 0)
    assert entry is not None
    return (
        f"the payment {entry.id} of {entry.from_} stands in the box of {there} but not, "
        f"or not as often, in that of {missing}"
    )
