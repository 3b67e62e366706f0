"""Frame ids: ULIDs, which carry their time, so that the hub can tell an id that is too old."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid() -> str:
    """A new id: 48 bits of milliseconds and 80 random bits, as 26 characters of base 32."""
    value = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
