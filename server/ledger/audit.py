"""The audit: reads everything and says whether the books are right. It changes nothing.

Conservation is asked of the store (`teller_books`). Everything else is rebuilt here from the
mailboxes, which are the journal: balances, versions, that both sides of each payment are there,
that duplicate marks point at their entries. The hub may run meanwhile: what belongs together is
read in one transaction, and boxes that seem to differ are read again, together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from protocol.frames import DepositEntry, PaymentEntry

from .entries import read_entry
from .keys import WORLD, Keyspace
from .posts import Mark
from .replay import MoneyEntry, Pairs, Replay, check_mark, elsewhere, home_of, mark_key

CHUNK = 500
"""Entries, marks or keys that one command reads: small enough not to keep the hub waiting."""


class Client(Protocol):
    """What the audit needs of a store client: redis-py's, with answers in bytes."""

    async def execute_command(self, *args: Any) -> Any: ...

    def pipeline(self, transaction: bool = True) -> Any: ...


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
    run = _Audit(store, keyspace)
    names = sorted(await run.names())
    for done, name in enumerate(names, 1):
        await run.account(name)
        if progress is not None:
            progress(done, len(names))
    for home, other in run.pairs.differing():
        await run.compare_boxes(home, other)
    await run.marks()
    await run.books()
    return run.report


