"""One account's words: sealed before they are stored, opened for those who may read them.

The SIV construction (Rogaway and Shrimpton, *The Key-Wrap Problem*, 2006; RFC 5297 is the same):
a digest of everything, with one key, is the initialisation vector of the encryption of the words,
with another, and proves them when they are opened. The digest is BLAKE2b with a key (RFC 7693), of
16 bytes, over the public part and the words; the encryption AES-256 in counter mode. RFC 5297
itself takes CMAC, which is slower. `docs/ledger.md` says what follows from it.

So the same frame sent again has the same stored form, equal words of different entries look
different, and neither words nor public part can be changed or exchanged without the key.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from struct import Struct
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from msgspec.structs import force_setattr

from ..ledger.entries import DIGEST_BYTES, SEALED, encode_entry
from .keys import DESTROYED, KEY_BYTES

WARM_MAX = 8_192
"""Ciphers that are kept ready; each takes 1.6 KB, and about 10 µs to make anew."""
_HALF = KEY_BYTES // 2
_HEAD = Struct(">BH")
_SHORT = 512
_HEADS = [_HEAD.pack(SEALED, length) for length in range(_SHORT)]
_warm: deque[Seal] = deque()
_Ready = tuple[blake2b, CipherContext]
"""A digest that has the key and nothing else yet; and the cipher, which begins anew with each
initialisation vector, and opens as it seals."""


class Destroyed(Exception):
    """The key was destroyed with the account."""


class Seal:
    """What seals and opens the words of one account."""

    __slots__ = ("_key", "_ready")

    def __init__(self, key: bytes) -> None:
        self._key = key
        """Empty once it was destroyed."""
        self._ready: _Ready | None = None

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
        self._key, self._ready = b"", None

    def body(self, entry: Any, text: str) -> tuple[bytes, bytes]:
        """The stored form of `entry`, whose text is empty and becomes this one: all but the text
        can be read. And the digest that is in it.

        Raises:
            Destroyed: there is no key.
        """
        public = encode_entry(entry)
        force_setattr(entry, "text", text)  # quicker than a copy; nobody has seen it yet
        keyed, cipher = self._ready or self._make()
        words = text.encode()
        state = keyed.copy()  # as in `hide`: the hub's hot path
        state.update(public + words)
        digest = state.digest()
        cipher.reset_nonce(digest)
        length = len(public)
        head = _HEADS[length] if length < _SHORT else _HEAD.pack(SEALED, length)
        return b"".join((head, public, digest, cipher.update(words))), digest

    def hide(self, text: str, public: bytes) -> bytes:
        """`text` sealed: the digest, and as many bytes as the text has. `public` is one value in
        MessagePack that says what it is, and must be the same to open it.

        Raises:
            Destroyed: there is no key.
        """
        keyed, cipher = self._ready or self._make()
        words = text.encode()
        digest = _digest(keyed, public, words)
        cipher.reset_nonce(digest)
        return digest + cipher.update(words)

    def show(self, sealed: bytes, public: bytes) -> str:
        """What was sealed.

        Raises:
            Destroyed: there is no key.
            ValueError: it was damaged, or sealed with another key.
        """
        keyed, cipher = self._ready or self._make()
        digest = sealed[:DIGEST_BYTES]
        cipher.reset_nonce(digest)  # refuses one of another length, with a ValueError
        words = cipher.update(sealed[DIGEST_BYTES:])
        if _digest(keyed, public, words) != digest:
            raise ValueError("sealed words cannot be opened with this key")
        return words.decode()

    def _make(self) -> _Ready:
        if not self._key:
            raise Destroyed
        if len(_warm) >= WARM_MAX:
            _warm.popleft()._ready = None
        _warm.append(self)
        self._ready = ready = (
            blake2b(key=self._key[:_HALF], digest_size=DIGEST_BYTES),
            Cipher(AES256(self._key[_HALF:]), CTR(bytes(DIGEST_BYTES))).encryptor(),
        )
        return ready


def _digest(keyed: blake2b, public: bytes, words: bytes) -> bytes:
    """It tells where `public` ends: no value in MessagePack begins with another one."""
    state = keyed.copy()
    state.update(public + words)
    return state.digest()
