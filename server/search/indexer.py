"""Feeds the index from the mailboxes: what is behind is read in slices, a few boxes at a time."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import suppress
from typing import Any

import structlog

from ..seal.seals import Seals
from ..store.connection import Down, Lost, Refused
from .boxes import Boxes
from .changes import Reword, changes_of, words_of
from .index import Place, Slice
from .keeper import Keeper
from .standing import Standing

BOXES_PER_STEP = 16
ENTRIES_MIN, ENTRIES_MAX = 8, 128
"""Of one box in one step. They may be long: 128 KB each."""
BYTES_PER_BOX = 1024 * 1024
"""As stored: boxes with long entries are read in smaller slices."""
PAUSE_S = 0.5
"""After trouble with the store or the disk."""
TAKEN_S = 0.02
"""Where another worker reads the same box."""
TIDY_S = 5.0
LOCKED_PER_LOOK = 100


class Indexer:
    """Reads boxes into the index, in turn."""

    def __init__(self, keeper: Keeper, boxes: Boxes, seals: Seals) -> None:
        self.keeper = keeper
        self.indexed = 0
        """Entries read so far."""
        self._boxes = boxes
        self._seals = seals
        self._standing = Standing(boxes, seals)
        self._behind: dict[str, int] = {}
        """Boxes that are to be read, and how many entries of them."""
        self._told: dict[str, int] = {}
        """Boxes that have grown, and to what length."""
        self._most: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._forgotten: dict[str, None] = {}
        self._recalled = False
        """Whether it is known who was erased while no worker was here."""
        self._stir = asyncio.Event()
        self._log = structlog.get_logger("search")

    @property
    def behind(self) -> int:
        """Entries that are to be read."""
        return sum(self._behind.values())

    def changed(self, seqs: dict[str, int]) -> None:
        """These boxes hold so many entries now."""
        self._told.update(seqs)
        self._stir.set()

    def forget(self, author: str) -> None:
        """Take out the words of `author`, soon."""
        self._seals.forget(author)
        self._forgotten[author] = None
        self._stir.set()

    async def run(self) -> None:
        """Read what is behind, tidy up when nothing is; until cancelled."""
        while True:
            begun = time.monotonic()
            try:
                if not await self._work():
                    await self._rest()
                    continue
            except (Down, Lost, Refused, OSError) as error:
                self._log.warning("the search index waits", error=str(error) or repr(error))
                await asyncio.sleep(PAUSE_S)
            except sqlite3.Error as error:
                self.keeper.failed(error)
                await asyncio.sleep(PAUSE_S)
            except Exception:
                self._log.exception("a step of the search index failed")
                await asyncio.sleep(PAUSE_S)
            await asyncio.sleep(time.monotonic() - begun)  # the machine has other things to do

    async def catch_up(self, boxes: list[str], until: float) -> int:
        """Read what is behind of these boxes, at most until `until` on the loop's clock. How many
        entries are still missing.

        Raises:
            Down, Lost, Refused, OSError, sqlite3.Error
        """
        clock = asyncio.get_running_loop().time
        states = zip(boxes, await self._boxes.states(boxes), strict=True)
        behind = {
            box: missing
            for box, (epoch, length) in states
            if (missing := _missing(self._place(box), epoch, length))
        }
        while behind and clock() < until:
            left = await self._step(list(behind)[:BOXES_PER_STEP])
            for box, missing in left.items():
                del behind[box]
                if missing:
                    behind[box] = missing  # behind the others
            if not left:
                await asyncio.sleep(TAKEN_S)
        if behind:
            self._behind.update(behind)
            self._stir.set()
        return sum(behind.values())

    # Private.

    async def _work(self) -> bool:
        """Do a piece of what is most urgent; whether there was something."""
        if not self._recalled:
            async for author in self._boxes.erased():
                self._forgotten[author] = None
            self._recalled = True
        if self._told:
            self._compare()
            return True
        if self._forgotten:
            author = next(iter(self._forgotten))
            if not self.keeper.index.forget(author):
                self._forgotten.pop(author, None)
            return True
        if self._behind:
            some = list(self._behind)[:BOXES_PER_STEP]
            left = await self._step(some)
            for box in some:
                missing = left.get(box, self._behind.pop(box, 0))
                self._behind.pop(box, None)
                if missing:
                    self._behind[box] = missing
            if not left:
                await asyncio.sleep(TAKEN_S)
            return True
        return self.keeper.index.tidy(int(time.time() * 1000))

    async def _rest(self) -> None:
        """Wait for something to do, but not for long: words disappear, keys come back."""
        await self._unlock()
        with suppress(TimeoutError):
            async with asyncio.timeout(TIDY_S):
                await self._stir.wait()
        self._stir.clear()

    def _compare(self) -> None:
        """See which boxes have grown beyond what the index has."""
        told, self._told = self._told, {}
        for box, seq in told.items():
            place = self._place(box)
            missing = seq - (place.seq if place else 0)
            if missing:
                self._behind[box] = max(1, missing)

    async def _step(self, boxes: list[str]) -> dict[str, int]:
        """Read a slice of each of those boxes that nobody else reads, and how many entries are
        missing now."""
        index = self.keeper.index
        with self.keeper.claims.claim(boxes) as mine:
            read = await asyncio.gather(*(self._read(box) for box in mine))
            self.indexed += index.write(one for one, _ in read)
        return {one.box: missing for one, missing in read}

    async def _read(self, box: str) -> tuple[Slice, int]:
        place, most = self._place(box), self._most.get(box, ENTRIES_MIN)
        after = place.seq if place else 0
        epoch, length, stored = await self._boxes.read(box, after, most)
        anew = place is not None and (epoch != place.epoch or length < place.seq)
        if anew:
            after = 0
            epoch, length, stored = await self._boxes.read(box, 0, most)
        seq = after + len(stored)
        self._pace(box, stored, done=seq >= length)
        found = [(one, box, number) for number, one in enumerate(stored, after + 1)]
        changes = changes_of(await self._standing.open(found), self.keeper.index.hashes, box)
        return Slice(box, place, anew, epoch, seq, list(changes)), length - seq

    def _pace(self, box: str, stored: list[bytes], done: bool) -> None:
        """How many entries of `box` to read next: as many as are not too many bytes."""
        if done:
            self._most.pop(box, None)
        elif stored:
            fitting = BYTES_PER_BOX * len(stored) // sum(map(len, stored))
            self._most[box] = min(max(fitting, 1), ENTRIES_MAX, 4 * len(stored))

    async def _unlock(self) -> None:
        """See whether words can be read whose keys could not be had."""
        index = self.keeper.index
        refs = {
            (self._names[number], row.seq): row.ref
            for number, row in index.locked(LOCKED_PER_LOOK)
            if number in self._names
        }
        changes = []
        entries: list[Any] = await self._standing.entries(refs)
        for entry in entries:
            words, locked = words_of(entry, index.hashes.of(entry.box))
            if not locked:
                changes.append(Reword(refs[entry.box, entry.seq], words))
        if changes:
            index.unlock(changes)

    def _place(self, box: str) -> Place | None:
        place = self.keeper.index.place(box)
        if place is not None:
            self._names[place.number] = box
        return place


def _missing(place: Place | None, epoch: int, length: int) -> int:
    """How many entries of a box are to be read, if the index has it up to `place`."""
    if place is None:
        return length
    changed = epoch != place.epoch or length < place.seq
    return max(1, length) if changed else length - place.seq