class _Audit:
    """One run."""

    def __init__(self, store: Client, keyspace: Keyspace) -> None:
        self._store = store
        self._keyspace = keyspace
        self.report = AuditReport()
        self.pairs = Pairs()
        self._currencies: set[str] = set()
        self._said: set[str] = set()

    def _find(self, sentence: str) -> None:
        if sentence not in self._said:  # a scan may show a key twice
            self._said.add(sentence)
            self.report.findings.append(sentence)

    async def _together(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The answers to `commands`, of one moment; for a key of a wrong type an exception."""
        pipe = self._store.pipeline(transaction=True)
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        return answers

    async def _scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """Keys like `pattern`, a page at a time; a key may come twice."""
        cursor: Any = 0
        while True:
            cursor, keys = await self._store.execute_command(
                "SCAN", cursor, "MATCH", pattern, "COUNT", CHUNK
            )
            if keys:
                yield keys
            if int(cursor) == 0:
                return

    async def names(self) -> set[str]:
        """Everyone who has a record or a box."""
        found: set[str] = set()
        async for keys in self._scan("{p*}[am]:*"):
            found.update(key.decode().partition(":")[2] for key in keys)
        return found

    async def account(self, name: str) -> None:
        """Check one account: its record against its box, and who is a member of what."""
        keys = self._keyspace.of(name)
        record, length = await self._together(("GET", keys.record), ("LLEN", keys.box))
        if name.startswith("#"):
            self.report.rooms += 1
        else:
            self.report.accounts += 1
        if not isinstance(length, int):
            self._find(f"the box of {name} is not a list")
            length = 0
        replay = Replay(name)
        await self._replay(replay, length)
        self.report.findings += replay.findings
        if isinstance(record, bytes):
            self.report.findings += replay.compare(record)
        else:
            self._find(f"{name} has no account record")
        self._currencies.update(replay.balances)
        await self._membership(name)

    async def _entries(self, name: str, length: int) -> AsyncIterator[tuple[int, list[bytes]]]:
        for first in range(0, length, CHUNK):
            last = min(first + CHUNK, length) - 1
            yield (
                first + 1,
                await self._store.execute_command(
                    "LRANGE", self._keyspace.of(name).box, first, last
                ),
            )

    async def _replay(self, replay: Replay, length: int) -> None:
        async for first, chunk in self._entries(replay.name, length):
            self.report.entries += len(chunk)
            for seq, stored in enumerate(chunk, first):
                entry = replay.take(seq, stored)
                if entry is not None:
                    self.pairs.add(replay.name, entry, stored)
            await self._check_marks(replay)

    async def _check_marks(self, replay: Replay) -> None:
        homes, replay.homes = replay.homes, []
        if not homes:
            return
        self.report.payments += len(homes)
        marks = await self._store.execute_command(
            "MGET", *(mark_key(self._keyspace, home.entry) for home in homes)
        )
        for home, mark in zip(homes, marks, strict=True):
            wrong = None if _is_opening(home.entry, mark) else check_mark(home, mark)
            if wrong:
                self._find(wrong)

    async def _membership(self, name: str) -> None:
        """What one side says of memberships, held against the other."""
        keys, room = self._keyspace.of(name), name.startswith("#")
        command = ("HKEYS", keys.members) if room else ("SMEMBERS", keys.joined)
        (answer,) = await self._together(command)
        if isinstance(answer, Exception):
            self._find(f"the {'members' if room else 'rooms'} of {name} have a wrong type")
            return
        others = sorted(other.decode() for other in answer)
        pairs = [(other, name) if room else (name, other) for other in others]
        for first in range(0, len(pairs), CHUNK):
            await self._both_sides(pairs[first : first + CHUNK])

    async def _both_sides(self, pairs: list[tuple[str, str]]) -> None:
        commands: list[tuple[Any, ...]] = []
        for who, room in pairs:
            commands.append(("HEXISTS", self._keyspace.of(room).members, who))
            commands.append(("SISMEMBER", self._keyspace.of(who).joined, room))
        answers = await self._together(*commands)
        for (who, room), member, joined in zip(pairs, answers[::2], answers[1::2], strict=True):
            if member != 1 and joined == 1:
                self._find(f"{who} joined {room}, which does not count it among its members")
            if member == 1 and joined != 1:
                self._find(f"{room} counts {who} among its members, who did not join")

    async def compare_boxes(self, home: str, other: str) -> None:
        """Name the entries that stand in one of both boxes and not in the other."""
        lengths = await self._together(
            *(("LLEN", self._keyspace.of(name).box) for name in (home, other))
        )
        found = []
        for name, length in zip((home, other), lengths, strict=True):
            shared = Counter[bytes]()
            async for first, chunk in self._entries(name, length if isinstance(length, int) else 0):
                for seq, stored in enumerate(chunk, first):
                    entry = _money(stored, name, seq)
                    if entry and home_of(entry) == home and other in elsewhere(entry):
                        shared[stored] += 1
            found.append(shared)
        for stored in found[0] - found[1]:
            self._one_sided(stored, home, other)
        for stored in found[1] - found[0]:
            self._one_sided(stored, other, home)

    def _one_sided(self, stored: bytes, there: str, missing: str) -> None:
        entry = _money(stored, there, 0)
        assert entry is not None
        self._find(
            f"the payment {entry.id} of {entry.from_} stands in the box of {there} but not, "
            f"or not as often, in that of {missing}"
        )

    async def marks(self) -> None:
        """Every duplicate mark of money has its entry."""
        async for keys in self._scan("{p*}d:*"):
            await self._entries_of_marks(keys)

    async def _entries_of_marks(self, keys: list[bytes]) -> None:
        found: list[tuple[bytes, Mark]] = []
        for key, stored in zip(keys, await self._store.execute_command("MGET", *keys), strict=True):
            if stored is None:  # swept meanwhile; marks of money are missed by the replay
                continue
            try:
                mark = Mark(stored)
            except ValueError:
                self._find(f"the duplicate mark {key.decode()} is damaged")
                continue
            if mark.money:
                found.append((key, mark))
        boxes = (("LINDEX", self._keyspace.of(mark.box).box, mark.seq - 1) for _, mark in found)
        entries = await self._together(*boxes) if found else []
        for (key, mark), stored in zip(found, entries, strict=True):
            entry = _money(stored, mark.box, mark.seq)
            if entry is None or mark_key(self._keyspace, entry) != key:
                self._find(
                    f"the duplicate mark {key.decode()} speaks of entry {mark.seq} of {mark.box}, "
                    "which is not there"
                )

    async def books(self) -> None:
        """In each currency, what circulates is what `$world` owes."""
        async for keys in self._scan("{p*}total:*"):
            self._currencies.update(key.decode().rpartition(":")[2] for key in keys)
        currencies = sorted(self._currencies)
        keys = [self._keyspace.of(WORLD).record, *map(self._keyspace.total, currencies)]
        (sheet,) = await self._together(("FCALL_RO", "teller_books", len(keys), *keys, *currencies))
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
        self.report.circulation[currency] = circulating
        if circulating != owed:
            self._find(f"{circulating} {currency} circulate but {WORLD} gave {owed}")


def _money(stored: object, box: str, seq: int) -> MoneyEntry | None:
    """The entry, if it is one of money; damaged ones are found by the replay."""
    try:
        entry = read_entry(stored, box, seq) if isinstance(stored, bytes) else None
    except ValueError:
        return None
    return entry if isinstance(entry, PaymentEntry | DepositEntry) else None


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
