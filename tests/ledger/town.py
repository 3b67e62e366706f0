"""A small town over sixteen partitions, on a real store and the model at once."""

from __future__ import annotations

import redis

from protocol.frames import (
    Entry,
)
from server.ledger.entries import read_entry
from server.ledger.keys import AccountKeys, Keyspace
from server.ledger.lanes import in_transit
from server.ledger.posts import Post
from server.ledger.records import parse_record
from server.ledger.status import Status

from . import builders as b
from .carrier import Carrier, Lane
from .ledgers import TwinLedger

KEYS = Keyspace(16)
ALICE, BOB, DAVE, TEA = map(KEYS.of, ("@alice", "@bob", "@dave", "#tea"))
THERE: Lane = (ALICE.partition, BOB.partition)
BACK: Lane = THERE[::-1]
OK = Status.OK


def far(post: Post) -> Post:
    """`post`, aimed in sixteen partitions."""
    return b.aimed_anew(KEYS, post)


class Town(TwinLedger):
    """@alice with 100 USD, @bob with none, in two partitions; #tea, hers, in a third."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client, KEYS)
        self.carrier = Carrier(self)
        for post in (b.register("r", "@alice", 100), b.register("r", "@bob")):
            self.post(post)
        self.post(b.create("c", "@alice", "#tea"))
        self.carrier.carry([(TEA.partition, ALICE.partition)])

    def post(self, post: Post, hint: int = 0) -> list[int | bytes]:
        """The result of `post`, aimed anew, with `hint` from elsewhere."""
        anew = far(post)
        anew.hint = hint
        return self.apply([anew])[1]

    def money(self, name: str) -> dict[str, int]:
        """What the account has of each currency."""
        record = self.scalar(KEYS.of(name).record)
        assert record is not None
        return {code: has.available for code, has in parse_record(record).balances.items()}

    def box(self, name: str) -> list[Entry]:
        return self.box_of(KEYS.of(name))

    def box_of(self, keys: AccountKeys) -> list[Entry]:
        stored = self.entries(keys.box)
        return [read_entry(entry, keys.name, seq) for seq, entry in enumerate(stored, 1)]

    def transit(self, lane: Lane = THERE) -> dict[str, int]:
        """Money on its way."""
        arrived = self.carrier.arrived(lane)
        return in_transit(self.carrier.out(lane), arrived)
