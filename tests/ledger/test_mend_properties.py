"""Random histories over two partitions, one of which now and then loses its last moments. Its
lanes are mended, and mended again where the mending was lost, too; then everything goes on. Money
is conserved at every step, and the audit finds what was lost under its name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
import redis.asyncio

from server.ledger.audit import audit
from server.ledger.lane_state import Fault, look
from server.ledger.lookups import hint_of
from server.ledger.mend_plan import plan
from server.ledger.records import parse_record
from server.ledger.shelf import Shelf
from server.ledger.status import Status

from . import builders as b
from .carrier import Carrier, Lane, Outcome
from .ledgers import StoreLedger, check_money
from .losing import Kept, keep, lose, wait_for_another_ms
from .test_lane_properties import KEYS, LANES
from .test_properties import PEOPLE

STEPS = 250


@pytest.fixture
async def shelf(socket: str) -> AsyncIterator[Shelf]:
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        yield Shelf(client, KEYS)


class History:
    """Plays one: people pay and talk, couriers come late, stores forget, somebody mends."""

    def __init__(self, client: redis.Redis, shelf: Shelf, chance: random.Random) -> None:
        self.ledger = StoreLedger(client, KEYS)
        self.carrier = Carrier(self.ledger, keep=chance.choice([0, 3, 100]))
        self.shelf, self.chance = shelf, chance
        self.kept: dict[int, Kept] = {}
        self.seen: Counter[str] = Counter()
        for who in PEOPLE:
            self.post(b.register("r", who, 1_000))

    def post(self, made: Any) -> None:
        post = b.aimed_anew(KEYS, made)
        post.hint = hint_of(post.lookups, [self.ledger.ask(one) for one in post.lookups])
        self.ledger.apply([post])

    def talk(self, number: int) -> None:
        chance = self.chance
        one, two = chance.sample(PEOPLE, 2)
        id = f"{number}" if chance.random() < 0.9 else f"{chance.randrange(number + 1)}"
        make = chance.choices([b.payment, b.message, b.freeze, b.thaw], [8, 2, 1, 2])[0]
        if make is b.payment:
            self.post(b.payment(id, one, two, chance.randint(1, 60)))
        elif make is b.message:
            self.post(b.message(id, one, two))
        else:
            self.post(make(id, two))

    def push(self, lane: Lane) -> list[Outcome]:
        arrived, out = self.carrier.arrived(lane).last, self.carrier.out(lane)
        first = max(out.first, min(out.done, arrived) + 1)
        return self.carrier.push(lane, first, self.chance.randint(1, 6))

    def carry(self) -> None:
        lane = self.chance.choice(LANES)
        pushed = self.push(lane)
        if self.chance.random() < 0.7 and all(int(one[0]) in _GOOD for _, one in pushed):
            self.carrier.settle(lane, pushed)

    def remember(self) -> None:
        partition = self.chance.randrange(2)
        self.kept[partition] = keep(self.ledger, partition)

    def forget(self) -> None:
        if not self.kept:
            return
        partition, kept = self.kept.popitem()
        lose(self.ledger, partition, kept)
        self.kept.clear()  # one goes back at a time
        for lane in LANES:
            wait_for_another_ms(self, lane)  # type: ignore[arg-type]
        self.seen["lost"] += 1

    @property
    def client(self) -> redis.Redis:
        return self.ledger.client

    async def mend(self) -> None:
        """Both lanes, or only some steps of it."""
        for lane in LANES:
            for _ in range(50):
                made = await plan(self.shelf, *lane)
                if made.fault is Fault.NONE:
                    break
                self.seen[made.fault.name] += 1
                steps = list(made.posts(KEYS))
                for post, good in steps[: self.chance.randint(1, len(steps))]:
                    assert Status(int((await self.shelf.apply(post))[0])) in good
                    check_money(self.ledger)
            assert (await look(self.shelf, *lane)).fault is Fault.NONE

    def finish(self) -> None:
        for _ in range(3):
            for lane in LANES:
                while pushed := self.push(lane):
                    assert {int(one[0]) for _, one in pushed} <= _GOOD
                    self.carrier.settle(lane, pushed)

    def everything(self) -> int:
        """What all have together, with the system accounts: nothing, or money was made."""
        total = 0
        for key, value in self.ledger.contents().items():
            if b"}a:" in key and isinstance(value, bytes):
                total += sum(
                    has.available + has.held for has in parse_record(value).balances.values()
                )
        return total


_GOOD = {Status.OK, Status.DUPLICATE, Status.RETURNED, Status.SUSPENSE}


async def _play(client: redis.Redis, shelf: Shelf, chance: random.Random) -> Counter[str]:
    played = History(client, shelf, chance)
    for number in range(STEPS):
        roll = chance.random()
        if roll < 0.55:
            played.talk(number)
        elif roll < 0.93:
            played.carry()
        elif roll < 0.96:
            played.remember()
        else:
            played.forget()
            if chance.random() < 0.5:
                await played.mend()
        if number % 10 == 0:
            check_money(played.ledger)
    await played.mend()
    played.finish()
    check_money(played.ledger)
    assert played.everything() == 0
    report = await audit(shelf.store, KEYS)
    assert report.in_transit == {}
    assert report.findings == []
    assert report.held == report.circulation
    return played.seen


@pytest.mark.parametrize("seed", range(12))
async def test_lost_moments_are_mended_and_nothing_else_is_lost(
    client: redis.Redis, shelf: Shelf, seed: int
):
    seen = await _play(client, shelf, random.Random(seed))
    assert seen["lost"]


async def test_the_histories_meet_what_they_should(client: redis.Redis, shelf: Shelf):
    seen: Counter[str] = Counter()
    for seed in range(100, 104):
        seen += await _play(client, shelf, random.Random(seed))
    assert seen["SOURCE_LOST"]
    assert seen["END_LOST"]
