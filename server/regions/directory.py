"""Where names live: handles and rooms are unique among all regions, and each has one home.

A name's record is kept by one region, its *directory region*: the one with the highest hash of both
names (rendezvous hashing), so all agree without a word. What was found is remembered, also in our
own store: whoever was written to once can be written to while their region, or the directory's, is
cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

from ..courier.outstanding import NotSafe, make_safe
from ..store.connection import Down, Lost, Refused
from .frames import Claim, Find, Home
from .link import Link, Unreachable
from .places import Places

if TYPE_CHECKING:
    from ..courier.ways import Ways

KNOWN_MAX = 100_000
"""Homes that are remembered in memory; the oldest are forgotten. About 40 MB."""


def directory_region(name: str, regions: Iterable[str]) -> str:
    """Which of `regions` keeps the record of `name`."""

    def weight(region: str) -> bytes:
        return blake2b(f"{region} {name}".encode(), digest_size=8).digest()

    return max(regions, key=weight)


class Directory:
    """The homes of names, as this hub knows them, and those that its region keeps."""

    def __init__(self, ways: Ways, places: Places, links: dict[str, Link]) -> None:
        self._ways = ways
        self._keyspace = ways.keyspace
        self._places = places
        self._links = links
        self._known: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = 0
        """Questions to other regions."""

    def known(self, name: str) -> str | None:
        """The home of `name`, if it need not be asked."""
        return self._known.get(name)

    async def find(self, name: str) -> str:
        """The home of `name`; empty if it lives nowhere.

        Raises:
            Unreachable: it cannot be told now.
        """
        home = self._known.get(name)
        if home is None:
            home = await self._found(name)
            if home:
                self._remember(name, home)
        return home

    async def claim(self, name: str) -> str:
        """Let `name` live here unless it lives somewhere; its home then. May be repeated.

        Raises:
            Unreachable: it is not known whether it does.
        """
        own, keeper = self._places.own, self._keeper(name)
        if await self._request(name, "EXISTS", self._keyspace.of(name).record):
            home = own
        elif keeper == own:
            home = await self._claimed(name, own)
        else:
            home = await self._ask(keeper, Claim(name))
        self._remember(name, home)
        return home

    def forget(self, name: str) -> None:
        """`name` does not live where it did: ask again next time."""
        if self._known.pop(name, None) is None:
            return
        self._keyspace.abroad.pop(name, None)
        if self._keeper(name) != self._places.own:
            task = asyncio.create_task(self._drop(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # What other regions ask.

    async def answer_find(self, region: str, asked: Find) -> Home:
        """The home of a name whose record is kept here."""
        del region
        return Home(await self._kept(asked.name))

    async def answer_claim(self, region: str, asked: Claim) -> Home:
        """Let a name live in `region` unless it lives somewhere; its home then."""
        return Home(await self._claimed(asked.name, region))

    # Private.

    def _keeper(self, name: str) -> str:
        return directory_region(name, self._places.regions)

    async def _found(self, name: str) -> str:
        """What our own store knows, or else the directory."""
        own, keeper = self._places.own, self._keeper(name)
        record, told = self._keyspace.of(name).record, self._keyspace.home(name)
        found = await self._request(name, "MGET", record, told)
        assert isinstance(found, list)
        if found[0] is not None:
            return own
        home = found[1].decode() if isinstance(found[1], bytes) else ""
        if home in self._places.regions:
            return home
        if keeper == own:
            return ""
        home = await self._ask(keeper, Find(name))
        if home not in ("", own):
            await self._request(name, "SET", told, home)
        return home

    async def _ask(self, region: str, question: Find | Claim) -> str:
        self.asked += 1
        await self._links[region].met()
        reply = await self._links[region].ask(question)
        nowhere = ("",) if isinstance(question, Find) else ()
        if not isinstance(reply, Home) or reply.region not in (*nowhere, *self._places.regions):
            raise Unreachable(f"region {region} could not tell")
        return reply.region

    async def _kept(self, name: str) -> str:
        stored = await self._request(name, "GET", self._keyspace.home(name))
        return stored.decode() if isinstance(stored, bytes) else ""

    async def _claimed(self, name: str, region: str) -> str:
        """The home of a name kept here after a claim; it is then as safe as any ack."""
        ways, partition = self._ways, self._keyspace.partition_of(name)
        before = await self._request(name, "SET", self._keyspace.home(name), region, "NX", "GET")
        try:
            await make_safe(ways, partition, ways.channel(partition))
        except (Down, Lost, Refused, NotSafe) as error:
            raise Unreachable("the directory's store does not answer") from error
        return before.decode() if isinstance(before, bytes) else region

    async def _drop(self, name: str) -> None:
        with suppress(Unreachable):  # then it is found to be wrong once more
            await self._request(name, "DEL", self._keyspace.home(name))

    async def _request(self, name: str, *command: str | bytes) -> object:
        channel = self._ways.channel(self._keyspace.partition_of(name))
        try:
            return await channel.request(*command)
        except (Down, Lost, Refused) as error:
            raise Unreachable("our own store does not answer") from error

    def _remember(self, name: str, home: str) -> None:
        known, abroad = self._known, self._keyspace.abroad
        known[name] = home
        if home != self._places.own:
            region = self._places.regions[home]
            self._keyspace.lives_abroad(name, region.label_of(name))
        if len(known) > KNOWN_MAX:
            oldest = next(iter(known))
            del known[oldest]
            abroad.pop(oldest, None)
