"""Money that waits, while an operator moves its slot key by key (``MIGRATE``).

Our own tools never do so: they move whole slots at once. The keys of contacts and offers are not
among the keys that a call names, so the store's cluster does not send the call elsewhere when they
have left; whatever then happens must happen whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from protocol.frames import Accept, Block
from server.ledger.arrivals import arrival
from server.ledger.keys import Keyspace, slot_of
from server.ledger.legs import pack_leg, stamped
from server.ledger.offers import give_back, take
from server.ledger.posts import Post
from server.ledger.status import Status
from server.ledger.waiting import Offer, parse_offer
from server.store.cluster_node import HOST
from tests.cluster import SharedCluster

from . import builders as b
from .ledgers import StoreLedger

KEYS = Keyspace(16)
BOB = KEYS.of("@bob")
NEAR = [f"@p{n}" for n in range(99) if KEYS.partition_of(f"@p{n}") == BOB.partition]
PAYER, OTHER, NOBODY = NEAR[:3]
SLOT = slot_of(BOB.record)
SOURCE = str((BOB.partition + 1) % 16)
FAR = next(f"@q{n}" for n in range(99) if KEYS.partition_of(f"@q{n}") == int(SOURCE))


class Moving:
    """@bob, whom a stranger has offered 30 USD, and two servers; from one to the other his slot
    is on its way, and some of its keys are there already."""

    def __init__(self, here: redis.Redis, there: redis.Redis) -> None:
        self.here, self.there = here, there
        self.ledger = StoreLedger.__new__(StoreLedger)
        self.ledger.client, self.ledger.keyspace = here, KEYS
        here.set(KEYS.world(BOB.partition).record, b.record("4 0"))
        for who in ("@bob", PAYER, OTHER):
            self.do(b.aimed_anew(KEYS, b.register("r", who, 100)))
        self.do(self.payment("p", PAYER))

    def payment(self, id: str, payer: str) -> Post:
        return b.asking(b.aimed_anew(KEYS, b.payment(id, payer, "@bob", 30)))

    def do(self, post: Post) -> Status:
        return Status(int(self.ledger.apply([post])[1][0]))

    def fill(self) -> None:
        """Let all keys be there that a call may name, so that the cluster takes it."""
        vault, back = KEYS.suspense(BOB.partition), KEYS.lane_end(BOB.partition, SOURCE)
        self.here.set(vault.record, b.record("0 0"))
        self.here.rpush(vault.box, b"something")
        refused = _arrival(FAR, 1, to=NOBODY)
        assert self.do(refused) is Status.RETURNED
        assert self.here.exists(back.back, back.back_outbox) == 2

    def begin(self) -> None:
        """Both servers learn that the slot moves."""
        ids = [one.execute_command("CLUSTER", "MYID") for one in (self.here, self.there)]
        self.there.execute_command("CLUSTER", "SETSLOT", SLOT, "IMPORTING", ids[0])
        self.here.execute_command("CLUSTER", "SETSLOT", SLOT, "MIGRATING", ids[1])

    def move(self, *keys: bytes) -> None:
        port = self.there.connection_pool.connection_kwargs["port"]
        self.here.execute_command("MIGRATE", HOST, port, "", 0, 5000, "KEYS", *keys)

    def stop(self) -> None:
        """Forget that anything moved, and all that is there."""
        for one in (self.there, self.here):
            one.execute_command("CLUSTER", "SETSLOT", SLOT, "STABLE")
            one.flushall()

    def offer(self) -> Offer:
        """The one that waits, wherever it is now."""
        self.there.execute_command("ASKING")
        found = self.there.hgetall(BOB.offers)
        ((field, stored),) = found.items()
        return parse_offer(field, stored)

    def dump(self) -> dict[bytes, bytes]:
        return {key: self.here.dump(key) for key in self.here.scan_iter()}


@pytest.fixture
def moving(session_cluster: SharedCluster, cluster_client) -> Iterator[Moving]:
    del cluster_client  # empties the cluster and loads the library
    ports = {node.port for node in session_cluster.nodes}
    clients = [redis.Redis(HOST, port, single_connection_client=True) for port in sorted(ports)]
    primaries = [one for one in clients if one.execute_command("ROLE")[0] == b"master"]
    owner = [one for one in primaries if _owns(one)]
    moving = Moving(owner[0], next(one for one in primaries if one is not owner[0]))
    try:
        yield moving
    finally:
        moving.stop()
        for client in clients:
            client.close()


def _owns(client: redis.Redis) -> bool:
    try:
        client.exists(BOB.record)
    except redis.exceptions.MovedError:
        return False
    return True


@pytest.mark.parametrize("decision", [Accept, Block])
def test_an_offer_that_has_moved_ends_nowhere_else(moving: Moving, decision):
    moving.do(b.build(KEYS, "@bob", decision("d", PAYER)))
    moving.fill()
    moving.begin()
    moving.move(BOB.offers)
    before, end = moving.dump(), take if decision is Accept else give_back
    assert moving.do(end(KEYS, BOB, moving.offer())) is Status.CORRUPT
    assert moving.dump() == before


def test_a_payment_of_here_is_put_off(moving: Moving):
    """Its mark is new, so the cluster itself refuses the call until the slot has moved."""
    moving.begin()
    moving.move(BOB.offers)
    before = moving.dump()
    with pytest.raises(redis.exceptions.TryAgainError):
        moving.do(moving.payment("q", PAYER))
    with pytest.raises(redis.exceptions.TryAgainError):
        moving.do(moving.payment("q", OTHER))
    assert moving.dump() == before


def test_a_payment_that_arrives_makes_no_second_hash_of_offers(moving: Moving):
    """It is sent back; put down, it would stand in the way of the offers that have moved."""
    moving.fill()
    assert moving.do(_arrival(FAR, 2)) is Status.WAITING
    moving.begin()
    moving.move(BOB.offers)
    before = moving.here.get(BOB.record)
    assert moving.do(_arrival(FAR, 3)) is Status.RETURNED
    assert moving.here.get(BOB.record) == before
    assert moving.here.keys(BOB.offers) == []


def test_a_first_contact_that_arrives_is_put_off(moving: Moving):
    moving.fill()
    moving.begin()
    moving.move(BOB.contacts)
    before = moving.dump()
    with pytest.raises(redis.exceptions.TryAgainError):  # there is no pair yet
        moving.do(_arrival(FAR, 2))
    assert moving.dump() == before


def _arrival(payer: str, seq: int, to: str = "@bob") -> Post:
    frame = b.payment(f"far-{seq}", payer, to, 10).frame
    (out,) = b.build(KEYS, payer, frame).legs
    leg = stamped(seq, pack_leg(out.leg))
    return arrival(KEYS, BOB.partition, SOURCE, seq, leg, 0, asks=True)
