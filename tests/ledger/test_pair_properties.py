"""Random histories of strangers, in one partition and in two: words, money, decisions, and hubs
that end the waiting late, twice, or out of turn. The store and the model agree in every answer and
every key; money is conserved; what is held is what waits; and at the end the audit finds nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
import redis
import redis.asyncio

from protocol.frames import Accept, Block, Decline, Unblock
from server.ledger.audit import audit
from server.ledger.keys import Keyspace
from server.ledger.lookups import hint_of
from server.ledger.offers import give_back, take
from server.ledger.posts import Post
from server.ledger.records import parse_record
from server.ledger.status import Status
from server.ledger.waiting import Offer, parse_offer

from . import builders as b
from .carrier import Carrier, Lane, Outcome
from .ledgers import TwinLedger, check_money

PEOPLE = ["@ann", "@ben", "@cat"]
DECISIONS = [Accept, Accept, Accept, Decline, Block, Unblock]
STEPS = 400

reached: Counter[Status] = Counter()


class History:
    """Plays one."""

    def __init__(self, client: redis.Redis, partitions: int, chance: random.Random) -> None:
        self.keyspace = Keyspace(partitions)
        self.ledger = TwinLedger(client, self.keyspace)
        self.carrier = Carrier(self.ledger, asks=True)
        self.chance = chance
        self.lanes: list[Lane] = [(0, 1), (1, 0)] if partitions > 1 else []
        self.pushed: dict[Lane, list[Outcome]] = {}
        self.seen: list[tuple[str, Offer]] = []
        """Offers that were ever read, by their payees: a hub may act on them however late."""
        for who in PEOPLE:
            self.apply(b.aimed_anew(self.keyspace, b.register("r", who, 100)))

    def apply(self, post: Post) -> None:
        post.hint = hint_of(post.lookups, [self.ledger.ask(one) for one in post.lookups])
        self._count(self.ledger.apply([post])[1:])

    def step(self, n: int) -> None:
        chance = self.chance
        one, two = chance.sample(PEOPLE, 2)
        id = f"{n}" if chance.random() < 0.9 else f"{chance.randrange(n + 1)}"
        asks = chance.random() < 0.9
        what = chance.random()
        if what < 0.35:
            self.post(b.payment(id, one, two, chance.choice([1, 7, 60])), asks)
        elif what < 0.45:
            self.post(b.message(id, one, two), asks)
        elif what < 0.5:
            self.post(b.read(id, one, two), asks)
        elif what < 0.65:
            self.apply(
                b.aimed_anew(self.keyspace, b.decide(chance.choice(DECISIONS), id, one, two))
            )
        elif what < 0.7:
            lock = chance.choice([b.freeze, b.freeze, b.suspend])
            self.apply(b.aimed_anew(self.keyspace, lock(id, one, chance.random() < 0.3)))
        elif what < 0.85:
            self.end()
        elif self.lanes:
            self.carry(chance.choice(self.lanes))

    def post(self, post: Post, asks: bool) -> None:
        self.apply(b.asking(b.aimed_anew(self.keyspace, post), asks))

    def end(self) -> None:
        """Some hub ends some waiting, rightly or not."""
        self.seen += [(who, one) for who in PEOPLE for one in self.offers(who)]
        if not self.seen:
            return
        payee, offer = self.chance.choice(self.seen)
        keys = self.keyspace.of(payee)
        if self.chance.random() < 0.5:
            self.apply(take(self.keyspace, keys, offer))
        else:
            age_ms = self.chance.choice([0, 0, 5, 10**12])
            self.apply(give_back(self.keyspace, keys, offer, age_ms))

    def carry(self, lane: Lane) -> None:
        self.carrier.asks = self.chance.random() < 0.9
        last = self.carrier.arrived(lane).last
        first = max(1, last + 1 + self.chance.choice([0, 0, 0, -1, -2, 1]))
        self.pushed[lane] = self.carrier.push(lane, first, self.chance.randint(1, 6))
        self._count([result for _, result in self.pushed[lane]])
        if self.chance.random() < 0.6:
            outcomes = self.carrier.push(lane)
            self._count(self.carrier.settle(lane, outcomes))

    def offers(self, payee: str) -> list[Offer]:
        fields: Any = self.ledger.contents().get(self.keyspace.of(payee).offers, {})
        return [parse_offer(field, stored) for field, stored in fields.items()]

    def check(self) -> None:
        """The money of each partition; nobody is below zero, and holds back what waits for them."""
        check_money(self.ledger)
        contents = self.ledger.contents()
        for who in PEOPLE:
            record: Any = contents[self.keyspace.of(who).record]
            has = parse_record(record).balances["USD"]
            assert has.available >= 0
            assert has.held == sum(offer.amount for offer in self.offers(who))

    def _count(self, results: list[list[int | bytes]]) -> None:
        reached.update(Status(int(result[0])) for result in results)


async def _audit(socket: str, keyspace: Keyspace) -> list[str]:
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        return (await audit(client, keyspace)).findings


def _play(socket: str, partitions: int, seed: int) -> None:
    with redis.Redis(unix_socket_path=socket) as client:
        played = History(client, partitions, random.Random(seed))
        for number in range(STEPS):
            played.step(number)
            if number % 10 == 0:
                played.check()
        played.ledger.compare()
        assert asyncio.run(_audit(socket, played.keyspace)) == []
        if played.lanes:
            played.carrier.carry(played.lanes)
        played.check()
        played.ledger.compare()
        assert asyncio.run(_audit(socket, played.keyspace)) == []


OFTEN = {Status.OK, Status.WAITING, Status.ANSWERED, Status.DUPLICATE, Status.NO_REQUEST}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("partitions", [1, 2])
def test_strangers_of_all_kinds_come_to_the_same_end(socket: str, partitions: int, seed: int):
    reached.clear()
    _play(socket, partitions, seed)
    assert {status for status in OFTEN if reached[status] < 1} == set()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
@pytest.mark.parametrize("partitions", [1, 2])
def test_strangers_come_to_the_same_end_for_long(socket: str, partitions: int, seed: int):
    _play(socket, partitions, seed)


def test_the_people_of_these_tests_live_apart():
    assert {Keyspace(2).partition_of(who) for who in PEOPLE} == {0, 1}
