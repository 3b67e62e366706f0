"""Random histories over two partitions, with couriers that come late, twice, or out of turn: the
store and the model agree in every answer and every key, money is conserved at every step, and at
the end all has arrived and the audit finds nothing."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
import redis
import redis.asyncio

from protocol.money import AMOUNT_MAX as MAX
from server.ledger.audit import audit
from server.ledger.keys import Keyspace
from server.ledger.lookups import hint_of
from server.ledger.status import Status

from . import builders as b
from .carrier import Carrier, Lane, Outcome
from .ledgers import TwinLedger, check_money
from .test_properties import EVERYONE, PEOPLE, ROOMS

KEYS = Keyspace(2)
LANES = [(0, 1), (1, 0)]

STEPS = 500


def random_post(chance: random.Random, n: int) -> tuple[Any, ...]:
    """Somebody does something; now and then under an id that came before."""
    id = f"{n}" if chance.random() < 0.9 else f"{chance.randrange(n + 1)}"
    one, two = chance.choice(PEOPLE), chance.choice([*EVERYONE, *PEOPLE])
    room = chance.choice(ROOMS)
    makers: list[tuple[int, tuple[Any, ...]]] = [
        (40, (b.payment, id, one, two, chance.choice([1, 7, 20, 60]))),
        (8, (b.payment, id, one, two, chance.randint(1, 9), "USD", room)),
        (10, (b.message, id, one, chance.choice([two, room]))),
        (4, (b.read, id, one, chance.choice([two, room]))),
        (6, (b.deposit, id, two, chance.choice([1, 50, MAX - 400]))),
        (4, (b.register, id, two, chance.choice([0, 50]))),
        (8, (chance.choice([b.create, b.join, b.leave]), id, one, room)),
        (8, (chance.choice([b.freeze, b.thaw, b.thaw]), id, two)),
        (4, (b.suspend, id, two, chance.random() < 0.3)),
        (1, (b.close, id, two)),
    ]
    return chance.choices([made for _, made in makers], [weight for weight, _ in makers])[0]


def random_step(chance: random.Random, n: int) -> tuple[Any, ...]:
    """A post, or a courier's step that is right, late, doubled or out of turn."""
    kind, lane = chance.random(), chance.choice(LANES)
    if kind < 0.5:
        return "post", random_post(chance, n), chance.random() < 0.5
    if kind < 0.8:
        return "push", lane, chance.choice([0, 0, 0, -1, -2, 1, 1, 2]), chance.randint(1, 6)
    return "settle", lane, chance.choice([None, None, 0, -1, 1])


reached: Counter[Status] = Counter()
"""What the posts and the couriers of this run were answered."""


class History:
    """Plays one."""

    def __init__(self, client: redis.Redis, keep: int) -> None:
        self.ledger = TwinLedger(client, KEYS)
        self.carrier = Carrier(self.ledger, keep)
        self.pushed: dict[Lane, list[Outcome]] = {}
        for who in PEOPLE:
            self.post((b.register, "r", who, 100), ask=True)

    def post(self, made: tuple[Any, ...], ask: bool) -> None:
        make, *arguments = made
        post = b.aimed_anew(KEYS, make(*arguments))
        if ask:
            post.hint = hint_of(post.lookups, [self.ledger.ask(one) for one in post.lookups])
        self._count(self.ledger.apply([post])[1:])

    def push(self, lane: Lane, offset: int, most: int) -> None:
        last = self.carrier.arrived(lane).last if offset > 0 else self.carrier.out(lane).done
        first = max(1, last + 1 + offset)
        self.pushed[lane] = self.carrier.push(lane, first, most)
        self._count([result for _, result in self.pushed[lane]])

    def settle(self, lane: Lane, late: int | None) -> None:
        done = self.carrier.out(lane).done
        after = done if late is None else max(0, done + late)
        outcomes = self.pushed.get(lane, [])
        if late is None and outcomes and outcomes[0][0].extra.seq > done + 1:
            return  # a courier settles without a gap
        self._count(self.carrier.settle(lane, outcomes, after))

    def finish(self) -> None:
        """Everything is carried to its end."""
        self.carrier.carry(LANES)
        self.ledger.compare()
        check_money(self.ledger)
        for lane in LANES:
            assert self.carrier.out(lane).done == self.carrier.arrived(lane).last
            assert self.carrier.out(lane).sums == self.carrier.arrived(lane).sums

    def _count(self, results: list[list[int | bytes]]) -> None:
        reached.update(Status(int(result[0])) for result in results)


async def _audit(socket: str) -> tuple[list[str], dict[str, int]]:
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        report = await audit(client, KEYS)
        return report.findings, report.in_transit


def _play(socket: str, chance: random.Random) -> None:
    with redis.Redis(unix_socket_path=socket) as client:
        played = History(client, keep=chance.choice([0, 2, 100]))
        for number in range(STEPS):
            name, *arguments = random_step(chance, number)
            getattr(played, name)(*arguments)
            if number % 10 == 0:
                check_money(played.ledger)
        played.ledger.compare()
        assert asyncio.run(_audit(socket))[0] == []
        played.finish()
        assert asyncio.run(_audit(socket)) == ([], {})


OFTEN = {Status.OK, Status.DUPLICATE, Status.RETURNED, Status.LANE_GAP, Status.LANE_MOVED}
"""What a courier meets; damage, forks and full payers have tests of their own."""


@pytest.mark.parametrize("seed", range(8))
def test_couriers_of_all_kinds_come_to_the_same_end(socket: str, seed: int):
    reached.clear()
    _play(socket, random.Random(seed))
    assert {status for status in OFTEN if reached[status] < 1} == set()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 300))
def test_couriers_come_to_the_same_end_for_long(socket: str, seed: int):
    _play(socket, random.Random(seed))


def test_the_names_of_these_tests_live_apart():
    assert {KEYS.partition_of(who) for who in (*PEOPLE, "@fay")} == {0, 1}
    assert {KEYS.partition_of(room) for room in ROOMS} == {0, 1}
