"""The embedded store: start, stop, start again, and its own way back from a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from server.store.binary import ENVIRONMENT_NAME, find_binary
from server.store.check import check_store
from server.store.client import redis_client
from server.store.directory import DataDirectory
from server.store.embedded import EmbeddedStore
from server.store.endpoint import Durability, StoreError

from .conftest import answers, until


async def put(store: EmbeddedStore, name: str, value: str) -> None:
    async with redis_client(store.endpoint) as client:
        await client.set(name, value)


async def get(store: EmbeddedStore, name: str) -> bytes | None:
    async with redis_client(store.endpoint) as client:
        return await client.get(name)


async def fill(store: EmbeddedStore) -> int:
    """Store 10 kB values until that fails; how many were acknowledged."""
    stored = 0
    with contextlib.suppress(RedisError, OSError):
        async with redis_client(store.endpoint) as client:
            while stored < 100:
                await client.set(f"key{stored}", bytes(10_000))
                stored += 1
    return stored


def _environment(pid: int | None) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")


async def test_a_second_start_finds_everything(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / 'da "t\\a', "disk")
    for expected in (None, b"1"):
        await store.start()
        assert await get(store, "kept") == expected
        await put(store, "kept", "1")
        await store.stop()
        assert store.pid is None
        assert not (tmp_path / 'da "t\\a' / "store.sock").exists()
    assert store.restarts == 0


@pytest.mark.parametrize("durability", ["disk", "everysec", "memory"])
async def test_it_passes_the_check_an_operators_store_must_pass(
    tmp_path: Path, durability: Durability
) -> None:
    store = EmbeddedStore(tmp_path, durability)
    await store.start()
    try:
        async with redis_client(store.endpoint) as client:
            facts = await check_store(client, durability)
    finally:
        await store.stop()
    assert facts.appendonly is (durability != "memory")
    assert durability != "disk" or facts.appendfsync == "always"


async def test_only_its_user_may_reach_it(store: EmbeddedStore, tmp_path: Path) -> None:
    socket = tmp_path / "data" / "store.sock"
    assert store.endpoint.unix_path == str(socket)
    assert socket.stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "data" / "appendonlydir").iterdir():
        assert path.stat().st_mode & 0o077 == 0


async def test_ctrl_c_in_the_terminal_is_not_for_the_server(store: EmbeddedStore) -> None:
    assert store.pid is not None
    assert os.getsid(store.pid) == store.pid


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("own", [None, "glibc.malloc.tcache_count=2"])
async def test_the_allocator_is_set_unless_the_operator_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if own:
        monkeypatch.setenv("GLIBC_TUNABLES", own)
    store = EmbeddedStore(tmp_path, "disk")
    await store.start()
    environ = _environment(store.pid)
    await store.stop()
    (found,) = [one for one in environ if one.startswith("GLIBC_TUNABLES=")]
    assert (found == f"GLIBC_TUNABLES={own}") if own else ("tcache_count=1000" in found)


async def test_a_second_hub_is_refused_and_told_who_is_there(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    second = EmbeddedStore(tmp_path / "data", "disk")
    with pytest.raises(StoreError, match=f"in use by process {os.getpid()}"):
        await second.start()
    await second.stop()
    await put(store, "still", "here")


async def test_a_killed_server_comes_back_with_its_data(store: EmbeddedStore) -> None:
    await put(store, "kept", "1")
    for restarts in (1, 2):
        killed = store.pid
        assert killed is not None
        with capture_logs() as logs:
            os.kill(killed, signal.SIGKILL)
            await until(lambda count=restarts: store.restarts == count)
        await answers(store.endpoint)
        assert await get(store, "kept") == b"1"
        assert store.pid != killed
        assert [line["how"] for line in logs if "how" in line] == ["SIGKILL"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
async def test_a_disk_that_takes_no_more_is_named_and_loses_nothing(store: EmbeddedStore) -> None:
    assert store.pid is not None
    resource.prlimit(store.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
    with capture_logs() as logs:
        stored = await fill(store)
        await until(lambda: store.restarts == 1)
    await answers(store.endpoint)
    async with redis_client(store.endpoint) as client:
        assert 0 < stored < 100
        assert stored <= await client.dbsize() <= stored + 1
    assert any("writing to the AOF file" in line.get("last_words", "") for line in logs)


async def test_stop_while_the_server_is_down(store: EmbeddedStore, tmp_path: Path) -> None:
    assert store.pid is not None
    os.kill(store.pid, signal.SIGKILL)
    await until(lambda: store.pid is None)
    await store.stop()
    assert store.pid is None
    assert DataDirectory(tmp_path / "data").hub_lock.holder() is None


async def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / ("long" * 20) / ("path" * 20), "disk")
    await store.start()
    socket = Path(store.endpoint.unix_path or "")
    try:
        await put(store, "kept", "1")
        assert socket.parent.stat().st_mode & 0o777 == 0o700
    finally:
        await store.stop()
    assert not socket.parent.exists()


async def test_what_a_crash_leaves_is_no_obstacle(tmp_path: Path) -> None:
    for name, text in (("lock", "1\n"), ("store.lock", "1\n"), ("store.pid", "1\n")):
        (tmp_path / name).write_text(text)
    (tmp_path / "store.sock").write_text("stale")
    store = EmbeddedStore(tmp_path, "disk")
    await store.start()
    await put(store, "kept", "1")
    await store.stop()


async def test_a_failed_start_says_why_and_frees_the_directory(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    await put(store, "kept", "1")
    await store.stop()
    manifest = tmp_path / "data" / "appendonlydir" / "appendonly.aof.manifest"
    good = manifest.read_bytes()
    manifest.write_text("nonsense\n")
    with pytest.raises(StoreError, match=r"ended while starting(.|\n)*AOF manifest"):
        await store.start()
    manifest.write_bytes(good)
    await store.start()
    assert await get(store, "kept") == b"1"


async def test_without_a_server_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_NAME, str(tmp_path / "none"))
    with pytest.raises(StoreError, match="not a program"):
        await EmbeddedStore(tmp_path, "disk").start()


async def test_memory_warns_that_the_disk_is_not_read(tmp_path: Path) -> None:
    for durability in ("disk", "memory"):
        store = EmbeddedStore(tmp_path, durability)
        with capture_logs() as logs:
            await store.start()
        await put(store, "kept", durability)
        await store.stop()
        assert any("not read" in line["event"] for line in logs) is (durability == "memory")
    store = EmbeddedStore(tmp_path, "disk")
    await store.start()
    assert await get(store, "kept") == b"disk"
    await store.stop()


async def test_an_earlier_server_is_shut_down_before_the_start(tmp_path: Path) -> None:
    """Where the kernel does not end the server with its hub, one may be left running."""
    first = EmbeddedStore(tmp_path, "disk")
    await first.start()
    await put(first, "kept", "1")
    await first.stop()
    directory = DataDirectory(tmp_path)
    assert directory.server_lock.acquire()
    orphan = await asyncio.create_subprocess_exec(
        *(find_binary(), directory.config_file),
        pass_fds=(directory.server_lock.fileno(),),
    )
    directory.server_lock.close()
    await answers(first.endpoint)
    await first.start()
    assert await orphan.wait() == 0
    assert await get(first, "kept") == b"1"
    await first.stop()
