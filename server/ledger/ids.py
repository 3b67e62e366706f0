"""Ids that carry their time: how old is too old.

Duplicates of posts without money are remembered for seven days. After that an id of unknown age
would be taken as new; an id that carries its time (UUIDv7, ULID) is refused instead. Both kinds
sort by time as text, so one comparison tells.
"""

from __future__ import annotations

MARK_DAYS = 7
"""How long the duplicate marks of posts without money are kept."""
MARK_MS = MARK_DAYS * 24 * 3600 * 1000

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _ulid_prefix(ms: int) -> str:
    return "".join(_CROCKFORD[ms >> shift & 31] for shift in range(45, -1, -5))


def _uuid7_prefix(ms: int) -> str:
    text = f"{ms:012x}"
    return f"{text[:8]}-{text[8:]}"


class Ages:
    """Tells ids that are older than marks are kept."""

    __slots__ = ("_ulid", "_uuid7")

    def __init__(self) -> None:
        self._ulid = self._uuid7 = ""

    def update(self, now_ms: int) -> None:
        """Follow the store's clock; call it every few seconds."""
        oldest = max(0, now_ms - MARK_MS)
        self._ulid = _ulid_prefix(oldest)
        self._uuid7 = _uuid7_prefix(oldest)

    @staticmethod
    def dated(id: str) -> bool:
        """Whether `id` carries its time."""
        if len(id) == 36:
            return id[14] == "7" and id[8] == "-"
        return len(id) == 26 and id.isalnum() and id[0] < "8"

    def too_old(self, id: str) -> bool:
        """Whether `id` carries a time before which marks are gone."""
        length = len(id)
        if length == 36:
            return id[14] == "7" and id[8] == "-" and id.lower() < self._uuid7
        if length == 26:
            return id.isalnum() and id[0] < "8" and id.upper() < self._ulid
        return False
