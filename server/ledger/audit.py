"""The audit: reads everything and says whether the books are right. It changes nothing.

Conservation is asked of the store (`teller_books`). Everything else is rebuilt here from the
mailboxes, which are the journal: balances, versions, that both sides of each payment are there,
that duplicate marks point at their entries. The hub may run meanwhile: what belongs together is
read in one transaction, and boxes that seem to differ are read again, together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.frames import DepositEntry

from .audit_abroad import AbroadAudit, Sums
from .audit_lanes import LaneAudit, membership_differs, one_sided
from .keys import LOSSES, WORLD, AccountKeys, Keyspace
from .posts import Mark
from .replay import (
    MoneyEntry,
    Pairs,
    Replay,
    check_mark,
    check_offers,
    elsewhere,
    home_of,
    mark_key,
    money_of,
)
from .shelf import Client, Shelf, pages


@dataclass
class AuditReport:
    """What was read, and what is wrong."""

    accounts: int = 0
    """People and system accounts."""
    rooms: int = 0
    entries: int = 0
    """In all boxes; a direct message stands in two."""
    payments: int = 0
    """Payments and deposits, each counted once."""
    circulation: dict[str, int] = field(default_factory=dict)
    """Money in circulation, in minor units, by currency."""
    in_transit: dict[str, int] = field(default_factory=dict)
    """Of that, what was on its way between partitions."""
    held: dict[str, int] = field(default_factory=dict)
    """Money in accounts: what circulates here, less what is on its way and what other regions have
    more of ours than we of theirs. Exact if nothing is posted meanwhile."""
    sent: Sums = field(default_factory=dict)
    """Money that ever left for other regions; modulo 2^53."""
    come: Sums = field(default_factory=dict)
    """Money that ever came from them. What one has sent and the other has not got is on its way."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Money that arrived in other regions, and that its payees there have not accepted yet."""
    lost: dict[str, int] = field(default_factory=dict)
    """Money that people have, and that sources of lanes have lost the debits of: `$losses` owes it
    since these lanes were mended."""
    findings: list[str] = field(default_factory=list)
    """A sentence for each thing that is wrong."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


async def audit(
    store: Client, keyspace: Keyspace, progress: Callable[[int, int], None] | None = None
) -> AuditReport:
    """Check all books of `store`.

    `progress` is called with the number of boxes done and of all there are. Memory: the names of
    all boxes, and a number for each pair whose payments were seen from one side only so far.
    """
    run = _Audit(Shelf(store, keyspace))
    await run.abroad.look()
    everyone, strangers = await run.shelf.names()
    run.report.findings += strangers
    for done, keys in enumerate(everyone, 1):
        await run.account(keys)
        if progress is not None:
            progress(done, len(everyone))
    await run.abroad.lanes()
    for home, other in run.pairs.differing():
        await run.compare_boxes(home, other)
    await run.marks()
    await run.books()
    await run.lanes.lanes()
    run.report.in_transit = dict(run.lanes.in_transit)
    run.report.waiting = run.abroad.waiting
    run.report.sent, run.report.come = run.abroad.sent, run.abroad.come
    return run.report


class _Audit:
    """One run."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.report = AuditReport()
        self.pairs = Pairs(shelf.keyspace)
        self.lanes = LaneAudit(shelf, self._find)
        self.abroad = AbroadAudit(shelf, self._find)
        self._currencies: dict[int, set[str]] = {
            partition: set() for partition in range(shelf.keyspace.partitions)
        }
        self._said: set[str] = set()

    def _find(self, sentence: str) -> None:
        if sentence not in self._said:  # a scan may show a key twice
            self._said.add(sentence)
            self.report.findings.append(sentence)

    async def account(self, keys: AccountKeys) -> None:
        """Check one account: its record against its box, and who is a member of what."""
        if await self.abroad.is_copy(keys):
            return
        name = self.shelf.title(keys)
        record, length, offers = await self.shelf.together(
            ("GET", keys.record), ("LLEN", keys.box), ("HGETALL", keys.offers)
        )
        if name.startswith("#"):
            self.report.rooms += 1
        else:
            self.report.accounts += 1
        if not isinstance(length, int):
            self._find(f"the box of {name} is not a list")
            length = 0
        replay = Replay(keys.name)
        await self._replay(replay, keys, length)
        self.report.findings += replay.findings
        if isinstance(record, bytes):
            self.report.findings += replay.compare(record)
        else:
            self._find(f"{name} has no account record")
        self._offers(replay, offers)
        self.lanes.corrected(replay.corrections)
        if keys.name == LOSSES:
            for currency, amount in replay.balances.items():
                self.report.lost[currency] = self.report.lost.get(currency, 0) - amount
        self._currencies[keys.partition].update(replay.balances)
        if keys.name != WORLD:
            held = self.report.held
            for currency, amount in replay.balances.items():
                held[currency] = held.get(currency, 0) + amount
        await self._membership(keys)

    def _offers(self, replay: Replay, stored: object) -> None:
        if isinstance(stored, dict):
            self.report.findings += check_offers(replay, stored)
        else:
            self._find(f"the offers to {replay.name} have a wrong type")

    async def _replay(self, replay: Replay, keys: AccountKeys, length: int) -> None:
        async for first, page in self.shelf.entries(keys, length):
            self.report.entries += len(page)
            for seq, stored in enumerate(page, first):
                entry = replay.take(seq, stored)
                if entry is not None:
                    self.pairs.add(replay.name, entry, stored)
            await self._check_marks(replay)

    async def _check_marks(self, replay: Replay) -> None:
        homes, replay.homes = replay.homes, []
        if not homes:
            return
        self.report.payments += len(homes)
        keys = [mark_key(self.shelf.keyspace, home.entry) for home in homes]
        marks = await self.shelf.read("MGET", *keys)
        for home, mark in zip(homes, marks, strict=True):
            wrong = None if _is_opening(home.entry, mark) else check_mark(home, mark)
            if wrong:
                self._find(wrong)

    async def _membership(self, keys: AccountKeys) -> None:
        """What one side says of memberships, held against the other."""
        name, room = keys.name, keys.name.startswith("#")
        command = ("HKEYS", keys.members) if room else ("SMEMBERS", keys.joined)
        (answer,) = await self.shelf.together(command)
        if isinstance(answer, Exception):
            self._find(f"the {'members' if room else 'rooms'} of {name} have a wrong type")
            return
        others = await self.abroad.only_here(sorted(other.decode() for other in answer))
        partition_of = self.shelf.keyspace.partition_of
        near = [other for other in others if partition_of(other) == keys.partition]
        for page in pages([(other, name) if room else (name, other) for other in near]):
            await self._both_sides(page)
        for other in others:
            if partition_of(other) != keys.partition:
                await self.lanes.membership(*((other, name) if room else (name, other)))

    async def _both_sides(self, pairs: list[tuple[str, str]]) -> None:
        commands: list[tuple[bytes | str, ...]] = []
        of = self.shelf.keyspace.of
        for who, room in pairs:
            commands.append(("HEXISTS", of(room).members, who))
            commands.append(("SISMEMBER", of(who).joined, room))
        answers = await self.shelf.together(*commands)
        for (who, room), member, joined in zip(pairs, answers[::2], answers[1::2], strict=True):
            if {member, joined} == {0, 1}:
                self._find(membership_differs(who, room, member == 1))

    async def compare_boxes(self, home: str, other: str) -> None:
        """Name the entries that stand in one of both boxes and not in the other."""
        if not (await self.abroad.lives_here(home) and await self.abroad.lives_here(other)):
            await self.abroad.pair(home, other)
            return
        if not self.pairs.near(home, other):
            await self.lanes.pair(home, other)
            return
        both = self.shelf.keyspace.of(home), self.shelf.other(home, other)
        lengths = await self.shelf.together(*(("LLEN", keys.box) for keys in both))
        found = []
        for keys, length in zip(both, lengths, strict=True):
            shared = Counter[bytes]()
            async for first, page in self.shelf.entries(
                keys, length if isinstance(length, int) else 0
            ):
                for seq, stored in enumerate(page, first):
                    entry = money_of(stored, keys.name, seq)
                    if entry and home_of(entry) == home and other in elsewhere(entry):
                        shared[stored] += 1
            found.append(shared)
        for stored in found[0] - found[1]:
            self._find(one_sided(stored, home, other))
        for stored in found[1] - found[0]:
            self._find(one_sided(stored, other, home))

    async def marks(self) -> None:
        """Every duplicate mark of money has its entry."""
        async for keys in self.shelf.scan("d:*"):
            await self._entries_of_marks(keys)

    async def _entries_of_marks(self, keys: list[bytes]) -> None:
        found: list[tuple[bytes, Mark]] = []
        for key, stored in zip(keys, await self.shelf.read("MGET", *keys), strict=True):
            if stored is None:  # swept meanwhile; marks of money are missed by the replay
                continue
            try:
                mark = Mark(stored)
            except ValueError:
                self._find(f"the duplicate mark {key.decode()} is damaged")
                continue
            if mark.money:
                found.append((key, mark))
        partition = self.shelf.partition_of(keys[0])
        boxes = [self.shelf.keys_of(mark.box, partition).box for _, mark in found]
        places = [(box, mark.seq - 1) for box, (_, mark) in zip(boxes, found, strict=True)]
        entries = await self.shelf.together(*(("LINDEX", *one) for one in places)) if found else []
        for (key, mark), stored in zip(found, entries, strict=True):
            entry = money_of(stored, mark.box, mark.seq)
            if entry is None or mark_key(self.shelf.keyspace, entry) != key:
                self._find(
                    f"the duplicate mark {key.decode()} speaks of entry {mark.seq} of {mark.box}, "
                    "which is not there"
                )

    async def books(self) -> None:
        """In each partition and currency, what circulates is what `$world` owes there."""
        async for keys in self.shelf.scan("total:*"):
            codes = (key.decode().rpartition(":")[2] for key in keys)
            self._currencies[self.shelf.partition_of(keys[0])].update(codes)
        for partition, currencies in self._currencies.items():
            await self._books(partition, sorted(currencies))

    async def _books(self, partition: int, currencies: list[str]) -> None:
        keyspace = self.shelf.keyspace
        keys = [keyspace.world(partition).record]
        keys += [keyspace.total(currency, partition) for currency in currencies]
        call = ("FCALL_RO", "teller_books", len(keys), *keys, *currencies)
        (sheet,) = await self.shelf.together(call)
        if isinstance(sheet, Exception):
            self._find(f"the books cannot be read: {sheet}")
            return
        for currency, world, total in sheet:
            self._balance(currency.decode(), world.decode(), total.decode())

    def _balance(self, currency: str, world: str, total: str) -> None:
        try:
            circulating, owed = int(total), -int(world)
        except ValueError:
            self._find(f"the money in circulation is said to be {total!r} {currency}")
            return
        before = self.report.circulation.get(currency, 0)
        if circulating or self.shelf.keyspace.partitions == 1:
            self.report.circulation[currency] = before + circulating
        if circulating != owed:
            self._find(f"{circulating} {currency} circulate but {WORLD} gave {owed}")


def _is_opening(entry: MoneyEntry, mark: bytes | None) -> bool:
    """Whether `entry` came with the registration, whose mark is the new account's own and is not
    kept for ever."""
    if not isinstance(entry, DepositEntry) or entry.seq != 1:
        return False
    try:
        own = Mark(mark) if mark is not None else None
    except ValueError:
        return True
    return own is None or (own.seq, own.at, own.box) != (1, entry.at, entry.box)
