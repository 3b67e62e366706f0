"""The index's file: opened, checked, and thrown away when it is of no use.

Nothing waits for a disk here. An index that a crash of the machine has damaged is noticed and made
again; the disk's time belongs to the store.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..store.endpoint import StoreError

FILE = "index.db"
VERSION = 1
"""Of the tables and of how texts are cut into terms."""
BUSY_S = 2.0
"""How long another worker's write is waited for."""
CACHE_KIB = 16 * 1024
LOG_BYTES_MAX = 16 * 1024 * 1024
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TABLES = (
    "TABLE about (version INTEGER, key INTEGER, boot TEXT, merging INTEGER)",
    "TABLE boxes (number INTEGER PRIMARY KEY AUTOINCREMENT, name INTEGER UNIQUE, epoch INTEGER,"
    " seq INTEGER, at INTEGER)",
    "TABLE rows (id INTEGER PRIMARY KEY, at INTEGER, author INTEGER, ref INTEGER, money INTEGER,"
    " until INTEGER, locked INTEGER, filters BLOB, words BLOB)",
    "INDEX by_ref ON rows (ref)",
    "INDEX by_author ON rows (author)",
    "INDEX by_end ON rows (until) WHERE until IS NOT NULL",
    "INDEX by_lock ON rows (id) WHERE locked",
    "TABLE doomed (number INTEGER PRIMARY KEY)",
    "VIRTUAL TABLE terms USING fts5"
    " (hashes, content='', columnsize=0, detail='none', tokenize='ascii')",
)


class Unusable(Exception):
    """There is a file, but it is of another version or key, or damaged."""


def open_index(folder: Path, key: int) -> sqlite3.Connection:
    """The index in `folder`, whose hashes are made with the key that `key` stands for. One that is
    of no use is replaced by an empty one.

    Raises:
        OSError, sqlite3.Error: if there can be none.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone_in(folder):
        try:
            return _open(folder / FILE, key)
        except (Unusable, sqlite3.Error) as error:
            if isinstance(error, sqlite3.Error) and not is_damage(error):
                raise
            discard(folder)
            return _open(folder / FILE, key)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is to blame: it is no index of ours, or not whole. Else it is in use, or the
    disk is full, and so on."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def discard(folder: Path) -> None:
    """Delete the index. Workers that have it open notice, and make another."""
    for end in ("", "-wal", "-shm"):
        (folder / f"{FILE}{end}").unlink(missing_ok=True)


def reindex(folder: Path) -> int:
    """What the operator does to have the index made again; the exit code.

    Raises:
        StoreError: there is none.
    """
    if current(folder) is None:
        raise StoreError(f"there is no search index in {folder}")
    discard(folder)
    print(f"The search index in {folder} is gone. The hubs make it again as people search.")
    return 0


def current(folder: Path) -> tuple[int, int] | None:
    """Which file is in `folder` now; None: there is no index."""
    try:
        found = (folder / FILE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def size_of(folder: Path) -> int:
    """Bytes that the index takes."""
    return sum(one.stat().st_size for one in folder.glob(f"{FILE}*"))


def _open(path: Path, key: int) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, BUSY_S, isolation_level=None)
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = OFF",
            "secure_delete = ON",
            f"cache_size = -{CACHE_KIB}",
            f"journal_size_limit = {LOG_BYTES_MAX}",
        ):
            db.execute(f"PRAGMA {pragma}")
        _make(db, key)
        _check(db, key)
    except BaseException:
        db.close()
        raise
    return db


def _make(db: sqlite3.Connection, key: int) -> None:
    with transaction(db):
        if db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            for table in _TABLES:
                db.execute(f"CREATE {table}")
            db.execute("INSERT INTO about VALUES (?, ?, ?, 0)", (VERSION, key, _boot()))


def _check(db: sqlite3.Connection, key: int) -> None:
    """See that it is ours, and, the first time after the machine was started, that it is whole."""
    version, found, boot = db.execute("SELECT version, key, boot FROM about").fetchone()
    if (version, found) != (VERSION, key):
        raise Unusable
    if boot == _boot():
        return
    with closing(db.execute("PRAGMA quick_check(1)")) as cursor:
        if cursor.fetchone() != ("ok",):
            raise Unusable
    db.execute("INSERT INTO terms (terms) VALUES ('integrity-check')")
    db.execute("UPDATE about SET boot = ?", (_boot(),))


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other process opens the index meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; nobody else writes meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
