"""The keys of the store. Every key of a partition carries the partition's hash tag.

For an account `@alice` of partition 0: ``{p0}a:@alice`` its record (flags, balances),
``{p0}m:@alice`` its mailbox, ``{p0}d:@alice:<id>`` the duplicate marks of its posts, ``{p0}s:`` its
password hash, ``{p0}t:`` its tokens, ``{p0}j:`` the rooms it joined; for a room ``{p0}r:#room`` its
members. ``{p0}total:USD`` is the money in circulation and ``{p0}meta`` what the store was
initialised with.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

WORLD = "$world"
"""The system account that deposits come from; its balance is minus the money in circulation."""
PARTITIONS = 1
"""Partitions of the embedded store."""


def tag(name: str) -> str:
    """The hash tag of the partition where the account `name` lives."""
    return f"{{p{crc32(name.encode()) % PARTITIONS}}}"


class AccountKeys:
    """The keys of one account (a person, a room or a system account), ready to send."""

    __slots__ = ("box", "joined", "marks", "members", "record", "secret", "tokens")

    def __init__(self, name: str) -> None:
        at = tag(name)
        self.record = f"{at}a:{name}".encode()
        self.box = f"{at}m:{name}".encode()
        self.marks = f"{at}d:{name}:".encode()
        """Prefix; the id of the post follows."""
        self.secret = f"{at}s:{name}".encode()
        self.tokens = f"{at}t:{name}".encode()
        self.joined = f"{at}j:{name}".encode()
        self.members = f"{at}r:{name}".encode()


@lru_cache(maxsize=65_536)
def keys_of(name: str) -> AccountKeys:
    """The keys of the account `name`."""
    return AccountKeys(name)


def total_key(currency: str, partition: int = 0) -> bytes:
    """The key that holds how much of `currency` is in circulation."""
    return f"{{p{partition}}}total:{currency}".encode()


def meta_key(partition: int = 0) -> bytes:
    """The key of the hash that holds schema, epoch and number of partitions."""
    return f"{{p{partition}}}meta".encode()
