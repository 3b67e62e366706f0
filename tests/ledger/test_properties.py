"""Random histories: the store and the model give the same answers and hold the same bytes, money
is conserved, and the audit finds nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.frames import DepositEntry, PaymentEntry
from protocol.money import AMOUNT_MAX as MAX
from server.ledger.audit import audit
from server.ledger.conditions import Change, Condition, Op
from server.ledger.conditions import Test as Look
from server.ledger.entries import read_entry
from server.ledger.keys import WORLD
from server.ledger.model_lanes import Model
from server.ledger.posts import Post
from server.ledger.records import parse_record
from server.ledger.status import Status
from tests.single import KEYS, keys_of

from . import builders as b
from .asked import ASKED
from .ledgers import StoreLedger

PEOPLE = ["@ann", "@ben", "@cat", "@dan"]  # who are there from the start, and act
NEW = ["@eve", "@fay"]  # who may come
EVERYONE = [*PEOPLE, *NEW]
ROOMS = ["#one", "#two", "#six"]
LIST = keys_of("#one").joined
"""A set that nobody else uses."""


def quieten(id: str, who: str, room: str, other: str, how: str) -> Post:
    """`who` lets `other` only read in `room`, mutes them for a time, or lets them write again."""
    members = keys_of(room).members
    there = Condition(members, Look.IS, other, "owner,member,reader", Status.FORBIDDEN)
    change = {
        "reader": Change(members, Op.PUT, other, "reader"),
        "muted": Change(members, Op.HUSH, other, "60000"),
        "member": Change(members, Op.PUT, other, "member"),
    }[how]
    return b.given(b.message(id, who, room), there, change)


def rule(id: str, who: str, room: str, condition: Condition, *changes: Change) -> Post:
    """Words of `who` in `room` that ask something of its rules, and change them."""
    key = keys_of(room).rules
    moved = [change._replace(key=change.key or key) for change in changes]
    return b.given(b.message(id, who, room), condition._replace(key=key), *moved)


people = st.sampled_from(PEOPLE)
others = st.sampled_from(EVERYONE)
insiders = st.sampled_from(["@ann", "@ben"])
"""Who are in #one from the start."""
rooms = st.sampled_from(ROOMS)
words = st.sampled_from(["reader", "muted", "member"])
ids = st.integers(0, 40).map(lambda n: "old" if n == 33 else str(n))
amounts = st.integers(1, 120) | st.sampled_from([1, 2**31, 2**52, MAX - 200, MAX - 1, MAX])
fields = st.sampled_from(["a", "b"])
tags = st.sampled_from(["annannanthumbs", "annannanhearts", "benbenbethumbs"])
statuses = st.sampled_from([Status.BANNED, Status.TOO_SOON])
plain_tests = [test for test in Look if test not in (Look.IS, Look.SPACE)]
conditions = st.one_of(
    st.builds(
        *(Condition, st.just(b""), st.sampled_from(plain_tests)),
        *(fields, st.sampled_from(["0", "2"]), statuses),
    ),
    st.builds(
        *(Condition, st.just(b""), st.just(Look.SPACE), st.just("t")),
        *(tags.map(lambda tag: f"1 {tag}"), statuses),
    ),
)
changes = st.one_of(
    st.builds(Change, st.just(b""), st.sampled_from([Op.PUT, Op.ADD]), fields, st.just("1")),
    st.builds(Change, st.just(b""), st.just(Op.UNTIL), fields, st.just("60000")),
    st.builds(Change, st.just(b""), st.just(Op.DROP), fields),
    st.builds(Change, st.just(b""), st.just(Op.SWEEP), st.just(""), st.just("a,b")),
    st.builds(Change, st.just(b""), st.just(Op.NOTE), st.just("n"), st.just("1")),
    st.builds(
        Change, st.just(b""), st.just(Op.NOTE), st.just("t"), tags.map(lambda tag: f"1{tag}")
    ),
    st.builds(Change, st.just(LIST), st.sampled_from([Op.ENLIST, Op.STRIKE]), fields),
)
currencies = st.sampled_from(["USD", "USD", "USD", "EUR", "XXX"])
operations = st.one_of(
    st.tuples(st.just(b.message), ids, people, others | rooms, st.sampled_from(["a", "b"])),
    st.tuples(st.just(b.payment), ids, people, others, amounts, currencies),
    st.tuples(st.just(b.payment), ids, people, others, st.integers(1, 9)),
    st.tuples(st.just(b.payment), ids, people, others, st.integers(1, 60), st.just("USD"), rooms),
    st.tuples(st.just(b.deposit), ids, others, amounts, currencies),
    st.tuples(st.just(b.register), ids, others, st.sampled_from([0, 50])),
    st.tuples(st.just(b.create), ids, people, rooms, st.integers(0, 2)),
    st.tuples(st.just(b.join), ids, people, rooms, st.integers(0, 2)),
    st.tuples(st.just(b.leave), ids, people, rooms),
    st.tuples(st.sampled_from([b.freeze, b.thaw]), ids, others),
    st.tuples(st.just(b.suspend), ids, others, st.sampled_from([True, False, False])),
    st.tuples(st.just(b.close), ids, st.sampled_from(["@eve", "@eve", "@fay", "@ann"])),
    st.tuples(st.just(b.read), ids, people, others | rooms),
    st.tuples(st.just(quieten), ids, insiders, st.just("#one"), insiders | others, words),
    st.tuples(st.just(rule), ids, insiders, rooms, conditions, changes),
    st.tuples(st.just(rule), ids, insiders, st.just("#one"), conditions, changes),
)
batches = st.lists(st.lists(operations, min_size=1, max_size=20), min_size=1, max_size=6)
opening = [
    *((b.register, "r", who, 100) for who in PEOPLE),
    (b.register, "r", "@eve"),
    (b.create, "c", "@ann", "#one", 3),
    (b.join, "j", "@ben", "#one", 3),
]

