"""Keyed hashes: what the index holds in place of words and names.

Each box has hashes of its own, so that the same word in two boxes cannot be told to be the same.
Without the key, which is in the key store, nobody can try words.
"""

from __future__ import annotations

from hashlib import blake2b

TERM_BYTES = 5
"""Of a term. Two terms in a million million meet; the text itself decides then."""
_NUMBER_BITS = 63
AUTHOR = "author"


class Hashes:
    """The hashes of one index."""

    def __init__(self, key: bytes) -> None:
        self._numbers = blake2b(b"number", digest_size=8, key=key)
        self._terms = blake2b(b"term", digest_size=TERM_BYTES, key=key)

    def number(self, *parts: str) -> int:
        """A number for a name, or for several together: at most 63 bits."""
        digest = self._numbers.copy()
        for part in parts:
            digest.update(b"\0" + part.encode())
        return int.from_bytes(digest.digest()) >> (64 - _NUMBER_BITS)

    def of(self, box: str) -> BoxHashes:
        """Those of the terms of a box."""
        return BoxHashes(self, box)

    def terms(self, box: str) -> blake2b:
        """What every hash of a term of `box` begins with."""
        digest = self._terms.copy()
        digest.update(box.encode() + b"\0")
        return digest


class BoxHashes:
    """The hashes of the terms of one box; remembers what it has made."""

    def __init__(self, hashes: Hashes, box: str) -> None:
        self.box = box
        self._hashes = hashes
        self._begun = hashes.terms(box)
        self._known: dict[str, bytes] = {}

    def term(self, key: str) -> bytes:
        """`TERM_BYTES` for a key of `words` or a filter."""
        known = self._known.get(key)
        if known is None:
            digest = self._begun.copy()
            digest.update(key.encode())
            known = self._known[key] = digest.digest()
        return known

    def all(self, keys: list[str] | set[str]) -> bytes:
        """The hashes of `keys` in a row, in no order that tells anything."""
        known, term = self._known.get, self.term
        return b"".join(sorted([known(key) or term(key) for key in keys]))

    def author(self, name: str) -> int:
        """A number for whose words they are, the same in all boxes."""
        return self._hashes.number(AUTHOR, name)

    def ref(self, sender: str, id: str) -> int:
        """A number for an entry of this box."""
        return self._hashes.number("ref", self.box, sender, id)


def as_text(terms: bytes) -> str:
    """Hashes in a row as the words that FTS5 sees."""
    return terms.hex(" ", TERM_BYTES)
