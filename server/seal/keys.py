"""Where the keys of words are kept: outside of the store, so that a copy of it opens nothing.

A key is 64 random bytes. A destroyed one is kept as zeros, which says for ever that the account was
erased and that its key is not missing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Protocol

from ..store.endpoint import StoreError

KEY_BYTES = 64
"""Two of 32: for the digest, and for the encryption."""
DESTROYED = bytes(KEY_BYTES)
ID_BYTES = 16
INDEX_KEY_BYTES = 32


class KeysError(StoreError):
    """The keys cannot be had now, or not be kept. The message is for people."""


class KeyStore(Protocol):
    """All keys of a region's accounts. `open` comes first, and `close` last."""

    id: str
    """Names this set of keys, for ever; the store remembers it."""
    where: str
    """For people."""
    index_key: bytes
    """32 secret bytes for keyed hashes of words; see the search."""

    async def open(self) -> None:
        """Be ready; makes what is not there yet.

        Raises:
            KeysError: if it cannot be used.
        """

    async def close(self) -> None:
        """Let go."""

    def at_hand(self, name: str) -> bytes | None:
        """The key of an account, if that can be told without waiting."""

    async def find(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """The keys of those accounts that have one.

        Raises:
            KeysError: they cannot be had now.
        """

    async def make(self, name: str) -> bytes:
        """The key of an account; a new one, kept for good before this returns, if it had none.

        Raises:
            KeysError: it cannot be kept now.
        """

    async def destroy(self, name: str) -> None:
        """Overwrite a key, also where older states of it are kept. May be repeated.

        Raises:
            KeysError: it is not certain; try again.
        """

    async def everything(self) -> dict[str, bytes]:
        """All keys, for a backup.

        Raises:
            KeysError: they cannot be had now.
        """

    async def restore(self, id: str, index_key: bytes, keys: Mapping[str, bytes]) -> int:
        """Take keys from a backup: those that are missing here; of an empty set, its name, too.
        The number of keys taken.

        Raises:
            KeysError: they cannot be kept, or belong to another set.
        """


def new_key() -> bytes:
    """A random key."""
    return secrets.token_bytes(KEY_BYTES)
