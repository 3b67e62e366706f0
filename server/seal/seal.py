"""One account's words: sealed before they are stored, opened for those who may read them.

AES-SIV (RFC 5297) with a random key of the account. It is deterministic: the same frame sent again
has the same stored form, and so the same digest. The id of the entry goes in as associated data, so
that equal words of different entries look different.
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec.structs import force_setattr

from ..ledger.entries import SEALED, encode_entry
from .keys import DESTROYED

WARM_MAX = 8_192
"""Ciphers that are kept ready; each takes 4 KB, and 6 µs to make anew."""
_HEAD = Struct(">BH")
_SHORT = 512
_HEADS = [_HEAD.pack(SEALED, length) for length in range(_SHORT)]
_warm: deque[Seal] = deque()


class Destroyed(Exception):
    """The key was destroyed with the account."""


class Seal:
    """What seals and opens the words of one account."""

    __slots__ = ("_cipher", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        """Empty once it was destroyed."""
        self._cipher: AESSIV | None = None

    @property
    def key(self) -> bytes:
        """The key, as it is kept."""
        return self._key or DESTROYED

    @property
    def destroyed(self) -> bool:
        """Whether nothing can be opened any more."""
        return not self._key

    def destroy(self) -> None:
        """Forget the key."""
        self._key, self._cipher = b"", None

    def body(self, entry: Any, text: str) -> bytes:
        """The stored form of `entry`, whose text is empty and becomes this one: all but the text
        can be read.

        Raises:
            Destroyed: there is no key.
        """
        public = encode_entry(entry)
        force_setattr(entry, "text", text)  # quicker than a copy; nobody has seen it yet
        cipher = self._cipher or self._make()
        sealed = cipher.encrypt(text.encode(), [entry.id.encode()])
        length = len(public)
        head = _HEADS[length] if length < _SHORT else _HEAD.pack(SEALED, length)
        return head + public + sealed

    def hide(self, text: str, about: str) -> bytes:
        """`text` sealed; `about` says what it is, and must be the same to open it.

        Raises:
            Destroyed: there is no key.
        """
        return (self._cipher or self._make()).encrypt(text.encode(), [about.encode()])

    def show(self, sealed: bytes, about: str) -> str:
        """What was sealed.

        Raises:
            Destroyed: there is no key.
            ValueError: it was damaged, or sealed with another key.
        """
        cipher = self._cipher or self._make()
        try:
            return cipher.decrypt(sealed, [about.encode()]).decode()
        except InvalidTag:
            raise ValueError("sealed words cannot be opened with this key") from None

    def _make(self) -> AESSIV:
        if not self._key:
            raise Destroyed
        if len(_warm) >= WARM_MAX:
            _warm.popleft()._cipher = None
        _warm.append(self)
        cipher = self._cipher = AESSIV(self._key)
        return cipher
