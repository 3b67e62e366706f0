"""People who search, on one hub or several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support import Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]
MakeHubs = Callable[..., Awaitable[list[Hub]]]


@pytest.fixture
def make_hubs(make_hub: MakeHub) -> MakeHubs:
    """So many hubs with the settings given; the first one owns the store and the keys."""

    async def make(count: int = 2, **settings: object) -> list[Hub]:
        first = await make_hub(**settings)
        assert first.app.embedded is not None
        settings |= {"store": str(first.app.embedded.endpoint), "keys": str(first.data / "keys")}
        more = [await make_hub(f"data{n}", **settings) for n in range(1, count)]
        return [first, *more]

    return make


async def page_of(client: Client, **fields: Any) -> dict[str, Any]:
    """The page of a search for which all was read. A worker that got no core for a while says at
    first that it is behind."""
    pages: list[dict[str, Any]] = []

    async def whole() -> bool:
        pages.append(await client.ask("search", **fields))
        assert pages[-1]["type"] == "found", pages[-1]
        return not pages[-1].get("behind")

    await until(whole)
    return pages[-1]


async def find(client: Client, **fields: Any) -> list[str]:
    """What the first page of a search holds, as texts."""
    page = await page_of(client, **fields)
    return [hit["entry"].get("text", "") for hit in page["hits"]]


async def find_all(client: Client, **fields: Any) -> list[str]:
    """The same by alphabet: in different boxes there is no order within a millisecond."""
    return sorted(await find(client, **fields))


async def a_moment() -> None:
    """So that what comes next has a later time."""
    await asyncio.sleep(0.002)


async def say(client: Client, to: str, text: str, **fields: Any) -> dict[str, Any]:
    """A message; its ack."""
    ack = await client.ask("message", to=to, text=text, **fields)
    assert ack["type"] == "ack", ack
    return ack


async def finds(client: Client, expected: list[str], **fields: Any) -> None:
    """Wait until a search finds this; it takes a moment where another hub wrote it."""

    async def found() -> bool:
        return await find(client, **fields) == expected

    await until(found)
