"""`teller doctor`: one line per check, and an exit code that scripts can use."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.commands.doctor import FILES_LOW, run_doctor
from server.store.binary import ENVIRONMENT_NAME
from server.store.embedded import EmbeddedStore

from .conftest import PlainServer


async def examine(data: Path, store_url: str | None = None) -> tuple[int, list[str]]:
    lines: list[str] = []
    code = await run_doctor(data, store_url, lines.append)
    assert all(line[:6] in ("ok    ", "warn  ", "FAIL  ") for line in lines)
    return code, lines


def one(lines: list[str], text: str) -> str:
    """The one line that has `text` in it."""
    found = [line for line in lines if text in line]
    assert len(found) == 1, lines
    return found[0]


async def test_before_the_first_start(tmp_path: Path) -> None:
    code, lines = await examine(tmp_path / "new")
    assert code == 0
    assert one(lines, "will be made at the first start").startswith("ok")
    assert one(lines, "store program").startswith("ok")
    for text in ("Python 3", "uvloop", "websockets.speedups", "hiredis", "open files", "disk sync"):
        assert one(lines, text)
    assert not (tmp_path / "new").exists()


async def test_beside_a_running_hub(store: EmbeddedStore, tmp_path: Path) -> None:
    code, lines = await examine(tmp_path / "data")
    assert code == 0
    assert f"process {os.getpid()}" in one(lines, "in use by a hub")
    assert one(lines, "store settings: appendfsync always").startswith("ok")
    assert one(lines, "store round trip")
    assert one(lines, "clocks").startswith("ok")
    await store.stop()
    code, lines = await examine(tmp_path / "data")
    assert code == 0
    assert one(lines, "is free for a hub")


async def test_an_embedded_store_that_forgets_is_a_warning(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, "memory")
    await store.start()
    try:
        code, lines = await examine(tmp_path)
    finally:
        await store.stop()
    assert code == 0
    assert one(lines, "store settings").startswith("warn")


async def test_an_operators_store(plain_server: PlainServer, tmp_path: Path) -> None:
    good = await plain_server("--appendonly", "yes", "--appendfsync", "always")
    code, lines = await examine(tmp_path, f"unix://{good.unix_path}")
    assert code == 0
    assert one(lines, "store at unix://").startswith("ok")

    forgetful = await plain_server("--requirepass", "secret")
    code, lines = await examine(tmp_path, f"unix://:secret@{forgetful.unix_path}")
    assert code == 1
    assert one(lines, "CONFIG SET appendonly yes").startswith("FAIL")
    assert not any("secret" in line for line in lines)


async def test_a_full_store_is_a_warning(plain_server: PlainServer, tmp_path: Path) -> None:
    full = await plain_server("--maxmemory", "1")
    _, lines = await examine(tmp_path, f"unix://{full.unix_path}")
    assert one(lines, "refuses posts when it is full").startswith("warn")


@pytest.mark.parametrize("url", ["unix:///nowhere/s", "http://db"])
async def test_no_such_store(tmp_path: Path, url: str) -> None:
    code, lines = await examine(tmp_path, url)
    assert code == 1
    assert len([line for line in lines if line.startswith("FAIL")]) == 1


async def test_an_unusable_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        code, lines = await examine(path)
        assert code == 1
        assert one(lines, "cannot be used").startswith("FAIL")


async def test_no_store_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_NAME, str(tmp_path / "none"))
    code, lines = await examine(tmp_path)
    assert code == 1
    assert one(lines, "not a program").startswith("FAIL")


@pytest.fixture
def few_open_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_LOW - 1, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_few_open_files_is_a_warning(tmp_path: Path, few_open_files: None) -> None:
    _, lines = await examine(tmp_path)
    assert one(lines, "ulimit -n").startswith("warn")
