"""Hubs on one store, and people in a room of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from tests.support import Client, Hub, until

ROOM = "#tea"


class House:
    """Some hubs on one store; whoever registers comes in at the next one."""

    def __init__(self, hubs: list[Hub]) -> None:
        self.hubs = hubs
        self.tokens: dict[str, str] = {}
        self._turn = 0

    @classmethod
    async def start(cls, data: Path, hubs: int, partitions: int, **settings: Any) -> House:
        settings = {"rate_limits": False, "partitions": partitions, **settings}
        settings.setdefault("keys", str(data / "keys"))
        first = await Hub.start(data / "0", **settings)
        assert first.app.embedded is not None
        store = str(first.app.embedded.endpoint)
        more = [await Hub.start(data / str(n), store=store, **settings) for n in range(1, hubs)]
        return cls([first, *more])

    async def stop(self) -> None:
        for hub in reversed(self.hubs):
            await hub.stop()

    @property
    def next_hub(self) -> Hub:
        self._turn += 1
        return self.hubs[self._turn % len(self.hubs)]

    async def person(self, handle: str) -> Client:
        """A new account, logged in."""
        client = await self.next_hub.register(handle, binary=self._turn % 2 == 0)
        self.tokens[handle] = client.welcome["token"]
        return self._with_own_ids(client)

    async def people(self, *handles: str) -> list[Client]:
        """New accounts, logged in."""
        return [await self.person(handle) for handle in handles]

    async def device(self, handle: str) -> Client:
        """One more connection of an account."""
        return self._with_own_ids(await self.next_hub.login(handle))

    async def back(self, handle: str, cursors: dict[str, int]) -> Client:
        """Somebody who returns."""
        return self._with_own_ids(await self.next_hub.hello(self.tokens[handle], cursors))

    def _with_own_ids(self, client: Client) -> Client:
        """`client`, whose ids are those of no other connection of the same account."""
        client._ids = itertools.count(1000 * self._turn)
        return client

    async def room(self, *handles: str, **fields: Any) -> list[Client]:
        """Members of the room; the first one owns it. They have seen each other come."""
        members = await self.people(*handles)
        assert (await members[0].ask("create", room=ROOM))["type"] == "ack"
        for member in members[1:]:
            assert (await member.ask("join", room=ROOM))["type"] == "ack"
        if fields:
            assert (await members[0].ask("topic", room=ROOM, **fields))["type"] == "ack"
        await self.quiet(*members)
        return members

    async def with_roles(self) -> dict[str, Client]:
        """A room in which each role is taken, by people who are called so; and a stranger."""
        names = ["owner", "admin", "admin2", "member", "reader"]
        found = dict(zip(names, await self.room(*names), strict=True))
        for name in names[1:]:
            role = name.rstrip("2")
            if role != "member":
                ack = await found["owner"].ask("role", room=ROOM, who=f"@{name}", role=role)
                assert ack["type"] == "ack", ack
        found["stranger"] = await self.person("stranger")
        await self.quiet(*found.values())
        return found

    async def told(self) -> None:
        """All that the store holds was announced at every hub that has a listener for it."""
        for hub in self.hubs:
            for box in list(hub.app.services.hub.boxes()):
                length = await self.length(box.name)
                await until(lambda b=box, n=length: b.seq >= n)  # type: ignore[misc]

    async def quiet(self, *clients: Client) -> None:
        """All that was said so far has come to `clients`, and is forgotten."""
        await self.told()
        for client in clients:
            await client.ask("balance")
            client.pushed.clear()

    async def hears(self, client: Client, other: Client, text: str, room: str = ROOM) -> bool:
        """Whether `client` is told what `other`, a member, says in the room."""
        ack = await other.ask("message", to=room, text=text)
        assert ack["type"] == "ack", ack
        await self.told()
        await client.ask("balance")
        return any(frame.get("text") == text for frame in client.pushed)

    # The store.

    async def store(self, name: str, *command: Any) -> Any:
        """Ask the partition of the account `name`."""
        services = self.hubs[0].app.services
        return await services.channel(services.keyspace.partition_of(name)).request(*command)

    async def length(self, box: str) -> int:
        return int(await self.store(box, "LLEN", self.keys(box).box))

    async def joined(self, who: str) -> set[str]:
        found = await self.store(who, "SMEMBERS", self.keys(who).joined)
        return {name.decode() for name in found}

    async def roles(self, room: str = ROOM) -> dict[str, str]:
        """The members of the room in the store, without how long they are muted."""
        found = await self.store(room, "HGETALL", self.keys(room).members)
        return {name.decode(): word.decode().split()[0] for name, word in found.items()}

    def keys(self, name: str) -> Any:
        return self.hubs[0].app.services.keyspace.of(name)


async def entry(client: Client, type: str, **fields: Any) -> dict[str, Any]:
    """The next entry of this type, with these fields; the others are dropped."""

    def wanted(frame: dict[str, Any]) -> bool:
        return frame["type"] == type and fields.items() <= frame.items() and "seq" in frame

    return await client.until(wanted)
