"""The audit's arithmetic, without I/O: what a mailbox says of its owner's money, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from msgspec import UNSET

from protocol.frames import (
    DepositEntry,
    Entry,
    MessageEntry,
    PaymentEntry,
    ReturnedEntry,
    SettledEntry,
)

from .corrections import CorrectionEntry
from .entries import TIME_DIGITS, digest_of, posted, read_entry
from .keys import LOSSES, SUSPENSE, WORLD, Keyspace
from .posts import Mark
from .records import ISSUER, parse_record
from .routing import mark_of
from .waiting import parse_offer

MoneyEntry = PaymentEntry | DepositEntry


class Home(NamedTuple):
    """A money entry where the ack of its post spoke of it, and its box's owner right after."""

    entry: MoneyEntry
    stored: bytes
    balance: int
    version: int


def home_of(entry: MoneyEntry) -> str:
    """The box that the ack of the post spoke of."""
    return entry.from_ if isinstance(entry, PaymentEntry) else entry.to


def elsewhere(entry: MoneyEntry) -> Iterator[str]:
    """The other boxes where the same entry must stand."""
    yield entry.to if isinstance(entry, PaymentEntry) else entry.from_
    if isinstance(entry, PaymentEntry) and isinstance(entry.room, str):
        yield entry.room


def money_of(stored: object, box: str, seq: int) -> MoneyEntry | None:
    """The entry, if it is one of money; damaged ones are found by the replay."""
    try:
        entry = read_entry(stored, box, seq) if isinstance(stored, bytes) else None
    except ValueError:
        return None
    return entry if isinstance(entry, PaymentEntry | DepositEntry) else None


def mark_key(keyspace: Keyspace, entry: MoneyEntry) -> bytes:
    """Key of the duplicate mark of the post that made `entry`; it is where the entry is at home."""
    partition = keyspace.partition_of(home_of(entry))
    return mark_of(keyspace, partition, entry.from_, entry.id)


class Pairs:
    """Tells pairs of boxes that do not hold the same money entries, whatever the order.

    Every entry counts once for its home and once against it for each other box; a pair whose
    sum is zero holds the same entries on both sides and is forgotten. In one partition both sides
    have the same bytes; across partitions the same content, and what came back differs.
    """

    def __init__(self, keyspace: Keyspace) -> None:
        self._partition_of = keyspace.partition_of
        self._sums: dict[tuple[str, str], int] = {}

    def add(self, box: str, entry: MoneyEntry, stored: bytes) -> None:
        """Count `entry` as found in `box`, where it belongs."""
        home = home_of(entry)
        others = elsewhere(entry) if box == home else (box,)
        for other in others:
            near = self.near(home, other)
            data = stored if near else posted(stored[TIME_DIGITS:], entry)
            weight = int.from_bytes(blake2b(data, digest_size=16).digest(), "big")
            self._count((home, other), weight if box == home else -weight)

    def near(self, home: str, other: str) -> bool:
        """Whether both boxes are in one partition; `$world` is in every one."""
        return other == WORLD or self._partition_of(home) == self._partition_of(other)

    def _count(self, pair: tuple[str, str], weight: int) -> None:
        total = self._sums.pop(pair, 0) + weight
        if total:
            self._sums[pair] = total

    def differing(self) -> list[tuple[str, str]]:
        """The pairs (home, other) that differ."""
        return sorted(self._sums)


