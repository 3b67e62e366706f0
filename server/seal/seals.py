"""The seals of all accounts: which keys are at hand, and entries opened with them.

Keys are mostly at hand: in memory, or in a file of this machine. Those of another server or region
are asked for, and whoever reads entries waits for them; so reading has a callback, which is nearly
always called at once. Keys stay in memory for an hour at most: an erasure that nobody told of is
then noticed everywhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import structlog

from protocol.frames import Entry

from ..ledger.entries import (
    SEALED,
    TIME_DIGITS,
    WORDS,
    decode_entry,
    encode_entry,
    read_entry,
    split,
)
from .keys import DESTROYED, KEY_BYTES, KeysError, KeyStore
from .seal import Destroyed, Seal
from .words import author, sealed_body, show, with_words, without_words

KEPT_S = 3600.0
"""How long a key stays in memory."""
LOCKED_S = 5.0
"""How long a key that could not be had is not asked for again."""
KEYS_MAX = 65_536
"""Keys in memory; about 20 MB."""
PATIENCE_S = 2.0
"""How long a reader waits for keys; entries whose keys have not come are told as `locked`."""
Found = tuple[bytes, str, int]
"""An entry as stored, its box and its seq."""
AskFar = Callable[[list[str]], Awaitable[Mapping[str, bytes]]]
"""Asks the other regions for the keys of accounts that may live there."""


class _Known(NamedTuple):
    seal: Seal | None
    """None: it could not be had."""
    until: float
    own: bool
    """It comes from our own keys, not from another region."""


class Seals:
    """Seals and opens words, for one hub."""

    def __init__(self, keys: KeyStore) -> None:
        self.keys = keys
        self.ask_far: AskFar | None = None
        self.locked = 0
        """Entries that were told without their words because a key could not be had."""
        self._known: dict[str, _Known] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("seals")

    # For those who write.

    async def prepare(self, name: str) -> Seal:
        """The seal of an account of this region, which gets a key if it has none.

        Raises:
            KeysError: the keys cannot be used now.
        """
        seal, known = self._at_hand(name), self._known.get(name)
        if seal is not None and known is not None and known.own:
            return seal
        return self._keep(name, await self.keys.make(name))

    def body(self, entry: Entry) -> bytes:
        """The stored form of an entry whose author's key is at hand.

        Raises:
            Destroyed: it is not, or not any more.
        """
        kind = type(entry)
        if kind not in WORDS:
            return encode_entry(entry)
        seal = self._at_hand(author(entry))
        if seal is None:
            raise Destroyed
        return sealed_body(seal, entry)

    # For those who read.

    def read(self, found: list[Found], then: Callable[[list[Entry]], None]) -> None:
        """Call `then` with these entries as they are sent: with their words, or with `gone`.

        Raises:
            ValueError: if one is damaged.
        """
        entries = [read_entry(*one) for one in found]
        closed = [
            (place, entries[place], stored[TIME_DIGITS:])
            for place, (stored, _, _) in enumerate(found)
            if stored[TIME_DIGITS] == SEALED
        ]

        def opened() -> None:
            for place, entry, body in closed:
                entries[place] = self._opened(entry, body)
            then(entries)

        self.ready((author(entry) for _, entry, _ in closed), opened)

    def read_page(
        self, reply: list[Any], box: str, then: Callable[[int, list[Entry]], None]
    ) -> None:
        """Call `then` with the length of `box` and the entries that `read_call` brought.

        Raises:
            ValueError: if one is damaged.
        """
        length, last, stored = reply
        first = last - len(stored) + 1
        found = [(one, box, seq) for seq, one in enumerate(stored, first)]
        self.read(found, lambda entries: then(length, entries))

    async def entries(self, found: list[Found]) -> list[Entry]:
        """The same for a coroutine.

        Raises:
            ValueError: if one is damaged.
        """
        done: asyncio.Future[list[Entry]] = asyncio.get_running_loop().create_future()
        self.read(found, lambda entries: None if done.done() else done.set_result(entries))
        return await done

    def opened(self, body: bytes, then: Callable[[Entry], None]) -> None:
        """Call `then` with the entry of a body that has no place yet.

        Raises:
            ValueError: if it is damaged.
        """
        entry = decode_entry(body)
        if body[0] != SEALED:
            then(entry)
        else:
            self.ready([author(entry)], lambda: then(self._opened(entry, body)))

    def ready(self, names: Iterable[str], then: Callable[[], None]) -> None:
        """Call `then` once the keys of these accounts are at hand, or could not be had."""
        missing = [name for name in set(names) if self._at_hand(name) is None]
        if not missing or all(name in self._known for name in missing):
            then()
            return
        task = asyncio.create_task(self._then(missing, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def reveal(self, name: str, field: str, stored: str) -> str:
        """A small text that was hidden (see `hide`); empty if its key is not at hand. What was
        never hidden stays as it is."""
        return show(stored, field, self._at_hand(name))

    # What goes to other regions.

    def carried(self, bodies: Iterable[bytes]) -> dict[str, tuple[bytes, int]]:
        """The keys of those who wrote these bodies, as far as they are at hand, and for how many
        seconds they may be kept: they travel with the words, so that these can be read at once."""
        now, found, names = time.monotonic(), dict[str, tuple[bytes, int]](), set[str]()
        for body in bodies:
            if split(body)[1]:
                with suppress(ValueError):  # whoever takes it says that it is damaged
                    names.add(author(decode_entry(body)))
        for name in names:
            seal, known = self._at_hand(name), self._known.get(name)
            if seal is not None and known is not None:
                found[name] = seal.key, int(known.until - now)
        return found

    def told(self, keys: Mapping[str, tuple[bytes, int]]) -> None:
        """Take keys that came with words of another region; never in place of those we have."""
        for name, (key, kept_s) in keys.items():
            if self._at_hand(name) is None and len(key) == KEY_BYTES:
                self._keep(name, key, own=False, kept_s=min(kept_s, KEPT_S))

    # Erasure.

    async def destroy(self, name: str) -> None:
        """Destroy the key of an account for ever. May be repeated.

        Raises:
            KeysError: it is not certain; try again.
        """
        await self.keys.destroy(name)
        self.forget(name)

    def forget(self, name: str) -> None:
        """The key of an account was destroyed elsewhere."""
        known = self._known.pop(name, None)
        if known is not None and known.seal is not None:
            known.seal.destroy()

    def look_again(self) -> None:
        """Keys may have been destroyed elsewhere without a word that was heard here."""
        self._known.clear()

    async def close(self) -> None:
        """Let go of the keys."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.keys.close()

    # Private.

    def _at_hand(self, name: str) -> Seal | None:
        known = self._known.get(name)
        if known is not None:
            if known.until > time.monotonic():
                return known.seal
            del self._known[name]
        key = self.keys.at_hand(name)
        return None if key is None else self._keep(name, key)

    def _keep(self, name: str, key: bytes | None, own: bool = True, kept_s: float = KEPT_S) -> Seal:
        known, now = self._known, time.monotonic()
        seal = Seal(b"" if key == DESTROYED or key is None else key)
        if key is None:
            known[name] = _Known(None, now + LOCKED_S, own)
        else:
            known[name] = _Known(seal, now + kept_s, own)
        if len(known) > KEYS_MAX:
            del known[next(iter(known))]
        return seal

    async def _then(self, missing: list[str], then: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._learn(missing)
        except (KeysError, TimeoutError) as error:
            self._log.warning("keys cannot be had now", error=str(error) or repr(error))
            for name in missing:
                if self._at_hand(name) is None:
                    self._keep(name, None)
        try:
            then()
        except Exception:  # whoever asked has gone on
            self._log.exception("entries were opened for somebody who could not take them")

    async def _learn(self, missing: list[str]) -> None:
        found = await self.keys.find(missing)
        far = [name for name in missing if name not in found]
        told: Mapping[str, bytes] = {}
        if far and self.ask_far is not None:
            told = await self.ask_far(far)
        for name in missing:
            self._keep(name, found.get(name) or told.get(name), own=name in found)

    def _opened(self, entry: Entry, body: bytes) -> Entry:
        known = self._known.get(author(entry))
        if known is None or known.seal is None:
            self.locked += 1
            return without_words(entry, "locked")
        try:
            return with_words(known.seal, entry, body)
        except Destroyed:
            return without_words(entry, "erased")
        except ValueError:  # the keys are of another past than the store
            self.locked += 1
            return without_words(entry, "locked")
