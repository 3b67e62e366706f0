"""Rooms that have members in other regions: each such region keeps a copy of the room's box.

The copy has the same places as the original, so history and resume are local there, with the same
`seq`. The room's home pushes: a copy takes entries only behind those that it has, and answers how
many it holds, so a push that comes twice, or out of turn, changes nothing. Which regions copy which
rooms is in the home's store. The courier of the room's partition keeps their copies up to date; it
hears of new entries as anyone who listens to the room does, and reads them from the store.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from protocol.errors import Code, FrameError

from ..ledger.entries import TIME_DIGITS, decode_entry
from ..ledger.notes import fields_of, tag_of
from ..store.connection import Down, Lost, Refused
from .copying import Copy
from .frames import Failed, Mirror, Mirrored
from .link import Unreachable

if TYPE_CHECKING:
    from ..services import Services
    from .world import World

SCAN_S = 1.0
FILL_S = 3.0
"""How long somebody who joins waits for the copy of the room in their region; what is missing then
is pushed on, and they try again."""
RETRY_MS = 1_000


class Mirrors:
    """All copies: of the rooms here in other regions, and of other regions' rooms here."""

    def __init__(self, services: Services, world: World) -> None:
        self._services = services
        self._world = world
        self.copies: dict[bytes, Copy] = {}
        """Those that this hub keeps up to date, by their names in the store."""
        self._filling: dict[bytes, asyncio.Task[None]] = {}
        self._soon = asyncio.Event()
        world.answers[Mirror] = self._take
        for link in world.links.values():
            link.on_up.append(self._look_again)
        self._log = structlog.get_logger("regions")

    async def run(self) -> None:
        """Keep copies up to date, until cancelled."""
        try:
            while True:
                self._soon.clear()
                try:
                    await self._scan()
                except (Down, Lost, Refused):
                    pass  # the next look finds them
                except Exception:
                    self._log.exception("a look at the mirrored rooms failed")
                with suppress(TimeoutError):
                    async with asyncio.timeout(SCAN_S):
                        await self._soon.wait()
        finally:
            for copy in self.copies.values():
                copy.stop()
            for task in self._filling.values():
                task.cancel()

    async def begin(self, room: str, region: str, id: str) -> None:
        """From now on `region` has a copy of `room`, if that is here; returns when it is complete.

        Raises:
            FrameError: `busy` as long as much is missing, `unavailable` without a link.
            Down, Lost, Refused: there is no store.
        """
        services = self._services
        keys = services.keyspace.of(room)
        channel = services.channel(keys.partition)
        if not await channel.request("EXISTS", keys.record):
            return
        name = f"{region} {room}".encode()
        if await channel.request("SADD", services.keyspace.mirrored(keys.partition), name):
            self._soon.set()
        task = self._filling.get(name)
        if task is None:
            task = self._filling[name] = asyncio.create_task(self._fill(name, room, region))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait_for(asyncio.shield(task), FILL_S)
        except TimeoutError:
            raise FrameError(Code.BUSY, id, retry_after_ms=RETRY_MS) from None
        except Unreachable:
            raise FrameError(Code.UNAVAILABLE, id, region=region) from None

    # Private: copies of our rooms.

    async def _fill(self, name: bytes, room: str, region: str) -> None:
        try:
            await Copy(self._services, self._world.links[region], room).fill()
        finally:
            del self._filling[name]

    def _look_again(self) -> None:
        for copy in self.copies.values():
            copy.look_again()

    async def _scan(self) -> None:
        """Start and end copies, as the store and the other hubs will have it."""
        services = self._services
        wanted: set[bytes] = set()
        for partition in services.courier.mine:
            key = services.keyspace.mirrored(partition)
            found: Any = await services.channel(partition).request("SMEMBERS", key)
            wanted.update(found)
        for name in self.copies.keys() - wanted:
            self.copies.pop(name).stop()
        for name in wanted - self.copies.keys():
            region, _, room = name.decode().partition(" ")
            link = self._world.links.get(region)
            if link is not None:
                copy = self.copies[name] = Copy(services, link, room)
                copy.start()

    # Private: copies of other regions' rooms.

    async def _take(self, region: str, told: Mirror) -> Mirrored | Failed:
        """Entries of a room of `region`."""
        services = self._services
        keys = services.keyspace.of(told.room)
        origin = f"{region} {told.epoch}"
        keys_of_copy = (keys.box, services.keyspace.origin(told.room), keys.record, keys.refs)
        call = ("FCALL", "teller_mirror", len(keys_of_copy), *keys_of_copy)
        held: list[bytes | str | int] = [origin, told.after, len(told.entries), *told.entries]
        channel = services.channel(keys.partition)
        try:
            answer: Any = await channel.request(*call, *held, *_notes(told.after, told.entries))
        except (Down, Lost):
            return Failed()
        except Refused as refused:
            self._log.error("a copy is refused", room=told.room, region=region, why=str(refused))
            return Failed()
        services.seals.told(told.keys)
        length, anew = answer
        if anew:
            self._log.warning("a room of another region began anew", room=told.room, region=region)
            services.catch_up.posts_lost(keys.partition)
        elif told.entries and length == told.after + len(told.entries):
            services.delivery.copied(told.room, told.after, told.entries)
        return Mirrored(length)


def _notes(after: int, entries: list[bytes]) -> list[str]:
    """What these entries, which stand behind the first `after`, note in the index of their box:
    fields, seqs and tags by turns."""
    notes: list[str] = []
    for seq, stored in enumerate(entries, after + 1):
        with suppress(ValueError):  # a damaged one says nothing
            entry = decode_entry(stored[TIME_DIGITS:])
            for field in fields_of(entry, int(stored[:TIME_DIGITS])):
                notes += (field, str(seq), tag_of(entry))
    return notes