class Replay:
    """One account's balances, computed from its mailbox alone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.balances: dict[str, int] = {}
        self.changes = 0
        self.findings: list[str] = []
        self.homes: list[Home] = []
        """Money entries at home here; the caller empties it."""
        self.offers: dict[tuple[str, str], tuple[int, str]] = {}
        """Payments to the account that wait, by payer and id: amount and currency."""
        self.corrections: list[CorrectionEntry] = []
        """What the mending of lanes booked against this account."""

    def take(self, seq: int, stored: bytes) -> MoneyEntry | None:
        """The next entry; answers it if it belongs here and moved money."""
        try:
            entry = read_entry(stored, self.name, seq)
        except ValueError as error:
            self.findings.append(str(error))
            return None
        if isinstance(entry, PaymentEntry | DepositEntry):
            return self._take_money(seq, entry, stored)
        if isinstance(entry, CorrectionEntry):
            self._correct(seq, entry)
        else:
            self._take_words(seq, entry)
        return None

    def _take_words(self, seq: int, entry: Entry) -> None:
        """What moves no money, or moves it back."""
        if isinstance(entry, MessageEntry):
            if self.name not in (entry.from_, entry.to):
                self._misplaced(seq)
        elif isinstance(entry, SettledEntry):
            if self.name == entry.to:
                self._end_waiting(seq, entry)
            elif self.name != entry.from_:
                self._misplaced(seq)
        elif isinstance(entry, ReturnedEntry):
            self._returned(seq, entry)

    def _correct(self, seq: int, entry: CorrectionEntry) -> None:
        """`$losses` owes what a source has lost, `$suspense` has what an end has lost."""
        if self.name not in (LOSSES, SUSPENSE):
            self._misplaced(seq)
            return
        self.corrections.append(entry)
        self.changes += entry.money is not None
        self._add(entry, -1 if self.name == LOSSES else 1)

    def _returned(self, seq: int, entry: ReturnedEntry) -> None:
        if self.name == entry.to and not entry.suspended:
            if self._end_waiting(seq, entry):
                self._add(entry, -1)
        elif self.name != entry.from_ and not (entry.suspended and self.name == SUSPENSE):
            self._misplaced(seq)
        elif entry.suspended is (self.name == SUSPENSE):
            self._add(entry, 1)
            self.changes += entry.amount is not UNSET

    def _end_waiting(self, seq: int, entry: SettledEntry | ReturnedEntry) -> bool:
        """Money that waits here is taken, or goes back; whether there is such money."""
        offer = entry.from_, entry.id
        if self.offers.get(offer) != (entry.amount, entry.currency):
            self._misplaced(seq)
            return False
        del self.offers[offer]
        self.changes += 1
        return True

    def _add(self, entry: ReturnedEntry | CorrectionEntry, sign: int) -> None:
        if entry.amount is not UNSET and entry.currency is not UNSET:
            has = self.balances.get(entry.currency, 0)
            self.balances[entry.currency] = has + sign * entry.amount

    def _take_money(self, seq: int, entry: MoneyEntry, stored: bytes) -> MoneyEntry | None:
        if self.name not in (home_of(entry), *elsewhere(entry)):
            self._misplaced(seq)
            return None
        if self.name in (entry.from_, entry.to):
            self._move(seq, entry)
        if self.name == home_of(entry):
            balance = self.balances[entry.currency]
            self.homes.append(Home(entry, stored, balance, self.changes))
        return entry

    def _misplaced(self, seq: int) -> None:
        self.findings.append(f"entry {seq} of {self.name} belongs into another box")

    def _move(self, seq: int, entry: MoneyEntry) -> None:
        if entry.amount < 1 or entry.from_ == entry.to:
            self.findings.append(f"entry {seq} of {self.name} is no possible payment")
        amount = entry.amount if entry.to == self.name else -entry.amount
        balance = self.balances.get(entry.currency, 0) + amount
        self.balances[entry.currency] = balance
        self.changes += 1
        if isinstance(entry, PaymentEntry) and entry.state == "waiting" and entry.to == self.name:
            self.offers[entry.from_, entry.id] = entry.amount, entry.currency
        if entry.from_ == self.name != WORLD and balance < self._held(entry.currency):
            self.findings.append(
                f"{self.name} falls to {balance} {entry.currency} with entry {seq}"
            )

    def _held(self, currency: str) -> int:
        """What cannot be spent of it, because it waits."""
        return sum(amount for amount, code in self.offers.values() if code == currency)

    def compare(self, stored: bytes) -> Iterator[str]:
        """How the account's record differs from what the entries say; a sentence each."""
        try:
            record = parse_record(stored)
        except ValueError:
            yield f"the record of {self.name} is damaged"
            return
        if bool(record.flags & ISSUER) != (self.name in (WORLD, LOSSES)):
            yield f"only {WORLD} may go below zero; the flags of {self.name} are {record.flags}"
        if record.version != self.changes:
            yield f"{self.name} has version {record.version} after {self.changes} money changes"
        for currency in sorted({*record.balances, *self.balances}):
            holding = record.balances.get(currency)
            has = holding.available + holding.held if holding else 0
            says = self.balances.get(currency, 0)
            if has != says:
                yield f"{self.name} has {has} {currency} but its entries add up to {says}"
            held, waits = holding.held if holding else 0, self._held(currency)
            if held != waits:
                yield f"{self.name} holds {held} {currency} back but {waits} wait"


def check_offers(replay: Replay, stored: dict[bytes, bytes]) -> Iterator[str]:
    """How the offers of an account differ from what its entries say; a sentence each."""
    found = {}
    for field, value in stored.items():
        try:
            offer = parse_offer(field, value)
        except ValueError:
            yield f"an offer to {replay.name} is damaged"
            continue
        found[offer.payer, offer.id] = offer.amount, offer.currency
    differing = {key for key, _ in set(found.items()) ^ set(replay.offers.items())}
    for payer, id in sorted(differing):
        yield f"the payment {id} of {payer} waits in the offers or in the box of {replay.name} only"


def check_mark(home: Home, stored: bytes | None) -> str | None:
    """What is wrong with the duplicate mark of a money entry, as a sentence; None for nothing."""
    entry = home.entry
    place = f"entry {entry.seq} of {entry.box}"
    if stored is None:
        return f"{place} has no duplicate mark"
    try:
        mark = Mark(stored)
    except ValueError:
        return f"the duplicate mark of {place} is damaged"
    after = (mark.available + mark.held, mark.version)
    if (mark.box, mark.seq, mark.at) != (entry.box, entry.seq, entry.at):
        return f"the duplicate mark of {place} points to entry {mark.seq} of {mark.box}"
    if mark.digest != digest_of(posted(home.stored[TIME_DIGITS:], entry)):
        return f"{place} is not what was posted"
    if not mark.money or (isinstance(entry, PaymentEntry) and after != home[2:]):
        return f"the duplicate mark of {place} holds another balance than the entries"
    wrong = f"the duplicate mark of {place} says {mark.state}"
    return None if mark.state == entry.state else wrong
