"""The keys of the store. Every key of a partition carries the partition's hash tag.

For an account `@alice` of partition 0: ``{p0}a:@alice`` its record (flags, balances),
``{p0}m:@alice`` its mailbox, ``{p0}d:@alice:<id>`` the duplicate marks of its posts, ``{p0}s:`` its
password hash, ``{p0}t:`` its tokens, ``{p0}j:`` the rooms it joined; for a room ``{p0}r:#room`` its
members. ``{p0}total:USD`` is the money that was put into circulation there and ``{p0}meta`` what
the store was initialised with, and the epoch. Of the lane from partition 0 to 1: ``{p0}x:1`` what
was sent, ``{p0}o:1`` the outbox; of the lane from 1 to 0, at its end: ``{p0}i:1`` what arrived.
Where there are regions, partition 1 of the region `us` is labelled ``us.1``, and ``{p0}h:@bob``
tells the region where a name lives.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterator
from functools import lru_cache
from itertools import count, product
from string import ascii_lowercase
from typing import NamedTuple
from zlib import crc32

WORLD = "$world"
"""The system account that deposits come from; its balance is minus the money in circulation."""
SUSPENSE = "$suspense"
"""The system account of each partition that takes money which cannot go back to its payer, and what
an end of a lane has lost."""
LOSSES = "$losses"
"""The system account of each partition that owes what its side of a lane has lost: below zero, it
is money that payees have and no payer was debited for."""
META = b"{p0}meta"
"""The hash that says what the whole store was initialised with: schema and partitions."""
SLOTS = 16_384
"""Hash slots of a cluster."""
NAMES_CACHED = 65_536
LANES_CACHED = 65_536


class AccountKeys:
    """The keys of one account (a person, a room or a system account), ready to send."""

    __slots__ = (
        *("box", "joined", "label", "marks", "members", "name", "partition", "record", "secret"),
        *("tokens", "profile", "rules", "pace", "refs", "contacts", "offers"),
    )

    def __init__(self, name: str, partition: int, tag: str, label: str = "") -> None:
        self.name = name
        self.partition = partition
        """-1 for an account of another region, of which there are no keys here."""
        self.label = label or str(partition)
        """Names its partition among all: ``3``, or in the region `us` ``us.3``."""
        self.record = f"{tag}a:{name}".encode()
        self.box = f"{tag}m:{name}".encode()
        self.marks = f"{tag}d:{name}:".encode()
        """Prefix; the id of the post follows."""
        self.secret = f"{tag}s:{name}".encode()
        self.tokens = f"{tag}t:{name}".encode()
        self.joined = f"{tag}j:{name}".encode()
        self.members = f"{tag}r:{name}".encode()
        self.profile = f"{tag}q:{name}".encode()
        """Hash: what a person or a room says of itself, and its settings."""
        self.rules = f"{tag}n:{name}".encode()
        """Hash, of a room: who is banned, invited, asks to come in; and links."""
        self.pace = f"{tag}z:{name}".encode()
        """Hash, of a slow room: when members may write again."""
        self.refs = f"{tag}e:{name}".encode()
        """Hash, of a box: the entries that speak of an entry."""
        self.contacts = f"{tag}c:{name}".encode()
        """Hash, of a person: with whom they have a conversation, and how they arranged it."""
        self.offers = f"{tag}u:{name}".encode()
        """Hash, of a person: payments that wait to be accepted."""


class Near(NamedTuple):
    """Two people of one partition, as a post from one to the other needs them."""

    pair: bytes
    """The key of what they think of each other."""
    other: AccountKeys
    boxes: tuple[bytes, bytes]
    names: tuple[str, str]


class LaneEnd(NamedTuple):
    """The keys that an arrival in a partition needs besides those of who it is for."""

    lane: bytes
    """The lane's record at this end."""
    back: bytes
    """The record of the lane back, where a refused leg's return goes."""
    back_outbox: bytes
    suspense: bytes
    """The record of `$suspense`."""
    suspense_box: bytes


