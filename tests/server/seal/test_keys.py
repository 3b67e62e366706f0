"""The keys, as files and as another server keep them."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.seal.keys import DESTROYED, KEY_BYTES, KeysError, KeyStore
from server.seal.sqlite import SqliteKeys, copy_to, read_copy
from server.seal.valkey import ValkeyKeys
from server.store.endpoint import StoreError
from tests.server.seal.conftest import bytes_of
from tests.store.conftest import PlainServer

NAMES = [f"@somebody{number}" for number in range(300)]
RIGHTS = (
    "user keys on >secret ~teller:keys* resetchannels -@all +@hash +info +config|get "
    "+bgrewriteaof +bgsave +ping +auth +hello +select +client|setinfo"
)
SAFE = ("--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no")
"""Settings of a server for keys; without compression, so that files can be searched."""


@pytest.fixture(params=["sqlite", "valkey"])
async def keys(
    request: pytest.FixtureRequest, tmp_path: Path, plain_server: PlainServer
) -> AsyncIterator[KeyStore]:
    """An empty set of keys; all its files are below `tmp_path`."""
    store: KeyStore
    if request.param == "sqlite":
        store = SqliteKeys(tmp_path / "keys")
    else:
        store = ValkeyKeys(await plain_server(*SAFE))
    await store.open()
    yield store
    await store.close()


async def test_an_account_keeps_its_key(keys: KeyStore) -> None:
    first = await keys.make("@alice")
    assert len(first) == KEY_BYTES
    assert await keys.make("@alice") == first
    assert await keys.make("@bob") != first
    assert await keys.find(["@alice", "@nobody"]) == {"@alice": first}
    assert keys.at_hand("@nobody") is None


async def test_a_destroyed_key_is_nowhere(keys: KeyStore, tmp_path: Path) -> None:
    made = {name: await keys.make(name) for name in NAMES}
    assert all(key in bytes_of(tmp_path) for key in made.values())  # the search can find them
    for name in NAMES[::15]:
        await keys.destroy(name)
    found = bytes_of(tmp_path)
    assert {name for name, key in made.items() if key not in found} == set(NAMES[::15])
    assert await keys.make(NAMES[0]) == DESTROYED
    assert await keys.find(NAMES[:2]) == {NAMES[0]: DESTROYED, NAMES[1]: made[NAMES[1]]}


async def test_a_key_may_be_destroyed_again_or_before_it_was_made(keys: KeyStore) -> None:
    await keys.destroy("@alice")
    await keys.destroy("@alice")
    assert await keys.make("@alice") == DESTROYED


async def test_a_backup_brings_back_what_is_missing_and_not_what_was_destroyed(
    keys: KeyStore, tmp_path: Path
) -> None:
    made = {name: await keys.make(name) for name in ("@alice", "@bob")}
    copy = tmp_path / "copy.db"
    copy_to({**made, "@carol": bytes(range(64))}, keys.id, keys.index_key, copy)
    await keys.destroy("@bob")
    assert await keys.restore(*read_copy(copy)) == 1
    assert await keys.everything() == {
        "@alice": made["@alice"],
        "@bob": DESTROYED,
        "@carol": bytes(range(64)),
    }


async def test_a_key_destroyed_in_the_backup_is_destroyed_here(keys: KeyStore) -> None:
    await keys.make("@alice")
    await keys.restore(keys.id, keys.index_key, {"@alice": DESTROYED})
    assert await keys.everything() == {"@alice": DESTROYED}


async def test_an_empty_set_becomes_that_of_the_backup(keys: KeyStore, tmp_path: Path) -> None:
    other = SqliteKeys(tmp_path / "other")
    await other.open()
    key = await other.make("@alice")
    await keys.restore(other.id, other.index_key, await other.everything())
    assert (keys.id, keys.index_key) == (other.id, other.index_key)
    assert await keys.find(["@alice"]) == {"@alice": key}
    await other.close()


async def test_keys_of_two_sets_do_not_mix(keys: KeyStore) -> None:
    await keys.make("@alice")
    before = keys.id
    with pytest.raises(KeysError, match="other keys than the backup's"):
        await keys.restore("ab" * 16, bytes(32), {"@bob": bytes(range(64))})
    assert keys.id == before
    assert await keys.find(["@bob"]) == {}


async def test_processes_that_start_together_share_one_set(tmp_path: Path) -> None:
    several = [SqliteKeys(tmp_path / "keys") for _ in range(8)]
    await asyncio.gather(*(one.open() for one in several))
    assert len({one.id for one in several}) == 1
    keys = await asyncio.gather(*(one.make("@alice") for one in several))
    assert len(set(keys)) == 1
    await several[0].destroy("@alice")
    assert {one.at_hand("@alice") for one in several} == {DESTROYED}
    for one in several:
        await one.close()


async def test_who_opens_waits_for_whoever_is_opening(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    keys = SqliteKeys(tmp_path)
    opening = asyncio.create_task(keys.open())
    await asyncio.sleep(0.2)
    assert not opening.done()
    os.close(folder)
    await opening
    await keys.close()


async def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys = SqliteKeys(tmp_path / "keys")
        await keys.open()
        await keys.make("@alice")
        copy_to(await keys.everything(), keys.id, keys.index_key, tmp_path / "copy.db")
    finally:
        os.umask(before)
    files = [*(tmp_path / "keys").iterdir(), tmp_path / "copy.db"]
    assert len(files) == 4  # with the log and its index
    assert {oct(one.stat().st_mode & 0o777) for one in files} == {"0o600"}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    await keys.close()


async def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("not a database, but long enough to look like one" * 40)
    with pytest.raises(KeysError, match="is no backup of keys"):
        read_copy(tmp_path / "words.txt")
    with pytest.raises(KeysError, match="is no backup of keys"):
        read_copy(tmp_path / "missing.db")


async def test_few_rights_are_enough_for_the_keys(
    tmp_path: Path, plain_server: PlainServer
) -> None:
    users = tmp_path / "users.acl"
    users.write_text(f"user default on nopass ~* &* +@all\n{RIGHTS}\n")
    endpoint = await plain_server(*SAFE, "--aclfile", str(users))
    keys = ValkeyKeys(replace(endpoint, username="keys", password="secret"))
    await keys.open()
    await keys.make("@alice")
    await keys.destroy("@alice")
    assert await keys.everything() == {"@alice": DESTROYED}
    await keys.restore(keys.id, keys.index_key, {"@bob": bytes(range(64))})
    with pytest.raises(KeysError, match="permission"):
        await keys._ask("FLUSHALL")
    await keys.close()


async def test_a_server_that_could_lose_keys_is_refused(plain_server: PlainServer) -> None:
    keys = ValkeyKeys(await plain_server("--appendonly", "no"))
    with pytest.raises(StoreError, match="append"):
        await keys.open()
    await keys.close()


async def test_a_snapshot_of_the_server_has_no_destroyed_key(
    tmp_path: Path, plain_server: PlainServer
) -> None:
    keys = ValkeyKeys(await plain_server(*SAFE, "--save", "3600 1"))
    await keys.open()
    key = await keys.make("@alice")
    await keys._client.save()
    assert key in bytes_of(tmp_path)
    await keys.destroy("@alice")
    assert key not in bytes_of(tmp_path)
    await keys.close()
