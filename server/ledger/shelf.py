"""How audits and menders use a store: one server, or a cluster by its client; many partitions at
once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from .keys import WORLD, AccountKeys, Keyspace
from .posts import Post, pack_call, results

CHUNK = 500
"""Entries, marks or keys that one command reads: small enough not to keep the hub waiting."""


class Client(Protocol):
    """What the audit needs of a store client: redis-py's `Redis` or `RedisCluster`, with answers
    in bytes."""

    async def execute_command(self, *args: Any) -> Any: ...

    def pipeline(self, transaction: bool = True) -> Any: ...

    def scan_iter(self, match: str, count: int) -> AsyncIterator[bytes]: ...


class Shelf:
    """The keys of a store, read in pages and in transactions; and single posts."""

    def __init__(self, store: Client, keyspace: Keyspace) -> None:
        self.store = store
        self.keyspace = keyspace
        self._partitions = {keyspace.tag(p): p for p in range(keyspace.partitions)}

    async def apply(self, post: Post) -> list[int | bytes]:
        """Post `post` alone; its result."""
        return results([post], await self.store.execute_command(*pack_call([post])))[0]

    async def read(self, *command: Any) -> Any:
        """The answer to one command."""
        return await self.store.execute_command(*command)

    async def together(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The answers to `commands`, which are of one partition, of one moment; for a key of a
        wrong type an exception."""
        pipe = self.store.pipeline(transaction=len(commands) > 1)
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        return answers

    async def now(self, partition: int) -> int:
        """The time of the store where `partition` lies, in ms."""
        key = self.keyspace.world(partition).record
        empty = ("FCALL", "teller_post", 1, key, 0, 0, 0, b"")  # a call of no posts: it says when
        (at,) = await self.store.execute_command(*empty)
        return int(at)

    async def scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """Keys like `pattern` behind any tag, in pages, each of one partition; a key may come
        twice."""
        pages: dict[int, list[bytes]] = {}
        async for key in self.store.scan_iter(match="{p*}" + pattern, count=CHUNK):
            partition = self.partition_of(key)
            page = pages.setdefault(partition, [])
            page.append(key)
            if len(page) >= CHUNK:
                yield pages.pop(partition)
        for page in pages.values():
            yield page

    def partition_of(self, key: bytes) -> int:
        """The partition whose tag `key` carries; -1 for a tag of none."""
        return self._partitions.get(key.partition(b"}")[0].decode() + "}", -1)

    def keys_of(self, name: str, partition: int) -> AccountKeys:
        """The keys of an account that is said to be in `partition`."""
        if self.keyspace.partitions == 1:
            return self.keyspace.of(name)
        return AccountKeys(name, partition, self.keyspace.tag(partition))

    def title(self, keys: AccountKeys) -> str:
        """How the account is called in a finding."""
        if keys.name[0] != "$" or self.keyspace.partitions == 1:
            return keys.name
        return f"{keys.name} of partition {keys.partition}"

    async def names(self) -> tuple[list[AccountKeys], list[str]]:
        """Everyone who has a record or a box; and what lies where it does not belong."""
        found: dict[tuple[str, int], AccountKeys] = {}
        strangers: list[str] = []
        async for page in self.scan("[am]:*"):
            for key in page:
                partition, name = self.partition_of(key), key.decode().partition(":")[2]
                if partition < 0 or (
                    name[0] != "$" and partition != self.keyspace.partition_of(name)
                ):
                    strangers.append(f"{key.decode()} lies in a partition that is not its own")
                else:
                    found[name, partition] = self.keys_of(name, partition)
        return sorted(found.values(), key=_order), sorted(set(strangers))

    async def entries(
        self, keys: AccountKeys, length: int
    ) -> AsyncIterator[tuple[int, list[bytes]]]:
        """The first `length` entries of a box, in pages, each with its first seq."""
        for first in range(0, length, CHUNK):
            last = min(first + CHUNK, length) - 1
            yield first + 1, await self.read("LRANGE", keys.box, first, last)

    async def all_entries(self, keys: AccountKeys) -> list[bytes]:
        """The whole box as it is now; nothing, if it is none."""
        (length,) = await self.together(("LLEN", keys.box))
        found: list[bytes] = []
        async for _, page in self.entries(keys, length if isinstance(length, int) else 0):
            found += page
        return found

    def other(self, home: str, other: str) -> AccountKeys:
        """The keys of the other side of a pair: `$world` is the one next to `home`."""
        if other == WORLD:
            return self.keyspace.world(self.keyspace.partition_of(home))
        return self.keyspace.of(other)


def _order(keys: AccountKeys) -> tuple[str, int]:
    return keys.name, keys.partition


def pages(items: list[Any]) -> Iterable[list[Any]]:
    """`items` in pieces of `CHUNK`."""
    return (items[first : first + CHUNK] for first in range(0, len(items), CHUNK))
