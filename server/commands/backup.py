"""`teller admin backup` and `teller admin restored`: a copy of a running hub's data, and what has
to be done before a hub runs on such a copy."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any

from ..app import OPERATOR_TOKEN
from ..ledger.keys import META
from ..store.client import redis_client
from ..store.directory import DataDirectory
from ..store.endpoint import StoreError
from ..store.opened import in_use, opened

REWRITE = "auto-aof-rewrite-percentage"
PAUSE_S = 0.2


def backup(data: Path, copy: Path) -> int:
    """Copy the data directory `data` to `copy`, which must not be there yet."""
    if copy.exists():
        raise StoreError(f"{copy} is there already; a backup goes to a new directory")
    asyncio.run(_backup(data, copy))
    print(f"The data of {data} are in {copy}. To see that they are whole:")
    print(f"  teller admin audit --data {copy}")
    print("The keys of people's words are not among them: teller admin backup-keys")
    return 0


async def _backup(data: Path, copy: Path) -> None:
    """The append-only file may be copied while it grows, but not while it is rewritten."""
    async with opened(data, None) as endpoint, redis_client(endpoint) as client:
        usual = (await client.config_get(REWRITE))[REWRITE]
        await client.config_set(REWRITE, 0)
        try:
            while await _rewriting(client):  # noqa: ASYNC110 (the store tells nobody)
                await asyncio.sleep(PAUSE_S)
            await asyncio.to_thread(_copy, DataDirectory(data), copy)
        finally:
            await client.config_set(REWRITE, str(usual))


async def _rewriting(client: Any) -> bool:
    now = await client.info("persistence")
    return bool(now["aof_rewrite_in_progress"] or now["aof_rewrite_scheduled"])


def _copy(data: DataDirectory, copy: Path) -> None:
    copy.mkdir(mode=0o700, parents=True)
    shutil.copytree(data.append_only, copy / data.append_only.name)
    token = data.path / OPERATOR_TOKEN
    if token.exists():
        shutil.copy2(token, copy)


def restored(data: Path, store: str | None) -> int:
    """Give the restored store a new epoch, so that clients read their mailboxes anew."""
    if store is None and in_use(data):
        raise StoreError(f"a hub runs on {data}; stop it first")
    epoch = asyncio.run(_restored(data, store))
    print(f"The epoch is {epoch} now. Clients will read their mailboxes anew.")
    return 0


async def _restored(data: Path, store: str | None) -> int:
    async with opened(data, store) as endpoint, redis_client(endpoint) as client:
        before = int(await client.hget(META, "epoch") or 0)
        epoch = max(before + 1, int(time.time()))
        await client.hset(META, "epoch", epoch)
        return epoch
