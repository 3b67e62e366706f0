"""The copy of one room in one other region, as a hub of the room's home keeps it up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import structlog

from protocol.codec import Codec

from ..ledger.entries import TIME_DIGITS
from ..store.connection import Down, Lost, Refused
from .frames import Mirror, Mirrored, Reply
from .link import Link, Unreachable

if TYPE_CHECKING:
    from ..services import Services

PUSH_ENTRIES = 256
PUSH_BYTES = 256 * 1024
"""What one push holds at most, unless one entry alone is larger."""
WINDOW = 8
"""Pushes without an answer, so that a long way does not limit the rate."""
LOOK_S = 5.0
"""How often the room is looked at although nothing was heard of it."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""After failures, one behind the other; the last one repeats."""


class _Unread:
    """The encoding of a listener that only wants to know that there is something."""

    text = False

    @staticmethod
    def encode(frame: object) -> bytes:
        del frame
        return b""


_UNREAD = cast(Codec, _Unread())


class Copy:
    """One room, one region. A `Listener` of the room while it runs."""

    codec = _UNREAD
    coming = False

    def __init__(self, services: Services, link: Link, room: str) -> None:
        self._services = services
        self._link = link
        self._room = room
        self._keys = services.keyspace.of(room)
        self._next: int | None = None
        """How many entries the copy has when all pushes have come; None: not known."""
        self._flying: dict[asyncio.Future[Reply], int] = {}
        """Pushes without an answer, and how long the copy should be then."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.put: Callable[[bytes], None] = self._heard
        """Told as a listener of the room."""
        self._log = structlog.get_logger("regions")

    # A listener.

    def _heard(self, data: bytes) -> None:
        """The room has changed."""
        del data
        self._wake.set()

    def resync(self) -> None:
        """The room has changed in a way that this hub does not know."""
        self.look_again()

    def look_again(self) -> None:
        """Ask the copy where it stands."""
        self._next = None
        self._wake.set()

    # Called by the mirrors.

    def start(self) -> None:
        """Keep the copy up to date from now on."""
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """No more of that."""
        if self._task is not None:
            self._task.cancel()

    async def fill(self) -> None:
        """Push until the copy has all there is.

        Raises:
            Unreachable: the other region does not answer.
            Down, Lost, Refused: nor does the store.
        """
        while True:
            await self._push_all()
            if self._flying:
                await asyncio.wait(self._flying)
            elif self._next is not None:
                return

    # Private.

    async def _run(self) -> None:
        failures = 0
        try:
            while True:
                self._wake.clear()
                if await self._keep_up():
                    failures = 0
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await self._wake.wait()
                else:
                    self._next = None
                    await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                    failures += 1
        finally:
            self._services.hub.unfollow(self, self._room)

    async def _keep_up(self) -> bool:
        """Push what there is; whether that could be done."""
        try:
            self._listen()
            await self._push_all()
        except (Unreachable, Down, Lost, Refused):
            return False
        except Exception:  # a mistake of ours must not end the copying for good
            self._log.exception("a room cannot be copied", room=self._room)
            return False
        return True

    def _listen(self) -> None:
        """Hear the room, from where it stands when the store answers.

        Raises:
            Down: there is no store.
        """
        services, room = self._services, self._room
        found = services.hub.rooms.get(room)
        if found is not None and self in found:
            return

        def take(replies: list[object]) -> None:
            length = replies[0]
            if isinstance(length, int) and self._task is not None and not self._task.done():
                services.hub.follow(self, room, length)
            self._wake.set()

        services.relay.listen([room])
        services.pipeline_of(self._keys.partition).read([("LLEN", self._keys.box)], take)

    async def _push_all(self) -> None:
        """Push what there is; the answers may come later."""
        while True:
            if self._next is None:
                await self._ask()
            at = self._next
            entries = await self._read(at or 0)
            if at is None or at != self._next:
                continue  # something came between
            if not entries:
                await self._see_that_nothing_is_lost(at)
                return
            self._push(at, entries)
            while len(self._flying) >= WINDOW:
                await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)

    async def _see_that_nothing_is_lost(self, there: int) -> None:
        """A copy that is longer than its original has what the store lost: a new epoch begins."""
        channel = self._services.channel(self._keys.partition)
        length = await channel.request("LLEN", self._keys.box)
        if isinstance(length, int) and length < there:
            self._services.catch_up.posts_lost(self._keys.partition)
            asyncio.get_running_loop().call_later(PAUSES_S[0], self.look_again)

    async def _ask(self) -> None:
        """Learn where the copy stands, behind all that was pushed so far."""
        reply = await self._link.ask(self._mirror(0, []))
        self._next = reply.length if isinstance(reply, Mirrored) else None

    async def _read(self, after: int) -> list[bytes]:
        """Entries behind the first `after`, as many as one push may hold."""
        channel = self._services.channel(self._keys.partition)
        last = after + PUSH_ENTRIES - 1
        stored: Any = await channel.request("LRANGE", self._keys.box, after, last)
        taken, size = 0, 0
        for entry in stored:
            size += len(entry)
            if taken and size > PUSH_BYTES:
                break
            taken += 1
        return list(stored[:taken])

    def _push(self, after: int, entries: list[bytes]) -> None:
        future = self._link.send(self._mirror(after, entries))
        self._next = self._flying[future] = after + len(entries)
        future.add_done_callback(self._landed)

    def _landed(self, future: asyncio.Future[Reply]) -> None:
        expected = self._flying.pop(future)
        failed = future.cancelled() or future.exception() is not None
        reply = None if failed else future.result()
        if not isinstance(reply, Mirrored) or reply.length < expected:
            self.look_again()

    def _mirror(self, after: int, entries: list[bytes]) -> Mirror:
        epoch = self._services.epoch_of(self._keys.partition)
        keys = self._services.seals.carried(entry[TIME_DIGITS:] for entry in entries)
        return Mirror(self._room, epoch, after, entries, keys)
