"""Reads that were given together see one moment, also beside others who write all the time."""

from __future__ import annotations

import asyncio

from server.commit.durability import Durable
from server.commit.outcomes import Result
from server.commit.pipeline import Pipeline
from server.ledger.posts import Post
from server.store.connection import Command, Wire, dial, ignore
from server.store.embedded import EmbeddedStore

from .test_wire import Ear

BOX, CHANNEL = b"{p0}m:#busy", b"{p0}c:#busy"
FAR = 3_000
"""So many commands between two, that the server takes them in several pieces."""


class Nobody:
    """A desk that gets nothing."""

    def settled(self, post: Post, at: int, result: Result, durable: Durable) -> None: ...

    def failed(self, post: Post, code: object) -> None: ...

    def flush(self) -> None: ...


async def test_reads_and_the_messages_around_them_are_of_one_moment(store: EmbeddedStore) -> None:
    ear = Ear()
    wire = await dial(store.endpoint, ear)
    writers = [await dial(store.endpoint, Ear()) for _ in range(2)]
    wire.up = True  # type: ignore[attr-defined]
    pipeline = Pipeline(wire, Nobody())  # type: ignore[arg-type]
    wire.subscribe([CHANNEL], lambda refused: None)
    commands: list[Command] = [("LLEN", BOX), *[("GET", BOX + b":none")] * FAR, ("LLEN", BOX)]
    seen: list[tuple[object, object, int]] = []
    busy = [asyncio.create_task(_write(writer)) for writer in writers]
    for _ in range(20):
        done = asyncio.Event()

        def take(replies: list[object], done: asyncio.Event = done) -> None:
            seen.append((replies[0], replies[-1], len(ear.heard)))
            done.set()

        pipeline.read(commands, take)
        await done.wait()
    for task in busy:
        task.cancel()
    for one in (wire, *writers):
        one.abort()
    assert len({last for _, last, _ in seen}) > 10  # somebody did write
    for first, last, heard in seen:
        assert first == last
        assert 0 <= int(str(last)) - heard <= len(writers)  # appended, not published yet


async def _write(wire: Wire) -> None:
    """Append an entry, and tell of it, for as long as we are let."""
    while True:
        wire.send(("RPUSH", BOX, "entry"), ignore)
        await wire.request("SPUBLISH", CHANNEL, "entry")
