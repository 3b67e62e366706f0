"""Keys in a SQLite file, for hubs of one machine; several processes may share it.

A key is overwritten in place when it is destroyed: its row keeps its size and its place, and rows
are only ever added at the end, so SQLite never copies a key to another page. What the write-ahead
log held of it is gone when the log is truncated, before `destroy` returns.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from .keys import DESTROYED, ID_BYTES, INDEX_KEY_BYTES, KeysError, KeyStore, new_key

T = TypeVar("T")

FILE = "keys.db"
BUSY_S = 5.0
"""How long another process's write is waited for."""
TRUNCATE_S = 10.0
"""How long readers may hold up the truncation of the log."""
_TABLES = (
    "keys (place INTEGER PRIMARY KEY, name TEXT UNIQUE, key BLOB)",
    "about (field TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
)
_FIND = "SELECT key FROM keys WHERE name = ?"
_ADD = "INSERT INTO keys (name, key) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"


class SqliteKeys(KeyStore):
    """The keys in `directory`, which only the hub's user may read."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self.where = str(self.path)
        self.id, self.index_key = "", b""
        self._lock = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    async def open(self) -> None:
        await asyncio.to_thread(self._told, self._open)

    async def close(self) -> None:
        with self._lock:
            for one in (self._reader, self._writer):
                if one is not None:
                    one.close()
            self._reader = self._writer = None

    def at_hand(self, name: str) -> bytes | None:
        if self._reader is None:
            return None
        try:
            found = self._reader.execute(_FIND, (name,)).fetchone()
        except sqlite3.Error:
            return None  # whoever then asks for it hears why
        return None if found is None else found[0]

    async def find(self, names: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(names)
        return await self._write(
            lambda db: {
                name: row[0] for name in wanted if (row := db.execute(_FIND, (name,)).fetchone())
            }
        )

    async def make(self, name: str) -> bytes:
        def add(db: sqlite3.Connection) -> bytes:
            db.execute(_ADD, (name, new_key()))
            key: bytes = db.execute(_FIND, (name,)).fetchone()[0]
            return key

        return await self._write(add)

    async def destroy(self, name: str) -> None:
        def overwrite(db: sqlite3.Connection) -> None:
            db.execute(_ADD, (name, DESTROYED))
            db.execute("UPDATE keys SET key = ? WHERE name = ?", (DESTROYED, name))
            _truncate(db)

        await self._write(overwrite)

    async def everything(self) -> dict[str, bytes]:
        return await self._write(lambda db: dict(db.execute("SELECT name, key FROM keys")))

    async def restore(self, id: str, index_key: bytes, keys: Mapping[str, bytes]) -> int:
        def take(db: sqlite3.Connection) -> int:
            with db:
                db.execute("BEGIN IMMEDIATE")
                before = db.total_changes
                empty = db.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is None
                if id != self.id and not empty:
                    raise KeysError(f"{self.path} holds other keys than the backup's")
                db.executemany(_ADD, keys.items())
                taken = db.total_changes - before
                for name in (name for name, key in keys.items() if key == DESTROYED):
                    db.execute("UPDATE keys SET key = ? WHERE name = ?", (DESTROYED, name))
                for field, value in (("id", bytes.fromhex(id)), ("index", index_key)):
                    db.execute("UPDATE about SET value = ? WHERE field = ?", (value, field))
            _truncate(db)
            self.id, self.index_key = id, index_key
            return taken

        return await self._write(take)

    # Private: in a thread.

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # workers start at the same time
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # others shall not read it
            self._writer, self._reader = _connect(self.path), _connect(self.path)
            about = _describe(self._writer)
        finally:
            os.close(folder)
        self.id, self.index_key = about["id"].hex(), about["index"]

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            with self._lock:
                if self._writer is None:
                    raise KeysError(f"{self.path} is closed")
                return work(self._writer)

        return await asyncio.to_thread(self._told, run)

    def _told(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            raise KeysError(f"the keys in {self.path} cannot be used: {error}") from error


def copy_to(keys: Mapping[str, bytes], id: str, index_key: bytes, path: Path) -> None:
    """Write keys into a new file, which only its owner may read.

    Raises:
        OSError: if it cannot be written, or is there already.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path)) as db, db:
        _make_tables(db)
        about = [("id", bytes.fromhex(id)), ("index", index_key)]
        db.executemany("INSERT INTO about VALUES (?, ?)", about)
        db.executemany("INSERT INTO keys (name, key) VALUES (?, ?)", keys.items())


def read_copy(path: Path) -> tuple[str, bytes, dict[str, bytes]]:
    """The name of the set, its index key and the keys of such a file.

    Raises:
        KeysError: if it is none.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            about = dict(db.execute("SELECT field, value FROM about"))
            return about["id"].hex(), about["index"], dict(db.execute("SELECT name, key FROM keys"))
    except (sqlite3.Error, KeyError) as error:
        raise KeysError(f"{path} is no backup of keys: {error}") from error


def _describe(db: sqlite3.Connection) -> dict[str, bytes]:
    """Make what is not there yet; what this set of keys is."""
    _make_tables(db)
    for field, size in (("id", ID_BYTES), ("index", INDEX_KEY_BYTES)):
        row = (field, secrets.token_bytes(size))
        db.execute("INSERT INTO about VALUES (?, ?) ON CONFLICT DO NOTHING", row)
    return dict(db.execute("SELECT field, value FROM about"))


def _make_tables(db: sqlite3.Connection) -> None:
    for table in _TABLES:
        db.execute(f"CREATE TABLE IF NOT EXISTS {table}")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, BUSY_S, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")
    return db


def _truncate(db: sqlite3.Connection) -> None:
    """Move the log into the file and cut it to nothing: it holds what was there before."""
    until = time.monotonic() + TRUNCATE_S
    while db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise KeysError("the log of the keys is in use, and may still hold a destroyed one")
        time.sleep(0.02)
