"""`teller admin enroll`: tells the directory every account and room of a region.

Needed where accounts were there before the regions, or where the list of regions has changed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..ledger.keys import META, Keyspace, slot_of
from ..ledger.shelf import Shelf
from ..store.client import cluster_client, redis_client
from ..store.discovery import ask_at, is_cluster
from ..store.endpoint import Endpoint, StoreError
from ..store.opened import opened
from .directory import directory_region
from .frames import Claim, Home
from .link import Link, Unreachable
from .places import Places, read_places

ANSWER_S = 30.0


def run(region: str, file: Path, data: Path, store: str | None) -> int:
    """Enroll the names of the store at `store`, or of the embedded one in `data`; 0 if all are."""
    return asyncio.run(_run(read_places(file, region), data, store))


async def _run(places: Places, data: Path, store: str | None) -> int:
    try:
        async with (
            opened(data, store) as endpoint,
            _shelf(endpoint) as shelf,
            _linked(places) as links,
        ):
            number, elsewhere = await enroll(shelf, places, links)
    except Unreachable as error:
        print(f"teller: {error}; run it again", file=sys.stderr)
        return 1
    print(f"{number} names of region {places.own} are in the directory")
    for name, home in elsewhere:
        print(f"WRONG: {name} lives in region {home}, too")
    return 1 if elsewhere else 0


async def enroll(
    shelf: Shelf, places: Places, links: dict[str, Link]
) -> tuple[int, list[tuple[str, str]]]:
    """Claim every name that has an account here. How many there are, and which of them the
    directory knows to live elsewhere, with their homes.

    Raises:
        Unreachable: a region does not answer. What was done is done.
    """
    number = 0
    elsewhere: list[tuple[str, str]] = []
    async for page in shelf.scan("a:*"):
        names = sorted({key.decode().partition("}a:")[2] for key in page})
        names = [name for name in names if name[0] != "$"]
        homes = await asyncio.gather(*(_claimed(shelf, places, links, name) for name in names))
        number += sum(home == places.own for home in homes)
        both = zip(names, homes, strict=True)
        elsewhere += [(name, home) for name, home in both if home != places.own]
    return number, elsewhere


async def _claimed(shelf: Shelf, places: Places, links: dict[str, Link], name: str) -> str:
    keeper = directory_region(name, places.regions)
    if keeper == places.own:
        key = shelf.keyspace.home(name)
        before = await shelf.read("SET", key, places.own, "NX", "GET")
        return before.decode() if isinstance(before, bytes) else places.own
    reply = await links[keeper].ask(Claim(name))
    if not isinstance(reply, Home):
        raise Unreachable(f"region {keeper} could not tell")
    return reply.region


@asynccontextmanager
async def _linked(places: Places) -> AsyncIterator[dict[str, Link]]:
    """Links to all other regions, as far as they answer."""
    links = {one.name: Link(places, one) for one in places.others}
    tasks = [asyncio.create_task(link.run()) for link in links.values()]
    try:
        await asyncio.gather(*(link.met() for link in links.values()))
        yield links
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _shelf(endpoint: Endpoint) -> AsyncIterator[Shelf]:
    partitions = await ask_at(endpoint, slot_of(META), "HGET", META, "partitions")
    if not isinstance(partitions, bytes):
        raise StoreError(f"{endpoint} is no store of a hub")
    kind = cluster_client if await is_cluster(endpoint) else redis_client
    client = kind(endpoint, timeout=ANSWER_S)
    try:
        yield Shelf(client, Keyspace(int(partitions)))
    finally:
        await client.aclose()
