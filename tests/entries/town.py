"""People who talk, and what they see."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from protocol.folding import Folding, View
from tests.support import Client, Hub

Frame = dict[str, Any]


def new_id() -> str:
    """A UUIDv7: it carries its time."""
    random = os.urandom(10).hex()
    ms = f"{time.time_ns() // 1_000_000:012x}"
    return f"{ms[:8]}-{ms[8:]}-7{random[:3]}-8{random[3:6]}-{random[6:18]}"


def ref(who: str, id: str) -> Frame:
    return {"from": who, "id": id}


@dataclass
class Town:
    first: Hub
    second: Hub
    alice: Client
    bob: Client
    carol: Client

    @classmethod
    async def of(cls, first: Hub, second: Hub) -> Town:
        alice, carol = await first.register("alice"), await first.register("carol")
        bob = await second.register("bob")
        await ok(alice, "create", room="#tea")
        await ok(bob, "join", room="#tea")
        await ok(carol, "join", room="#tea")
        town = cls(first, second, alice, bob, carol)
        for one in (alice, bob, carol):
            await town.settle(one)
        return town

    async def settle(self, client: Client) -> None:
        """Drop what has come so far."""
        await ok(client, "message", to=name_of(client), text="settled")
        client.pushed.clear()


def name_of(client: Client) -> str:
    return f"@{client.welcome['handle']}"


async def ok(client: Client, type: str, **fields: Any) -> Frame:
    """Ask, and see that it was done."""
    answer = await client.ask(type, fields.pop("id", None) or new_id(), **fields)
    assert answer["type"] != "error", answer
    return answer


async def refused(client: Client, type: str, **fields: Any) -> str:
    """Ask, and see with which code it was refused."""
    answer = await client.ask(type, fields.pop("id", None) or new_id(), **fields)
    assert answer["type"] == "error", answer
    code: str = answer["code"]
    return code


async def say(client: Client, to: str, text: str, **fields: Any) -> str:
    """A message; its id."""
    id = fields.pop("id", None) or new_id()
    await ok(client, "message", id=id, to=to, text=text, **fields)
    return id


async def came(client: Client, type: str) -> Frame:
    """The next frame of this type."""
    return await client.until(lambda frame: frame["type"] == type)


async def page(client: Client, box: str, **fields: Any) -> Frame:
    """A page of history."""
    return await ok(client, "history", box=box, **fields)


async def seen(client: Client, place: str, key: tuple[str, str], box: str = "") -> View:
    """What is to be seen of an entry, by the newest page of its box."""
    me = name_of(client)
    found = await page(client, box or (place if place[0] == "#" else me), limit=200)
    folding = Folding(me)
    for entry in (*found["entries"], *found.get("later", ())):
        folding.add(entry)
    view = folding.view(place, key, time.time_ns() // 1_000_000)
    assert view is not None
    return view
