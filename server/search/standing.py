"""Entries as they stand now: with their newest words, or not at all.

The index says where to look; what is shown is what the mailbox says at that moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from protocol.frames import EditEntry, Entry, PaymentEntry

from ..reading.folding import blank, has_expired
from ..seal.seals import Found, Seals
from .boxes import Boxes, Notes
from .changes import Worded

Place = tuple[str, int]
"""A box and a seq."""


class Standing:
    """Reads entries with all that was said of them since."""

    def __init__(self, boxes: Boxes, seals: Seals) -> None:
        self._boxes = boxes
        self._seals = seals
        self._log = structlog.get_logger("search")

    async def open(self, found: list[Found]) -> list[Entry]:
        """The entries; one that is damaged is left out."""
        try:
            return await self._seals.entries(found)
        except ValueError:
            whole: list[Entry] = []
            for one in found:
                try:
                    whole += await self._seals.entries([one])
                except ValueError as error:
                    self._log.warning("an entry cannot be searched", error=str(error))
            return whole

    async def entries(self, places: Iterable[Place], owner: str = "", now: int = 0) -> list[Entry]:
        """The entries at `places` as `owner` (the owner of each box, if it is empty) may see them
        at the time `now` in ms (0: by our clock). What is deleted, expired or erased is left out.

        Raises:
            Down, Lost, Refused: the store cannot be asked.
        """
        found: list[Any] = await self.open(await self._boxes.entries(places))
        notes = await self._boxes.notes(owner, found)
        both = list(zip(found, notes, strict=True))
        edits = {(one.box, note.edits[-1]) for one, note in both if note.edits}
        edited: list[Any] = await self.open(await self._boxes.entries(edits))
        words = {(one.box, one.seq): one for one in edited if isinstance(one, EditEntry)}
        now = now or int(time.time() * 1000)
        shown = (standing(one, note, words, now) for one, note in both)
        return [one for one in shown if one is not None]


def standing(entry: Any, note: Notes, words: dict[Place, EditEntry], now: int) -> Entry | None:
    """The entry with its newest words; None if there is nothing to show."""
    if not isinstance(entry, Worded):
        hidden = note.deleted and isinstance(entry, PaymentEntry)
        return blank(entry, "deleted") if hidden else entry
    if note.deleted or has_expired(entry, now) or entry.gone not in (UNSET, "locked"):
        return None
    if not note.edits:
        return entry
    edit = words.get((entry.box, note.edits[-1]))
    if edit is None or edit.gone not in (UNSET, "locked"):
        return None
    return replace(entry, text=edit.text, gone=edit.gone, mentions=edit.mentions)
