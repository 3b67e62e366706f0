"""Answers questions: candidates from the index, newest first, each held against its mailbox."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec import UNSET

from protocol.frames import AnyEntry, PaymentEntry

from .changes import MONEY, Moneyed, sent_by, spoken_with
from .index import Index
from .indexer import Indexer
from .keeper import Keeper
from .messages import Found, Question
from .paging import Mark, parse_mark
from .snippets import snippet
from .standing import Standing
from .words import Query, Terms

CATCH_UP_S = 1.0
"""How long what is missing of the asker's boxes is read before they are searched."""
SEARCH_S = 2.0
"""How long is searched; what was found by then is the page."""
PAGE_CHARS_MAX = 128 * 1024
"""Of the texts of a page, unless one entry alone is longer."""
AHEAD = 32
"""Candidates that are looked at together."""


class Finder:
    """Answers one question after the other."""

    def __init__(self, keeper: Keeper, indexer: Indexer, standing: Standing) -> None:
        self._keeper = keeper
        self._indexer = indexer
        self._standing = standing

    async def answer(self, question: Question) -> Found:
        """The page asked for.

        Raises:
            Down, Lost, Refused: the store cannot be asked.
            OSError, sqlite3.Error: the index cannot be used.
        """
        clock = asyncio.get_running_loop().time
        behind = await self._indexer.catch_up(question.boxes, clock() + CATCH_UP_S)
        until = clock() + SEARCH_S
        page = _Page(question)
        candidates = _candidates(self._keeper.index, question, page.query)
        while not page.full:
            some = list(islice(candidates, AHEAD))
            if not some:
                break
            places = [(mark.box, mark.seq) for mark in some]
            entries: list[Any] = await self._standing.entries(places, question.owner, question.now)
            page.add(some, {(one.box, one.seq): one for one in entries})
            if clock() > until:
                page.full = True
        return page.found(behind)


def _candidates(index: Index, question: Question, query: Query) -> Iterator[Mark]:
    """What the index has to offer, in order."""
    after = parse_mark(question.after) if question.after else None
    keys = query.keys()
    if question.who:
        keys.append(sent_by(question.who))
    if question.peer:
        keys.append(spoken_with(question.peer))
    if question.money:
        keys.append(MONEY)
    each = (_of_box(index, box, keys, question, after) for box in question.boxes)
    return heapq.merge(*each, key=lambda mark: mark.order)


def _of_box(
    index: Index, box: str, keys: list[str], question: Question, after: Mark | None
) -> Iterator[Mark]:
    place = index.place(box)
    if place is None:
        return
    hashes, below = index.hashes.of(box), place.seq + 1
    if question.until is not None:
        below = min(below, index.first_after(place, question.until))
    if after is not None:
        at, seq = after.below(box)
        below = min(below, index.first_after(place, at), seq or below)
    terms = hashes.all(keys)
    while True:
        rows = index.rows(place.number, terms, below, AHEAD)
        for row in rows:
            if row.at < question.since:
                return
            yield Mark(row.at, box, row.seq)
        if len(rows) < AHEAD:
            return
        below = rows[-1].seq


class _Page:
    """Hits so far."""

    def __init__(self, question: Question) -> None:
        self.query = Query.of(question.words)
        self.full = False
        """Whether there may be more, but not on this page."""
        self._question = question
        self._hits: list[tuple[AnyEntry, str]] = []
        self._chars = 0
        self._last: Mark | None = None

    def add(self, marks: list[Mark], entries: dict[tuple[str, int], Any]) -> None:
        """Take those candidates that are meant."""
        for mark in marks:
            entry = entries.get((mark.box, mark.seq))
            if entry is not None and self._is_meant(entry):
                text = _text(entry)
                room = self._chars + len(text) <= PAGE_CHARS_MAX or not self._hits
                if len(self._hits) == self._question.limit or not room:
                    self.full = True
                    return
                self._chars += len(text)
                self._hits.append((entry, snippet(text, self.query)))
            self._last = mark

    def found(self, behind: int) -> Found:
        """The page; `behind` entries could not be looked at."""
        after = str(self._last) if self.full else ""
        return Found(self._question.number, self._hits, after, behind)

    def _is_meant(self, entry: Any) -> bool:
        asked = self._question
        if asked.who and entry.from_ != asked.who:
            return False
        if asked.money and not isinstance(entry, Moneyed):
            return False
        if entry.at < asked.since or (asked.until is not None and entry.at > asked.until):
            return False
        if _shown_twice(entry, asked):
            return False
        return not self.query or self.query.fits(Terms.of(_text(entry)))


def _shown_twice(entry: Any, asked: Question) -> bool:
    """Whether a room shows a payment that stands in the asker's own box, which is searched too."""
    return (
        isinstance(entry, PaymentEntry)
        and entry.box != asked.owner
        and asked.owner in (entry.from_, entry.to)
        and asked.owner in asked.boxes
    )


def _text(entry: Any) -> str:
    text = getattr(entry, "text", UNSET)
    return "" if text is UNSET else str(text)
