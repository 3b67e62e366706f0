"""Which payments one end of a lane has lost: what the boxes of both partitions say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from .audit_abroad import AbroadAudit
from .audit_lanes import LaneAudit, content_of
from .corrections import CorrectionEntry
from .keys import LOSSES, SUSPENSE, AccountKeys
from .lane_state import Fault
from .legs import Leg
from .replay import Pairs, Replay, home_of, money_of
from .shelf import Shelf


async def lost_payments(
    shelf: Shelf,
    lane: tuple[int, int],
    fault: Fault,
    ahead: Sequence[Leg],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[CorrectionEntry], list[CorrectionEntry]]:
    """A correction for each payment that one end of `lane` has lost and no earlier one names; and
    for each payment the other way whose return it has lost.

    With `SOURCE_LOST` those that stand in boxes at the end and not in those of their payers, else
    those that left, have not arrived, and are neither on their way nor came back. `ahead` are
    the legs that will still arrive. `progress` is called with the number of boxes done and of all
    there are.
    """
    source, dest = lane
    search = _Search(shelf, lane, fault, ahead)
    await search.abroad.look()
    names = [keys for keys in (await shelf.names())[0] if keys.partition in lane]
    for done, keys in enumerate(names, 1):
        await search.box(keys)
        if progress is not None:
            progress(done, len(names))
    found: list[CorrectionEntry] = []
    back: list[CorrectionEntry] = []
    partition_of = shelf.keyspace.partition_of
    for home, other in sorted({*search.pairs.differing(), *search.again}):
        ends = partition_of(home), partition_of(other)
        if ends == lane:
            found += await search.lost(home, other)
        elif ends == (dest, source) and fault is Fault.END_LOST:
            back += await search.lost(home, other)
    return found, back


async def sent_again(shelf: Shelf, legs: Sequence[Leg]) -> bool:
    """Whether a payment of `legs`, none of which has arrived, stands at its end all the same: its
    first form arrived, and was lost at the source."""
    asked: dict[str, set[tuple[str, str]]] = {}
    for leg in legs:
        asked.setdefault(leg.to, set()).add((leg.who, leg.id))
    for name, sent in asked.items():
        for seq, stored in enumerate(await shelf.all_entries(shelf.keyspace.of(name)), 1):
            entry = money_of(stored, name, seq)
            if entry is not None and (home_of(entry), entry.id) in sent:
                return True
    return False


class _Search:
    """One search."""

    def __init__(
        self, shelf: Shelf, lane: tuple[int, int], fault: Fault, ahead: Sequence[Leg]
    ) -> None:
        self.pairs = Pairs(shelf.keyspace)
        self.abroad = AbroadAudit(shelf, _nothing)
        self._audit = LaneAudit(shelf, _nothing)
        self.again: set[tuple[str, str]] = set()
        """Pairs of which a payment arrived, and stands in the outbox once more: it was sent again
        after its first form had been lost."""
        self._ahead = ahead
        self._names = {(leg.who, leg.id, leg.to) for leg in ahead}
        self._shelf = shelf
        self._fault = fault
        self._name = f"{lane[0]}>{lane[1]}"
        self._booked = SUSPENSE if fault is Fault.END_LOST else LOSSES
        self._known: Counter[tuple[str, str, str]] = Counter()
        """Payments that were corrected before: payer, id and the other box."""

    async def box(self, keys: AccountKeys) -> None:
        """Note the payments in one box that crossed partitions."""
        (length,) = await self._shelf.together(("LLEN", keys.box))
        booked = keys.name == self._booked
        replay = Replay(keys.name)
        length = length if isinstance(length, int) else 0
        async for first, page in self._shelf.entries(keys, length):
            for seq, stored in enumerate(page, first):
                if booked:
                    replay.take(seq, stored)
                    continue
                entry = money_of(stored, keys.name, seq)
                if entry is not None:
                    self.pairs.add(keys.name, entry, stored)
                    if (home_of(entry), entry.id, keys.name) in self._names:
                        self.again.add((home_of(entry), keys.name))
        self._known.update((one.from_, one.id, one.to) for one in replay.corrections if one.id)

    async def lost(self, home: str, other: str) -> list[CorrectionEntry]:
        """The lost payments of `home` that `other` has, or should have."""
        if not (await self.abroad.lives_here(home) and await self.abroad.lives_here(other)):
            return []
        gone, left = await self._audit.unmatched(home, other, self._ahead)
        contents = gone if self._fault is Fault.SOURCE_LOST else left
        found: list[CorrectionEntry] = []
        for content in contents.elements():
            entry = content_of(content, home)
            name = home, entry.id, other
            if self._known[name]:
                self._known[name] -= 1
                continue
            money = {"amount": entry.amount, "currency": entry.currency}
            moved = money if other == entry.to else {}
            found.append(CorrectionEntry(entry.id, home, other, self._name, **moved))  # type: ignore[arg-type]
        return found


def _nothing(sentence: str) -> None:
    """What the audit would find is no matter here."""
