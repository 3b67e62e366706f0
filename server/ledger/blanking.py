"""Takes deleted and disappeared words out of the store: the entry stays where it is, without them.

Nobody is told such words anyway (`server.reading.folding`). This is so that they are not there any
more: all boxes are walked slowly, by their indexes. An entry is only replaced if it still stands
where it was read. The notes of payments stay, as their marks vouch for them; nobody is told those,
either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from protocol.frames import EditEntry, Entry, ForwardEntry, MessageEntry

from .entries import TIME_DIGITS, encode_entry, read_entry
from .library import Commands
from .notes import DELETES, EDITS, EXPIRES, HOUR_MS, seqs_of
from .posts import Mark

KEYS_PER_STEP = 200
FIELDS_PER_STEP = 100
PAUSE_S = 0.25
ROUND_S = 3600.0
"""Pause between two walks."""
LOOKED_THROUGH = 5_000
"""Entries before a deletion among which its subject is looked for, where no mark says where it
stands: in the box of the other person, and after eight days. What stands further back keeps its
words, which nobody is told."""
_SLICE = 100
DONE = b""
"""What stands in the field of a deletion whose words are gone."""
_WORDS = (MessageEntry, EditEntry, ForwardEntry)

Gone = Literal["deleted", "expired"]


async def sweep_words(servers: Callable[[], Sequence[Commands]]) -> None:
    """Run until cancelled; `servers` answers all primaries there are."""
    log = structlog.get_logger("sweeper")
    while True:
        await asyncio.sleep(ROUND_S)
        for store in servers():
            try:
                log.info("words taken out", entries=await blank_once(store, PAUSE_S))
            except Exception as error:  # the store may be away; the next round comes
                log.warning("sweep of words broken off", error=str(error))


async def blank_once(store: Commands, pause_s: float = 0.0, now: int | None = None) -> int:
    """One walk over all boxes; returns how many entries have lost their words. `now`, in ms: the
    store's clock, if not given."""
    if now is None:
        seconds: Any = await store.execute_command("TIME")
        now = int(seconds[0]) * 1000
    cursor, blanked = 0, 0
    while True:
        answer: Any = await store.execute_command(
            "SCAN", cursor, "MATCH", "{p*}e:*", "COUNT", KEYS_PER_STEP, "TYPE", "hash"
        )
        cursor = int(answer[0])
        for key in answer[1]:
            blanked += await _Box(store, key, now).sweep(pause_s)
        if cursor == 0:
            return blanked
        await asyncio.sleep(pause_s)


class _Box:
    """One box, by the key of its index."""

    def __init__(self, store: Commands, refs: bytes, now: int) -> None:
        self._ask = store.execute_command
        self._refs = refs
        self._now = now
        self._tag, _, name = refs.partition(b"e:")
        self._name = name.decode()
        self._key = self._tag + b"m:" + name

    async def sweep(self, pause_s: float) -> int:
        """Blank what its index says is to be."""
        cursor, blanked = 0, 0
        while True:
            answer: Any = await self._ask("HSCAN", self._refs, cursor, "COUNT", FIELDS_PER_STEP)
            cursor = int(answer[0])
            fields = answer[1].items() if isinstance(answer[1], dict) else _pairs(answer[1])
            for field, value in fields:
                blanked += await self._field(field.decode(), value)
            if cursor == 0:
                return blanked
            await asyncio.sleep(pause_s)

    async def _field(self, field: str, value: bytes) -> int:
        letter, rest = field[0], field[1:]
        if letter == EXPIRES and int(rest) * HOUR_MS <= self._now:
            blanked = sum([await self._blank(seq, "expired") for seq in seqs_of(value)])
            await self._ask("HDEL", self._refs, field)
            return blanked
        if letter == DELETES and value != DONE:
            who, _, id = rest.partition(":")
            blanked = await self._deleted(who, id, seqs_of(value))
            await self._ask("HSET", self._refs, field, DONE)
            return blanked
        return 0

    async def _deleted(self, who: str, id: str, seqs: list[int]) -> int:
        """Take out the words of an entry that was deleted at these places, and of its edits."""
        edits = await self._ask("HGET", self._refs, f"{EDITS}{who}:{id}")
        places = seqs_of(edits)
        subject = await self._find(who, id, seqs[0])
        if subject:
            places.append(subject)
        return sum([await self._blank(seq, "deleted") for seq in places])

    async def _find(self, who: str, id: str, before: int) -> int:
        """Where the entry `id` of `who` stands in this box; 0 if that is not found."""
        stored: Any = await self._ask("GET", self._tag + f"d:{who}:{id}".encode())
        if stored is not None and (mark := Mark(stored)).box == self._name:
            return mark.seq
        last = before - 1
        while last > max(0, before - LOOKED_THROUGH):
            first = max(1, last - _SLICE + 1)
            entries: Any = await self._ask("LRANGE", self._key, first - 1, last - 1)
            for place in range(len(entries) - 1, -1, -1):
                entry: Any = read_entry(entries[place], self._name, first + place)
                if isinstance(entry, _WORDS) and (entry.from_, entry.id) == (who, id):
                    return first + place
            last = first - 1
        return 0

    async def _read(self, seq: int) -> tuple[bytes, Entry | None]:
        stored: Any = await self._ask("LINDEX", self._key, seq - 1)
        return (b"", None) if stored is None else (stored, read_entry(stored, self._name, seq))

    async def _blank(self, seq: int, gone: Gone) -> int:
        """Take out the words of the entry at `seq`, if it has any; 1 if it had."""
        stored, entry = await self._read(seq)
        if not isinstance(entry, _WORDS) or entry.gone is not UNSET:
            return 0
        empty = replace(entry, text="", gone=gone, box="", seq=0, at=0)
        body = stored[:TIME_DIGITS] + encode_entry(empty)
        command = ("FCALL", "teller_blank", 1, self._key, seq - 1, stored, body)
        done = await self._ask(*command)
        assert isinstance(done, int)
        return done


def _pairs(flat: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
