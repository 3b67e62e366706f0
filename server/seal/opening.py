"""Which keys a hub uses, as its settings say."""

from __future__ import annotations

import stat
from pathlib import Path

from ..store.endpoint import StoreError, parse_url
from .keys import KeyStore
from .sqlite import SqliteKeys

DIRECTORY = "keys"
"""Of the keys, in the data directory."""


def key_store(keys: str | None, data: Path) -> KeyStore:
    """The keys at `keys`, a directory or a URL; by default those in the directory `data`.

    Raises:
        StoreError: if it is a URL that names no server.
    """
    if keys is None:
        return SqliteKeys(data / DIRECTORY)
    if "://" in keys:
        from .valkey import ValkeyKeys  # redis-py is much to load where it is not needed

        return ValkeyKeys(parse_url(keys))
    return SqliteKeys(Path(keys))


async def examine(keys: str | None, data: Path) -> tuple[bool, str]:
    """Whether the keys can be used and nobody else can read them; and what to tell people."""
    try:
        found = key_store(keys, data)
    except StoreError as error:
        return False, str(error)
    if isinstance(found, SqliteKeys):
        return _examine_file(found.path)
    try:
        await found.open()
        number = len(await found.everything())
    except StoreError as error:
        return False, str(error)
    finally:
        await found.close()
    return True, f"keys: {number} at {found.where}"


def _examine_file(path: Path) -> tuple[bool, str]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return True, f"keys: none yet; they will be in {path}"
    except OSError as error:
        return False, f"keys: {path} cannot be read: {error.strerror}"
    if mode & 0o077:
        return False, f"keys: others can read {path}; run chmod 600 {path}"
    return True, f"keys: {path}; back them up apart, with teller admin backup-keys"
