"""`teller admin backup-keys`, `restore-keys` and `lost-keys`: the keys of people's words, which no
backup of the data holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..ledger.keys import META
from ..seal.keys import DESTROYED, KeyStore
from ..seal.opening import key_store
from ..seal.sqlite import copy_to, read_copy
from ..store.client import redis_client
from ..store.endpoint import StoreError
from ..store.opened import in_use, opened


def backup_keys(data: Path, keys: str | None, copy: Path) -> int:
    """Copy the keys to the new file `copy`."""
    number = asyncio.run(_backup(key_store(keys, data), copy))
    print(f"{number} keys are in {copy}. Keep it apart from the data, and only the newest one:")
    print("an older one still opens the words of accounts that were erased since.")
    return 0


async def _backup(keys: KeyStore, copy: Path) -> int:
    await keys.open()
    try:
        found = await keys.everything()
        copy_to(found, keys.id, keys.index_key, copy)
    except OSError as error:
        raise StoreError(f"{copy}: {error.strerror or error}") from error
    finally:
        await keys.close()
    return sum(key != DESTROYED for key in found.values())


def restore_keys(data: Path, keys: str | None, copy: Path) -> int:
    """Take the keys of a backup that are missing. None that was destroyed comes back."""
    taken = asyncio.run(_restore(key_store(keys, data), copy))
    print(f"{taken} keys were taken from {copy}.")
    return 0


async def _restore(keys: KeyStore, copy: Path) -> int:
    id, index_key, found = await asyncio.to_thread(read_copy, copy)
    await keys.open()
    try:
        return await keys.restore(id, index_key, found)
    finally:
        await keys.close()


def lost_keys(data: Path, store: str | None) -> int:
    """Let hubs start on a store whose keys are lost: its older words stay closed for ever."""
    if store is None and in_use(data):
        raise StoreError(f"a hub runs on {data}; stop it first")
    asyncio.run(_lost(data, store))
    print("Hubs may start with other keys now. Words from before cannot be opened any more.")
    return 0


async def _lost(data: Path, store: str | None) -> None:
    async with opened(data, store) as endpoint, redis_client(endpoint) as client:
        await client.hdel(META, "keys")
