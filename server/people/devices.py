"""Devices: an account's tokens, as the store keeps them.

In the hash of tokens, the field of a token (its SHA-256) holds since when it is there and the name
of the device; one that an older hub wrote holds only the name. The field with a tilde behind holds
when the device was last there. The two are apart, so that what is written late can never bring a
revoked token back. A device is named by the first half of its token's field.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from protocol.frames import OwnDevice

DEVICES_MAX = 50
"""Devices of one account; where one more logs in, the one that was away longest is logged out."""
UNUSED_MS_MAX = 180 * 86_400_000
"""A device that was not there for so long is logged out."""
ID_CHARS = 16
LAST = "~"
_VALUE = re.compile(rb"\x1f(\d{1,15}) (.*)", re.DOTALL)


class Token(NamedTuple):
    """A device that is logged in; times are ms."""

    field: str
    name: str
    since: int
    last: int

    @property
    def device(self) -> str:
        """What names it; no secret."""
        return self.field[:ID_CHARS]


def token_value(device: str, now: int) -> str:
    """What is stored of a token that is made now."""
    return f"\x1f{now} {device}"


def last_field(field: str) -> str:
    """The field that holds when the device of a token was last there."""
    return field + LAST


def tokens_in(stored: dict[bytes, bytes]) -> list[Token]:
    """The tokens of an account, those last there first."""
    found = []
    for key, value in stored.items():
        field = key.decode()
        if not field.endswith(LAST):
            found.append(read_token(field, value, stored.get(last_field(field).encode())))
    return sorted(found, key=lambda one: (-one.last, one.field))


def read_token(field: str, value: bytes, last: bytes | None) -> Token:
    """A token as it is stored, and when it was last there, if that is known."""
    match = _VALUE.fullmatch(value)
    since, name = (int(match[1]), match[2]) if match else (0, value)
    at = int(last) if last is not None and last.isdigit() else 0
    return Token(field, name.decode("utf-8", "replace"), since, max(since, at))


def is_over(token: Token, now: int) -> bool:
    """Whether it was not used for too long; of old ones that is not known yet."""
    return 0 < token.last < now - UNUSED_MS_MAX


def in_the_way(stored: dict[bytes, bytes], now: int) -> list[str]:
    """Fields to be dropped where a new token comes: what is over, what is too many, and what is
    left of tokens that were revoked."""
    tokens = tokens_in(stored)
    stay = [one for one in tokens if not is_over(one, now)][: DEVICES_MAX - 1]
    kept = {one.field for one in stay}
    return [key for key in map(bytes.decode, stored) if key.removesuffix(LAST) not in kept]


def own_device(token: Token, current: str, there: bool, now: int) -> OwnDevice:
    """It as it is told; `current` is the field of who asks."""
    seen = now if there else token.last
    return OwnDevice(token.device, token.name, token.since, seen, token.field == current)
