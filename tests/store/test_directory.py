"""The data directory: its locks, its socket, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store.directory import LOG_SIZE_MAX, SOCKET_PATH_MAX, DataDirectory, FileLock
from server.store.endpoint import StoreError


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may write everywhere: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_lock_has_one_holder_and_names_it(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert other.holder() is None
    assert lock.acquire()
    assert not other.acquire()
    assert other.holder() == str(os.getpid())
    lock.close()
    assert other.holder() is None
    assert other.acquire()
    other.close()


def test_a_lock_outlives_its_taker_only_in_a_child_it_was_passed_to(tmp_path: Path) -> None:
    passed, kept = FileLock(tmp_path / "passed"), FileLock(tmp_path / "kept")
    assert passed.acquire()
    assert kept.acquire()
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        pass_fds=(passed.fileno(),),
    )
    passed.close()
    kept.close()
    assert passed.holder() is not None
    assert kept.holder() is None
    child.communicate(b"\n")
    assert passed.holder() is None


def test_a_short_path_keeps_its_socket(tmp_path: Path) -> None:
    assert DataDirectory(tmp_path).socket == tmp_path / "store.sock"


def test_a_long_path_gets_a_private_folder_of_its_own(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / ("x" * 90))
    directory.prepare()
    folder = directory.socket.parent
    try:
        assert len(os.fsencode(directory.socket)) <= SOCKET_PATH_MAX
        assert folder != DataDirectory(tmp_path / ("y" * 90)).socket.parent
        assert folder.stat().st_mode & 0o777 == 0o700
        directory.prepare()
        folder.chmod(0o755)
        with pytest.raises(StoreError, match="not a private folder"):
            directory.prepare()
    finally:
        folder.rmdir()


def test_a_new_directory_is_private(tmp_path: Path) -> None:
    DataDirectory(tmp_path / "a" / "b").prepare()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="cannot be used"):
            DataDirectory(path).prepare()


def test_a_directory_that_cannot_be_made(tmp_path: Path, unprivileged: None) -> None:
    directory = DataDirectory(Path("/proc/teller") if sys.platform == "linux" else Path("/teller"))
    with pytest.raises(StoreError, match="cannot be used"):
        directory.prepare()


def test_a_large_log_is_set_aside(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    assert directory.log_tail() == ""
    directory.rotate_log()
    directory.log_file.write_text("one\ntwo\nthree\n")
    directory.rotate_log()
    assert directory.log_tail(2) == "two\nthree"
    directory.log_file.write_bytes(b"x" * (LOG_SIZE_MAX + 1))
    directory.rotate_log()
    assert not directory.log_file.exists()
    assert (tmp_path / "store.log.1").stat().st_size == LOG_SIZE_MAX + 1
