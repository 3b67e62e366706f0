"""Keys in another Valkey or Redis, for hubs of several machines.

It holds nothing else, and must not be the store itself: a copy of the store would have the keys. A
destroyed key is gone from that server's files when they were written anew, before `destroy`
returns.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from redis.exceptions import NoPermissionError, RedisError

from ..store.check import check_store
from ..store.client import redis_client
from ..store.endpoint import Endpoint
from .keys import DESTROYED, ID_BYTES, INDEX_KEY_BYTES, KeysError, KeyStore, new_key

KEYS = b"teller:keys"
ABOUT = b"teller:keys:about"
TIMEOUT_S = 2.0
REWRITE_S = 300.0
"""How long the server may take to write its files anew."""
PAUSE_S = 0.05


class ValkeyKeys(KeyStore):
    """The keys in the server at `endpoint`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.where = str(endpoint)
        self.id, self.index_key = "", b""
        self._client = redis_client(endpoint, timeout=TIMEOUT_S)
        self._rewriting = asyncio.Lock()

    async def open(self) -> None:
        if self._endpoint.others:
            raise KeysError("--keys names several servers: the keys are in one, with its replicas")
        try:
            await check_store(self._client, "disk")
        except (RedisError, OSError) as error:
            raise self._trouble(error) from error
        await self._ask("HSETNX", ABOUT, "id", secrets.token_bytes(ID_BYTES))
        await self._ask("HSETNX", ABOUT, "index", secrets.token_bytes(INDEX_KEY_BYTES))
        id, self.index_key = await self._ask("HMGET", ABOUT, "id", "index")
        self.id = id.hex()

    async def close(self) -> None:
        await self._client.aclose()

    def at_hand(self, name: str) -> bytes | None:
        del name
        return None

    async def find(self, names: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(names)
        if not wanted:
            return {}
        found = await self._ask("HMGET", KEYS, *wanted)
        return {name: key for name, key in zip(wanted, found, strict=True) if key is not None}

    async def make(self, name: str) -> bytes:
        await self._ask("HSETNX", KEYS, name, new_key())
        key: bytes = await self._ask("HGET", KEYS, name)
        return key

    async def destroy(self, name: str) -> None:
        await self._ask("HSET", KEYS, name, DESTROYED)
        async with self._rewriting:
            await self._write_anew()

    async def everything(self) -> dict[str, bytes]:
        found = await self._ask("HGETALL", KEYS)
        return {name.decode(): key for name, key in found.items()}

    async def restore(self, id: str, index_key: bytes, keys: Mapping[str, bytes]) -> int:
        if id != self.id and await self._ask("HLEN", KEYS):
            raise KeysError(f"{self._endpoint} holds other keys than the backup's")
        await self._ask("HSET", ABOUT, "id", bytes.fromhex(id), "index", index_key)
        self.id, self.index_key = id, index_key
        taken = 0
        for name, key in keys.items():
            taken += await self._ask("HSETNX", KEYS, name, key)
            if key == DESTROYED:
                await self._ask("HSET", KEYS, name, key)
        async with self._rewriting:
            await self._write_anew()
        return taken

    # Private.

    async def _write_anew(self) -> None:
        """Let the server write its files again, so that they hold nothing of what was before."""
        await self._at_rest()
        await self._ask("BGREWRITEAOF")
        state = await self._at_rest()
        if state["aof_last_bgrewrite_status"] != "ok":
            raise KeysError(f"{self._endpoint} could not rewrite its append-only file")
        if await self._snapshots():
            await self._ask("BGSAVE")
            if (await self._at_rest())["rdb_last_bgsave_status"] != "ok":
                raise KeysError(f"{self._endpoint} could not write its snapshot")

    async def _snapshots(self) -> bool:
        """Whether the server writes snapshots now and then, as far as it lets us know."""
        try:
            return bool((await self._client.config_get("save"))["save"])
        except NoPermissionError:
            return True
        except (RedisError, OSError) as error:
            raise self._trouble(error) from error

    async def _at_rest(self) -> Any:
        """What the server says of its files, once it does not write them anew."""
        until = time.monotonic() + REWRITE_S
        while True:
            state = await self._ask("INFO", "persistence")
            busy = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
            if not any(int(state[one]) for one in busy):
                return state
            if time.monotonic() > until:
                raise KeysError(f"{self._endpoint} has been writing its files for too long")
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, *command: Any) -> Any:
        try:
            return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> KeysError:
        return KeysError(f"the keys at {self._endpoint} cannot be used: {error}")