PAIRS = {Status.BLOCKED, Status.NOT_ACCEPTED, Status.REQUEST_PENDING, Status.NO_REQUEST}
"""Of what two people think of each other; see test_pair_properties."""
reached: Counter[Status] = Counter()
"""Statuses that the histories of this run led to."""


class Histories:
    """Plays a history on the store and on the model, and compares."""

    def __init__(self, client: redis.Redis) -> None:
        self.store = StoreLedger(client)
        self.model = Model(KEYS)

    def play(self, operations: list[tuple[Any, ...]]) -> int:
        """Apply one call; answers its time."""
        posts: list[Post] = [make(*arguments) for make, *arguments in operations]
        at, *results = self.store.apply(posts)
        assert [at, *results] == self.model.apply(posts, at)
        assert self.store.contents() == self.model.contents()
        reached.update(Status(result[0]) for result in results)
        return at

    def sweep(self, before: int) -> None:
        """Forget the posts without money before `before`; both ledgers forget the same."""
        marks = sorted(self.model.marks)
        if marks:
            assert self.store.sweep(marks, before) == self.model.sweep(marks, before)
        assert self.store.contents() == self.model.contents()

    def check_money(self) -> None:
        """Nothing made, nothing lost, nobody below zero, and every payment once a box."""
        contents = self.store.contents()
        sums: Counter[str] = Counter()
        for name in [WORLD, *EVERYONE]:
            if keys_of(name).record not in contents:
                continue
            for currency, has in parse_record(contents[keys_of(name).record]).balances.items():
                sums[currency] += has.available + has.held
                assert name == WORLD or has.available >= 0
            entries = [read_entry(e, name, 1) for e in contents.get(keys_of(name).box, ())]
            paid = [
                (type(e), e.from_, e.id)
                for e in entries[1:]  # the first may be an opening balance, under the client's id
                if isinstance(e, PaymentEntry | DepositEntry)
            ]
            if name != WORLD:
                assert len(paid) == len(set(paid))
        assert set(sums.values()) <= {0}
        assert self.store.books("USD", "EUR") == self.model.books(["USD", "EUR"])


async def _audit(socket: str) -> list[str]:
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        return (await audit(client, KEYS)).findings


def _live(socket: str, history: list[list[tuple[Any, ...]]], forget: bool) -> None:
    with redis.Redis(unix_socket_path=socket) as client:
        histories = Histories(client)
        histories.play(opening)
        for batch in history:
            at = histories.play(batch)
            if forget:
                histories.sweep(at + 1)
        histories.check_money()
        assert asyncio.run(_audit(socket)) == []


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}


def test_store_and_model_agree(socket: str):
    @settings(max_examples=350, derandomize=True, **COMMON)
    @given(batches, st.booleans())
    def live(history: list[list[tuple[Any, ...]]], forget: bool) -> None:
        _live(socket, history, forget)

    reached.clear()
    live()
    # A history that led nowhere would prove nothing: each answer came, and not by a lucky chance.
    unasked = ASKED - {Status.BANNED, Status.TOO_SOON, Status.FORBIDDEN}
    never = {s for s in Status if s >= Status.CORRUPT} | PAIRS | unasked
    assert {s for s in Status if reached[s] < 5} == never


@pytest.mark.long
def test_store_and_model_agree_for_long(socket: str):
    @settings(max_examples=5_000, **COMMON)
    @given(batches, st.booleans())
    def live(history: list[list[tuple[Any, ...]]], forget: bool) -> None:
        _live(socket, history, forget)

    live()
