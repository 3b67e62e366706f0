"""Mailboxes as the worker reads them: on connections of its own, many commands on their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from ..ledger.keys import Keyspace
from ..ledger.notes import DELETES, EDITS, field, seqs_of
from ..seal.seals import Found
from ..store.connection import Command
from ..store.stores import Stores

EPOCH_S = 1.0
"""How long the epoch of a partition is not asked for again."""


class Stretch(NamedTuple):
    """What was read of a box: its epoch, its length, and some entries behind a place."""

    epoch: int
    length: int
    stored: list[bytes]


class Notes(NamedTuple):
    """What is noted of an entry: that it was deleted, for all or for oneself; where its edits
    stand, ascending."""

    deleted: bool
    edits: list[int]


class Boxes:
    """The mailboxes of a store.

    Raises of all methods: `Down`, `Lost`, `Refused`.
    """

    def __init__(self, keyspace: Keyspace, stores: Stores) -> None:
        self._keyspace = keyspace
        self._stores = stores
        self._epochs: dict[int, tuple[float, object]] = {}
        """Of each partition: when it was read, and the epoch."""

    async def read(self, box: str, after: int, most: int) -> Stretch:
        """Up to `most` entries behind `after`.

        The epoch changes with the box: when its partition was restored or lost posts, and for a
        copy of another region's room when that begins anew.
        """
        keys = self._keyspace.of(box)
        epoch = await self._epoch(box)
        (stored,) = await self._ask(keys.partition, ("LRANGE", keys.box, after, after + most - 1))
        assert isinstance(stored, list)
        length = after + len(stored)
        if len(stored) in (0, most):  # else the end was reached
            length = await self._length(box)
        return Stretch(epoch, length, stored[: max(0, length - after)])

    async def _epoch(self, box: str) -> int:
        """One number for the state that `box` is in."""
        partition = self._keyspace.partition_of(box)
        read_at, epoch = self._epochs.get(partition, (float("-inf"), b""))
        now = asyncio.get_running_loop().time()
        if now - read_at > EPOCH_S:
            (epoch,) = await self._ask(partition, ("HGET", self._keyspace.meta(partition), "epoch"))
            self._epochs[partition] = now, epoch
        copied: object = b""
        if box[0] == "#":
            (copied,) = await self._ask(partition, ("GET", self._keyspace.origin(box)))
        return _number(epoch, copied)

    async def erased(self) -> AsyncIterator[str]:
        """All accounts that were erased; one may come twice."""
        for partition in range(self._keyspace.partitions):
            cursor: Any = b"0"
            while True:
                key = self._keyspace.erased(partition)
                found: Any = (await self._ask(partition, ("SSCAN", key, cursor)))[0]
                cursor, names = found
                for name in names:
                    yield name.decode()
                if cursor == b"0":
                    break

    async def states(self, boxes: Iterable[str]) -> list[tuple[int, int]]:
        """The epoch and the length of each."""
        return await asyncio.gather(*(self._state(box) for box in boxes))

    async def _state(self, box: str) -> tuple[int, int]:
        return await self._epoch(box), await self._length(box)

    async def _length(self, box: str) -> int:
        keys = self._keyspace.of(box)
        (length,) = await self._ask(keys.partition, ("LLEN", keys.box))
        assert isinstance(length, int)
        return length

    async def entries(self, places: Iterable[tuple[str, int]]) -> list[Found]:
        """The entries at these places, each a box and a seq; those that are there."""
        wanted = list(places)
        of = self._keyspace.of
        found = await asyncio.gather(
            *(self._ask(of(box).partition, ("LINDEX", of(box).box, seq - 1)) for box, seq in wanted)
        )
        return [
            (stored, box, seq)
            for (box, seq), (stored,) in zip(wanted, found, strict=True)
            if isinstance(stored, bytes)
        ]

    async def notes(self, owner: str, entries: Sequence[Any]) -> list[Notes]:
        """What is noted of these entries, where they stand and in the box of `owner`."""
        return list(await asyncio.gather(*(self._notes(owner, one) for one in entries)))

    async def _notes(self, owner: str, entry: Any) -> Notes:
        there = self._keyspace.of(entry.box)
        own = self._keyspace.of(owner or entry.box)
        gone, edited = (field(letter, entry.from_, entry.id) for letter in (DELETES, EDITS))
        (found,), (hidden,) = await asyncio.gather(
            self._ask(there.partition, ("HMGET", there.refs, gone, edited)),
            self._ask(own.partition, ("HEXISTS", own.refs, gone)),
        )
        assert isinstance(found, list)
        return Notes(found[0] is not None or hidden == 1, seqs_of(found[1]))

    async def _ask(self, partition: int, *commands: Command) -> list[object]:
        channel = self._stores.channel(partition)
        return list(await asyncio.gather(*(channel.request(*command) for command in commands)))


def _number(epoch: object, copied: object) -> int:
    """One number for both parts of an epoch."""
    text = b" ".join(part if isinstance(part, bytes) else b"" for part in (epoch, copied))
    return int.from_bytes(blake2b(text, digest_size=7).digest())
