"""The audit of what goes to other regions and comes from them, as far as one region can see it.

The other ends of these lanes are in other stores. What can be checked here is checked: each lane in
itself, and that every payment that left is settled, came back, or waits in an outbox. The rest is
told as sums: what one region has sent to another, less what that one says has come, is on its way.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.frames import PaymentEntry, ReturnedEntry, SettledEntry

from .entries import read_entry
from .keys import AccountKeys
from .lanes import WRAP, InLane, OutLane
from .legs import Leg, read_leg
from .replay import home_of, money_of
from .shelf import Shelf

Sums = dict[str, dict[str, int]]
"""Money by region, and by currency; modulo `WRAP`."""


class AbroadAudit:
    """Checks lanes and payments between this region and others."""

    def __init__(self, shelf: Shelf, find: Callable[[str], None]) -> None:
        self._shelf = shelf
        self._find = find
        self._out: set[tuple[int, str]] = set()
        self._in: set[tuple[int, str]] = set()
        self._gaps: set[int] = set()
        """Partitions with a lane out of which legs are missing."""
        self.sent: Sums = {}
        """Money that ever left for another region."""
        self.come: Sums = {}
        """Money that ever came from there, also with what was refused."""
        self.waiting: dict[str, int] = {}
        """Money, by currency, that arrived there and waits to be accepted."""

    async def look(self) -> None:
        """See which lanes there are. Call it first."""
        async for page in self._shelf.scan("[xi]:*.*"):
            for key in page:
                place = self._shelf.partition_of(key), key.decode().rpartition(":")[2]
                (self._out if b"}x:" in key else self._in).add(place)

    async def lives_here(self, name: str) -> bool:
        """Whether a name is of this region; always, as long as there are no lanes to others."""
        if not (self._out or self._in):
            return True
        there = await self._shelf.read("EXISTS", self._shelf.keyspace.of(name).record)
        return bool(there)

    async def only_here(self, names: list[str]) -> list[str]:
        """Those of `names` that are of this region: of others, only one side is here."""
        return [name for name in names if await self.lives_here(name)]

    async def is_copy(self, keys: AccountKeys) -> bool:
        """Whether this is another region's room, of which only a copy is here."""
        if keys.name[0] != "#":
            return False
        origin = self._shelf.keyspace.origin(keys.name)
        record, copied = await self._shelf.together(("EXISTS", keys.record), ("EXISTS", origin))
        return bool(copied and not record)

    async def lanes(self) -> None:
        """Check every lane's record and outbox, and add up what they carried."""
        for source, label in sorted(self._out):
            try:
                out, legs = await self._sent(source, label)
            except ValueError as error:
                self._find(f"the lane from partition {source} to {label}: {error}")
                self._gaps.add(source)
                continue
            _add(self.sent, label, out.sums)
            if len(legs) != out.sent - out.first + 1:
                self._gaps.add(source)
                self._find(
                    f"the lane from partition {source} to {label} holds {len(legs)} legs, "
                    f"not {out.first} to {out.sent}"
                )
        for dest, label in sorted(self._in):
            key = self._shelf.keyspace.lane_in(dest, label)
            try:
                (stored,) = await self._shelf.together(("GET", key))
                _add(self.come, label, InLane.parse(_bytes(stored)).sums)
            except ValueError as error:
                self._find(f"the lane from {label} to partition {dest}: {error}")

    async def pair(self, home: str, other: str) -> None:
        """Every payment of `home` to `other`, who lives in another region, is settled, came back,
        or is on its way; else it waits there, which only that region can tell. Where legs are
        missing it may be lost as well. Call it after `lanes`."""
        if other[0] == "#" or not await self.lives_here(home):
            return
        keys = self._shelf.keyspace.of(home)
        sent = await self._payments(keys, other)
        moving = {
            (leg.id, leg.to, leg.who)
            for source, label in self._out
            if source == keys.partition
            for leg in await self._moving(source, label)
        }
        ended = await self._ended(keys)
        for id, (amount, currency) in sent.items():
            if (id, other, home) in moving or (id, other) in ended:
                continue
            if keys.partition in self._gaps:
                self._find(
                    f"the payment {id} of {home} to {other} in another region is neither settled "
                    "nor returned, nor on its way; it may be lost, or wait there to be accepted"
                )
            else:
                self.waiting[currency] = self.waiting.get(currency, 0) + amount

    async def _payments(self, keys: AccountKeys, other: str) -> dict[str, tuple[int, str]]:
        found = {}
        for seq, stored in enumerate(await self._shelf.all_entries(keys), 1):
            entry = money_of(stored, keys.name, seq)
            if isinstance(entry, PaymentEntry) and (home_of(entry), entry.to) == (keys.name, other):
                found[entry.id] = entry.amount, entry.currency
        return found

    async def _ended(self, keys: AccountKeys) -> set[tuple[str, str]]:
        """The id, and whom it was for, of everything that was settled or came back."""
        found = set()
        for seq, stored in enumerate(await self._shelf.all_entries(keys), 1):
            try:
                entry = read_entry(stored, keys.name, seq)
            except ValueError:
                continue
            if isinstance(entry, SettledEntry | ReturnedEntry):
                found.add((entry.id, entry.to))
        return found

    async def _moving(self, source: int, label: str) -> list[Leg]:
        try:
            out, legs = await self._sent(source, label)
        except ValueError:
            return []  # which the check of the lane finds
        return legs[max(0, out.done + 1 - out.first) :]

    async def _sent(self, source: int, label: str) -> tuple[OutLane, list[Leg]]:
        """The record and the legs of one moment."""
        keyspace = self._shelf.keyspace
        record, outbox = await self._shelf.together(
            ("GET", keyspace.lane_out(source, label)),
            ("LRANGE", keyspace.outbox(source, label), 0, -1),
        )
        if isinstance(outbox, Exception):
            raise ValueError("its outbox is not a list")
        return OutLane.parse(_bytes(record)), [read_leg(stored)[1] for stored in outbox]


def _add(sums: Sums, label: str, more: dict[str, int]) -> None:
    own = sums.setdefault(label.partition(".")[0], {})
    for currency, amount in more.items():
        own[currency] = (own.get(currency, 0) + amount) % WRAP


def _bytes(stored: object) -> bytes | None:
    if isinstance(stored, Exception):
        raise ValueError("its record has a wrong type")
    return stored if isinstance(stored, bytes) else None
