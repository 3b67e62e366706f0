"""The embedded store's data directory: its files, and the two locks that guard it.

`lock` belongs to the hub: one hub per directory. `store.lock` belongs to the store's server, which
inherits it at its start: it is free exactly when the server (and its rewriting child) is gone, even
when the hub was killed and the server is still writing. No process id has to be trusted for that.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from .endpoint import StoreError

SOCKET_PATH_MAX = 103
"""Bytes. The kernel's limit is 107 on Linux and 103 on macOS, without the closing zero byte."""

LOG_SIZE_MAX = 1 << 20
"""Bytes of the server's log at which a start sets it aside; one older log is kept."""


class FileLock:
    """An advisory lock on a file (`flock`). The kernel drops it when its last holder dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock and write our process id into the file, or say that it is held.

        Raises:
            OSError: if the file cannot be opened or written.
        """
        # Python opens with O_CLOEXEC, so no child gets the lock unless it is passed on purpose.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def fileno(self) -> int:
        """The locked file's descriptor, to pass to a child."""
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        return self._descriptor

    def close(self) -> None:
        """Let go. The lock stays held while a child that inherited it lives."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str | None:
        """The process id in the file while somebody holds the lock, else None."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            return os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        finally:
            os.close(descriptor)


class DataDirectory:
    """The paths in the directory `path`, and what has to be true of them before a start."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.hub_lock = FileLock(self.path / "lock")
        self.server_lock = FileLock(self.path / "store.lock")
        self.config_file = self.path / "store.conf"
        self.log_file = self.path / "store.log"
        self.pid_file = self.path / "store.pid"
        self.append_only = self.path / "appendonlydir"
        self.socket = self._socket()

    def prepare(self) -> None:
        """Make the directory, and the socket's private folder if it needs one.

        Raises:
            StoreError: if that cannot be done, or if the folder is not ours alone.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(self.refusal(error)) from error
        if self.socket.parent != self.path:
            self._prepare_socket_folder()

    def refusal(self, error: OSError) -> str:
        """What to tell people when the directory cannot be used because of `error`."""
        return f"the data directory {self.path} cannot be used: {error.strerror or error}"

    def rotate_log(self) -> None:
        """Set a log that has grown large aside, over the older one."""
        try:
            if self.log_file.stat().st_size > LOG_SIZE_MAX:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))
        except FileNotFoundError:
            pass

    def log_tail(self, lines: int = 6) -> str:
        """The last lines of the server's log, or nothing."""
        try:
            with self.log_file.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
                return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""

    def server_pid(self) -> str:
        """The process id of the server that runs, or ran last, as the server wrote it."""
        try:
            return self.pid_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return "unknown"

    def _socket(self) -> Path:
        near = self.path / "store.sock"
        if len(os.fsencode(near)) <= SOCKET_PATH_MAX:
            return near
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir(), f"teller-{digest}", "store.sock")

    def _prepare_socket_folder(self) -> None:
        folder = self.socket.parent
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            facts = folder.lstat()
        except OSError as error:
            raise StoreError(f"no folder {folder} for the store's socket: {error}") from error
        # The temporary directory is everybody's: take no folder that another user laid there.
        private = stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o077
        if not private or facts.st_uid != os.geteuid():
            raise StoreError(f"{folder} is not a private folder of this user; remove it")
