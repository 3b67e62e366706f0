"""Pages of a box: where they begin, what stands on them, and what changed it later.

What is deleted or has disappeared is handed out without its words. What speaks of an entry on the
page but stands behind it is found by the box's index (`ledger.notes`) and handed out as `later`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from protocol.frames import Entry

from ..commit.replies import read_all
from ..ledger.entries import TIME_DIGITS, read_call
from ..ledger.keys import AccountKeys
from ..ledger.notes import (
    DELETES,
    EDITS,
    LETTERS,
    PINS,
    REACTIONS,
    field,
    newest_of,
    seqs_of,
)
from ..seal.seals import Found
from ..store.connection import Command
from .folding import Key, hide, subject_of

if TYPE_CHECKING:
    from ..services import Services

PAGE_BYTES_MAX = 128 * 1024
"""Most that a page holds, as stored, unless one entry alone is larger. Even where JSON escapes
every character it stays below 1 MiB, the most that many WebSocket clients take."""
LATER_MAX = 200
"""Most entries behind a page that are handed out with it, the newest ones; the same for each page
of a thread. Their bytes are bounded as those of a page."""
_SLICE = 25
"""So many of them are read at once."""
_PROBES = 15
"""Entries that are looked at in one step of the search for a time."""
_LETTERS = (DELETES, EDITS, PINS, REACTIONS)


class Page(NamedTuple):
    """Entries of a box, ascending, as they may be handed out."""

    entries: list[Entry]
    length: int
    """How many entries the box holds."""
    later: list[Entry]


Take = Callable[[Page | None], None]
"""Takes a page; None, if the store cannot say now."""


class Pages:
    """Reads pages of `box` for the account `own`."""

    def __init__(self, services: Services, own: AccountKeys, box: str) -> None:
        self._services = services
        self._own = own
        self._box = services.keyspace.of(box)

    def below(self, before: int | None, limit: int, take: Take) -> None:
        """The newest entries below `before`; None: below the end."""
        if before is not None and before <= 1:
            take(Page([], 0, []))
            return
        first, last = (-limit, -1) if before is None else (before - 1 - limit, before - 2)

        def found(length: int, entries: list[Entry]) -> None:
            if before is not None and before > length + 1:
                self.below(None, limit, take)
            else:
                self._shown(entries, length, take)

        first = first if before is None else max(0, first)
        self._entries(first, last, found, take)

    def above(self, after: int, limit: int, take: Take) -> None:
        """The oldest entries after `after`."""

        def found(length: int, entries: list[Entry]) -> None:
            # The store reads the newest that fit, but the oldest are due.
            if entries and seq_of(entries[0]) > after + 1:
                self.above(after, max(1, min(limit - 1, limit // 2)), take)
            else:
                self._shown(entries, length, take)

        self._entries(after, after + limit - 1, found, take)

    def since(self, at: int, limit: int, take: Take) -> None:
        """Those from the time `at`, in ms, on."""

        def found(replies: dict[int, list[object]] | None) -> None:
            length = replies[self._box.partition][0] if replies is not None else None
            if not isinstance(length, int):
                take(None)
            else:
                self._narrow(at, 0, length, lambda after: self.above(after, limit, take), take)

        read_all(self._services, {self._box.partition: [("LLEN", self._box.box)]}, found)

    def among(self, seqs: Sequence[int], take: Take) -> None:
        """The entries at these places, ascending; fewer, from the first on, if they are long."""
        stored: list[Found] = []

        def got(found: list[Found] | None) -> None:
            if found is None:
                take(None)
                return
            stored.extend(found)
            self._services.seals.read(stored, lambda entries: self._shown(entries, 0, take))

        self._pick(list(seqs), got)

    # Reading.

    def _entries(
        self, first: int, last: int, found: Callable[[int, list[Entry]], None], take: Take
    ) -> None:
        partition = self._box.partition

        def answer(replies: dict[int, list[object]] | None) -> None:
            if replies is None:
                take(None)
                return
            reply = replies[partition][0]
            assert isinstance(reply, list)
            self._services.seals.read_page(reply, self._box.name, found)

        command = read_call(self._box.box, first, last, PAGE_BYTES_MAX)
        read_all(self._services, {partition: [command]}, answer)

    def _narrow(
        self, at: int, low: int, high: int, done: Callable[[int], None], take: Take
    ) -> None:
        """Find how many entries are older than `at`; it is between `low` and `high`."""
        if low >= high:
            done(low)
            return
        step = max(1, (high - low) // (_PROBES + 1))
        places = list(range(low, high, step))[: _PROBES + 2]
        commands: list[Command] = [("LINDEX", self._box.box, place) for place in places]

        def found(replies: dict[int, list[object]] | None) -> None:
            if replies is None:
                take(None)
                return
            under, over = low, high
            for place, stored in zip(places, replies[self._box.partition], strict=True):
                if isinstance(stored, bytes) and int(stored[:TIME_DIGITS]) < at:
                    under = place + 1
                else:
                    over = place
                    break
            self._narrow(at, under, over, done, take)

        read_all(self._services, {self._box.partition: commands}, found)

    def _pick(self, seqs: list[int], got: Callable[[list[Found] | None], None]) -> None:
        """Read the entries at these places, in this order, as far as the bytes allow."""
        picked: list[Found] = []
        room = PAGE_BYTES_MAX

        def some(start: int) -> None:
            chosen = seqs[start : start + _SLICE]
            if not chosen:
                got(picked)
                return
            commands: list[Command] = [("LINDEX", self._box.box, seq - 1) for seq in chosen]

            def found(replies: dict[int, list[object]] | None) -> None:
                nonlocal room
                if replies is None:
                    got(None)
                    return
                for seq, stored in zip(chosen, replies[self._box.partition], strict=True):
                    if not isinstance(stored, bytes):
                        continue
                    room -= len(stored)
                    if room < 0 and picked:
                        got(picked)
                        return
                    picked.append((stored, self._box.name, seq))
                some(start + _SLICE)

            read_all(self._services, {self._box.partition: commands}, found)

        some(0)

    # What is shown.

    def _shown(self, entries: list[Entry], length: int, take: Take) -> None:
        """Ask what speaks of these entries, and show them by it."""
        keys = list(dict.fromkeys(key for key in map(subject_of, entries) if key is not None))
        if not keys:
            take(Page(entries, length, []))
            return
        box, own = self._box, self._own
        fields = [field(letter, *key) for letter in _LETTERS for key in keys]
        wanted: dict[int, list[Command]] = {box.partition: [("HMGET", box.refs, *fields)]}
        if box is not own:  # what one hid from oneself
            hidden: Command = ("HMGET", own.refs, *fields[: len(keys)])
            wanted.setdefault(own.partition, []).append(hidden)

        def found(replies: dict[int, list[object]] | None) -> None:
            if replies is None:
                take(None)
                return
            noted = replies[box.partition][0]
            mine = replies[own.partition][-1]
            assert isinstance(noted, list)
            assert isinstance(mine, list)
            gone = {key for key, *of in zip(keys, noted, mine, strict=False) if of != [None, None]}
            seqs = _behind(noted, len(keys), set(map(seq_of, entries)))
            self._with_later(Page(entries, length, []), gone, seqs, take)

        read_all(self._services, wanted, found)

    def _with_later(self, page: Page, gone: Collection[Key], seqs: list[int], take: Take) -> None:
        now = self._services.store_now()

        def opened(later: list[Entry]) -> None:
            later = sorted(hide(later, gone, now), key=seq_of)
            take(Page(hide(page.entries, gone, now), page.length, later))

        def got(found: list[Found] | None) -> None:
            if found is None:
                take(None)
            else:
                self._services.seals.read(found, opened)

        if seqs:
            self._pick(seqs, got)
        else:
            opened([])


def _behind(noted: list[object], keys: int, known: set[int]) -> list[int]:
    """The places, but for those `known`, of what changes a page: all deletions, of each entry the
    newest edit and pin, and reactions; the newest first, what weighs most before all."""
    some: list[int] = []
    for number, letter in enumerate(_LETTERS):
        fields = noted[number * keys : (number + 1) * keys]
        places = [newest_of(one, LATER_MAX, letter) for one in fields]
        newest = letter in (EDITS, PINS)
        chosen = (seq for one in places for seq in (one[-1:] if newest else one))
        some += sorted((seq for seq in chosen if seq not in known), reverse=True)
    return some[:LATER_MAX]


def seq_of(entry: Entry) -> int:
    """Where `entry` stands."""
    seq: int = entry.seq  # type: ignore[attr-defined]
    return seq


def noted_about(noted: Sequence[object], after: int) -> list[int]:
    """All places behind `after` that the fields of an entry in the index hold, one for each letter,
    ascending."""
    fields = zip(noted, LETTERS, strict=True)
    return sorted({seq for one, letter in fields for seq in seqs_of(one, letter) if seq > after})
