"""Random histories of strangers, many posts to a call, with people who are locked out, come back,
and go for ever: what one post of a call does holds for the next, in the store as in the model."""

from __future__ import annotations

import asyncio
import random

import pytest
import redis

from protocol.frames import Delete, Ref
from server.ledger.lookups import hint_of
from server.ledger.offers import give_back, take
from server.ledger.posts import Post
from server.ledger.waiting import Offer

from . import builders as b
from .test_pair_properties import DECISIONS, PEOPLE, History, _audit

CALLS = 60
POSTS_MOST = 8


class Crowd(History):
    """One history, whose posts leave together."""

    def __init__(self, client: redis.Redis, partitions: int, chance: random.Random) -> None:
        self.waiting: list[Post] = []
        super().__init__(client, partitions, chance)
        self.flush()

    def apply(self, post: Post) -> None:
        self.waiting.append(post)

    def flush(self) -> None:
        """All that waits, as a call of each partition; in each, in order."""
        for partition in range(self.keyspace.partitions):
            posts = [one for one in self.waiting if one.partition == partition]
            for post in posts:
                asked = [self.ledger.ask(one) for one in post.lookups]
                post.hint = hint_of(post.lookups, asked)
            if posts:
                self._count(self.ledger.apply(posts)[1:])
        self.waiting.clear()

    def call(self, n: int) -> None:
        """Some posts that leave together. An offer is ended by who has read it, so never in the
        call that makes it."""
        before = [(who, one) for who in PEOPLE for one in self.offers(who)]
        for place in range(self.chance.randint(1, POSTS_MOST)):
            self.draw(f"{n}-{place}", before)
        self.flush()
        if self.lanes and self.chance.random() < 0.5:
            self.carry(self.chance.choice(self.lanes))

    def draw(self, id: str, before: list[tuple[str, Offer]]) -> None:
        chance = self.chance
        one, two = chance.sample(PEOPLE, 2)
        asks = chance.random() < 0.9
        what = chance.random()
        if what < 0.35:
            self.post(b.payment(id, one, two, chance.choice([1, 7, 60])), asks)
        elif what < 0.45:
            self.post(b.message(id, one, two), asks)
        elif what < 0.52:
            self.post(b.build(self.keyspace, one, Delete(id, two, Ref(one, id))), asks)
        elif what < 0.7:
            decided = b.decide(chance.choice(DECISIONS), id, one, two)
            self.apply(b.aimed_anew(self.keyspace, decided))
        elif what < 0.78:
            lock = chance.choice([b.freeze, b.thaw, b.thaw, b.suspend, b.close])
            self.apply(b.aimed_anew(self.keyspace, lock(id, one)))
        elif what < 0.82:
            self.apply(b.aimed_anew(self.keyspace, b.suspend(id, one, suspended=False)))
        elif before:
            payee, offer = chance.choice(before)
            keys = self.keyspace.of(payee)
            if chance.random() < 0.5:
                self.apply(take(self.keyspace, keys, offer))
            else:
                age_ms = chance.choice([0, 0, 5, 10**12])
                self.apply(give_back(self.keyspace, keys, offer, age_ms))


@pytest.mark.parametrize("partitions", [1, 2])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_leaves_together(client: redis.Redis, socket: str, partitions: int, seed: int):
    crowd = Crowd(client, partitions, random.Random(f"{partitions} {seed}"))
    for n in range(CALLS):
        crowd.call(n)
        crowd.ledger.compare()
        crowd.check()
    crowd.carrier.asks = True
    crowd.carrier.carry(crowd.lanes)
    crowd.check()
    assert asyncio.run(_audit(socket, crowd.keyspace)) == []
