"""The store as maintenance commands open it: whole, beside a running hub or alone."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..ledger import library
from ..ledger.keys import META, Keyspace, slot_of
from ..ledger.shelf import Shelf
from ..store.client import cluster_client, redis_client
from ..store.discovery import ask_at, is_cluster, primaries
from ..store.opened import opened

ANSWER_S = 30.0
"""How long the store may take for one answer: long boxes are read in pages."""


@asynccontextmanager
async def opened_shelf(data: Path, store: str | None, load: bool = True) -> AsyncIterator[Shelf]:
    """All keys of the store at the URL `store`, or of the embedded one in `data`. With `load` our
    function library is put into it, where it is not there.

    Raises:
        StoreError: if there is none, or if it does not start.
    """
    async with opened(data, store) as endpoint:
        for server in await primaries(endpoint) if load else ():
            async with redis_client(server) as one:
                await library.ensure(one)
        partitions = await ask_at(endpoint, slot_of(META), "HGET", META, "partitions")
        keyspace = Keyspace(int(partitions) if isinstance(partitions, bytes) else 1)
        kind = cluster_client if await is_cluster(endpoint) else redis_client
        client = kind(endpoint, timeout=ANSWER_S)
        try:
            yield Shelf(client, keyspace)
        finally:
            await client.aclose()


@contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """Shows on the terminal, if there is one, how many boxes are read, and of how many."""
    columns = (TextColumn("reading boxes"), BarColumn(), MofNCompleteColumn())
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as shown:
        task = shown.add_task("boxes", total=None)

        def progress(done: int, of: int) -> None:
            shown.update(task, completed=done, total=of)

        yield progress
