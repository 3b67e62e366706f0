"""A store for a maintenance command: the running one, or the embedded one started for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .directory import DataDirectory
from .embedded import EmbeddedStore
from .endpoint import Endpoint, StoreError, parse_url


def in_use(data: Path) -> bool:
    """Whether a hub has the data directory open."""
    return DataDirectory(data).hub_lock.holder() is not None


@asynccontextmanager
async def opened(data: Path, store: str | None) -> AsyncIterator[Endpoint]:
    """Where the store at the URL `store` is, or the embedded one of `data`.

    Raises:
        StoreError: if there is none, or if it does not start.
    """
    if store is not None:
        yield parse_url(store)
        return
    if not data.is_dir():  # noqa: ASYNC240 (once, before anything runs)
        raise StoreError(f"there is no data directory {data}")
    embedded = EmbeddedStore(data, "disk")
    running = in_use(data)
    if not running:
        await embedded.start()
    try:
        yield embedded.endpoint
    finally:
        if not running:
            await embedded.stop()