class Keyspace:
    """The keys of a store that has `partitions` of them."""

    def __init__(self, partitions: int = 1) -> None:
        self.partitions = partitions
        self._tags = [_tag(partition, partitions) for partition in range(partitions)]
        self.of = lru_cache(maxsize=NAMES_CACHED)(self._of)
        """The keys of the account with this name."""
        self.abroad: dict[str, AccountKeys] = {}
        """Of accounts that are known to live in other regions: where they are, but no keys."""
        self._worlds = [AccountKeys(WORLD, p, tag) for p, tag in enumerate(self._tags)]
        self._suspense = [AccountKeys(SUSPENSE, p, tag) for p, tag in enumerate(self._tags)]
        self._losses = [AccountKeys(LOSSES, p, tag) for p, tag in enumerate(self._tags)]
        lanes = lru_cache(maxsize=LANES_CACHED)
        self.lane_out = lanes(self._lane_out)
        """(source, to): the key of what partition `source` sent to the partition labelled `to`."""
        self.outbox = lanes(self._outbox)
        """(source, to): the key of the legs that it sent there."""
        self.lane_end = lanes(self._lane_end)
        """(at, source): the keys of the end, in partition `at`, of the lane from `source`."""
        self.lane_in = lanes(self._lane_in)
        """(at, source): the key of what arrived in partition `at` from that labelled `source`."""
        self.pair = lru_cache(maxsize=NAMES_CACHED)(self._pair)
        """(partition, one, other): the key there that tells what two people think of each other."""
        self.near = lru_cache(maxsize=NAMES_CACHED)(self._near)
        """(own, to): both of them; None, if `to` lives in another partition, or is oneself."""

    def _of(self, name: str) -> AccountKeys:
        partition = self.partition_of(name)
        return AccountKeys(name, partition, self._tags[partition])

    def party(self, name: str) -> AccountKeys:
        """The same, or where it lives if that is known to be another region."""
        return self.abroad.get(name) or self.of(name)

    def partition_of(self, name: str) -> int:
        """The partition where the account `name` lives."""
        return crc32(name.encode()) % self.partitions

    def tag(self, partition: int) -> str:
        """The hash tag of a partition, in braces."""
        return self._tags[partition]

    def world(self, partition: int) -> AccountKeys:
        """The keys of `$world`, which has a record and a box in every partition."""
        return self._worlds[partition]

    def suspense(self, partition: int) -> AccountKeys:
        """The keys of `$suspense`, which has a record and a box in a partition that needed it."""
        return self._suspense[partition]

    def losses(self, partition: int) -> AccountKeys:
        """The keys of `$losses`, which has a record and a box in a partition that needed it."""
        return self._losses[partition]

    def lives_abroad(self, name: str, label: str) -> None:
        """`name` lives in another region, in the partition with this label."""
        self.abroad[name] = AccountKeys(name, -1, "", label)

    def home(self, name: str) -> bytes:
        """The key that tells the region where `name` lives."""
        return f"{self._tags[self.partition_of(name)]}h:{name}".encode()

    def total(self, currency: str, partition: int = 0) -> bytes:
        """The key that holds how much of `currency` was put into circulation in a partition."""
        return f"{self._tags[partition]}total:{currency}".encode()

    def meta(self, partition: int = 0) -> bytes:
        """The key of the hash that holds the epoch of a partition."""
        return f"{self._tags[partition]}meta".encode()

    def _pair(self, partition: int, one: str, other: str) -> bytes:
        first, second = sorted((one, other))
        return f"{self._tags[partition]}f:{first}{second}".encode()

    def pairs(self, partition: int, names: list[str], other: str) -> list[str]:
        """What `pair` gives for `other` and each of `names`; who asks for many once must not push
        out of its memory those who talk."""
        head = f"{self._tags[partition]}f:"
        return [f"{head}{n}{other}" if n < other else f"{head}{other}{n}" for n in names]

    def _near(self, own: AccountKeys, to: str) -> Near | None:
        other = self.of(to)
        if other.partition != own.partition or to == own.name:
            return None
        pair = self.pair(own.partition, own.name, to)
        return Near(pair, other, (own.box, other.box), (own.name, to))

    def erasing(self, partition: int) -> bytes:
        """The key of the hash of a partition's accounts that are closed and not yet erased."""
        return f"{self._tags[partition]}y".encode()

    def erased(self, partition: int) -> bytes:
        """The key of the set of a partition's accounts that are erased."""
        return f"{self._tags[partition]}z".encode()

    def fence(self, partition: int) -> bytes:
        """The key of a partition whose writes prove what a disk holds; see `durability`."""
        return f"{self._tags[partition]}fence".encode()

    def mirrored(self, partition: int) -> bytes:
        """The key of the set that says which regions copy which rooms of a partition: a region, a
        blank and a room each."""
        return f"{self._tags[partition]}mirrored".encode()

    def origin(self, room: str) -> bytes:
        """The key that says whose copy the box of `room` is: the region, and the epoch there."""
        return f"{self._tags[self.partition_of(room)]}w:{room}".encode()

    def _lane_out(self, source: int, to: str) -> bytes:
        return f"{self._tags[source]}x:{to}".encode()

    def _outbox(self, source: int, to: str) -> bytes:
        return f"{self._tags[source]}o:{to}".encode()

    def _lane_end(self, at: int, source: str) -> LaneEnd:
        back = self.lane_out(at, source), self.outbox(at, source)
        vault = self._suspense[at]
        return LaneEnd(self.lane_in(at, source), *back, vault.record, vault.box)

    def _lane_in(self, at: int, source: str) -> bytes:
        return f"{self._tags[at]}i:{source}".encode()


def slot_of(key: bytes) -> int:
    """The hash slot of `key` in a cluster."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


def _tag(partition: int, partitions: int) -> str:
    """The tag whose slot lies in the partition's share of all slots, so that primaries that hold
    as many slots hold as many partitions. With one partition, ``{p0}``."""
    for suffix in _suffixes():
        tag = f"{{p{partition}{suffix}}}"
        if slot_of(tag.encode()) * partitions // SLOTS == partition:
            return tag
    raise AssertionError("there is always a next suffix")


def _suffixes() -> Iterator[str]:
    for length in count():
        yield from map("".join, product(ascii_lowercase, repeat=length))
