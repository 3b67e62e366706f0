"""What is planted beside pairs and offers is seen before the first write, and by the audit; and the
first thing wrong is the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import redis
import redis.asyncio

from protocol.frames import Accept, Block, Decline
from server.ledger.audit import audit
from server.ledger.keys import SUSPENSE
from server.ledger.offers import give_back, take
from server.ledger.posts import Mode, Post
from server.ledger.status import Status
from server.ledger.waiting import parse_offer
from tests.single import KEYS, keys_of

from . import builders as b
from .ledgers import StoreLedger

ALICE, BOB = keys_of("@alice"), keys_of("@bob")
PAIR = KEYS.pair(0, "@alice", "@bob")
FIELD = b"@alice:p"


def ask(post: Post) -> Post:
    return b.asking(post)


@pytest.fixture
def met(store: StoreLedger) -> StoreLedger:
    """@alice with 70 USD, 30 of hers wait at @bob; and @carl, whom nobody knows."""
    store.apply([b.register("r", who, 100) for who in ("@alice", "@bob", "@carl")])
    store.apply([ask(b.payment("p", "@alice", "@bob", 30))])
    return store


def _offer(store: StoreLedger):  # type: ignore[no-untyped-def]
    return parse_offer(FIELD, store.client.hget(BOB.offers, FIELD))


DAMAGED_PAIRS = [b"A", b"A11", b"Ax", b"A0", b"", b"??A"]


@pytest.mark.parametrize("stored", DAMAGED_PAIRS)
@pytest.mark.parametrize("mode", [Mode.ASK, Mode.OPEN, Mode.MARKER, Mode.ACCEPT, Mode.BLOCK])
def test_a_damaged_pair_is_refused(met: StoreLedger, stored: bytes, mode: Mode):
    met.client.set(PAIR, stored)
    post = b.message("m", "@alice", "@bob")
    post.mode = mode
    _is_refused(met, post)


def _is_refused(store: StoreLedger, post: Post) -> None:
    before = store.dump()
    other = b.message("o", "@carl", "@carl")
    results = store.apply([post, other])[1:]
    assert results[0] == [Status.CORRUPT]
    assert results[1][0] == Status.OK
    store.client.delete(other.mark)
    store.client.rpop(keys_of("@carl").box)
    assert store.dump() == before


WRONG_TYPES: dict[str, tuple[bytes, Callable[[], Post]]] = {
    "the pair": (KEYS.pair(0, "@alice", "@carl"), lambda: ask(b.message("m", "@alice", "@carl"))),
    "own contacts": (ALICE.contacts, lambda: ask(b.message("m", "@alice", "@carl"))),
    "their contacts": (
        keys_of("@carl").contacts,
        lambda: ask(b.message("m", "@alice", "@carl")),
    ),
    "their offers": (keys_of("@carl").offers, lambda: ask(b.payment("m", "@alice", "@carl", 1))),
}


@pytest.mark.parametrize("what", WRONG_TYPES)
def test_a_key_of_a_wrong_type_is_refused(met: StoreLedger, what: str):
    key, post = WRONG_TYPES[what]
    met.client.delete(key)
    met.client.lpush(key, "x")
    _is_refused(met, post())


def test_an_offer_in_the_place_of_another_is_refused(met: StoreLedger):
    met.client.hset(BOB.offers, "@alice:q", "1 USD 1")
    _is_refused(met, ask(b.payment("q", "@alice", "@bob", 5)))


def _ends(store: StoreLedger) -> list[Post]:
    """Both ends of the offer, each allowed by now."""
    offer = _offer(store)
    return [take(KEYS, BOB, offer), give_back(KEYS, BOB, offer)]


DAMAGED_ENDS: dict[str, Callable[[redis.Redis], object]] = {
    "the payee's record": lambda c: c.set(BOB.record, "x"),
    "no record of the payee": lambda c: c.delete(BOB.record),
    "less held than waits": lambda c: c.set(BOB.record, b.record("0 2 USD 100 29")),
    "nothing held": lambda c: c.set(BOB.record, b.record("0 2 EUR 1 30")),
    "the payee's box": lambda c: (c.delete(BOB.box), c.set(BOB.box, "x")),
    "the payer's box": lambda c: (c.delete(ALICE.box), c.set(ALICE.box, "x")),
    "the offers": lambda c: (c.delete(BOB.offers), c.set(BOB.offers, "x")),
    "the offer itself": lambda c: c.hset(BOB.offers, FIELD, "31 USD 1"),
}


@pytest.mark.parametrize("what", DAMAGED_ENDS)
@pytest.mark.parametrize("decided", [Accept, Decline])
def test_nothing_waits_any_less_where_something_is_damaged(met: StoreLedger, what: str, decided):
    met.apply([b.decide(decided, "d", "@bob", "@alice")])
    post = _ends(met)[decided is Decline]
    DAMAGED_ENDS[what](met.client)
    before = met.dump()
    assert met.apply([post])[1] == [Status.CORRUPT]
    assert met.dump() == before


def test_money_that_can_go_neither_home_nor_to_suspense_stays(met: StoreLedger):
    met.apply([b.decide(Decline, "d", "@bob", "@alice")])
    post = _ends(met)[1]
    met.client.delete(ALICE.record)
    met.client.set(keys_of(SUSPENSE).record, "x")
    before = met.dump()
    assert met.apply([post])[1] == [Status.CORRUPT]
    assert met.dump() == before


# --- precedence ---

LADDER = """
p      -   30   DUPLICATE
new    B   999  NOT_ACCEPTED
new    D   999  NOT_ACCEPTED
new    3   999  REQUEST_PENDING
new    2   999  INSUFFICIENT_FUNDS
new    2   30   WAITING
"""


@pytest.mark.parametrize("line", LADDER.strip().split("\n"))
def test_first_thing_wrong_with_the_pair_is_the_answer(met: StoreLedger, line: str):
    id, half, amount, status = line.split()
    if half != "-":
        met.client.set(PAIR, f"A{half}")
    before = met.dump()
    (result,) = met.apply([ask(b.payment(id, "@alice", "@bob", int(amount)))])[1:]
    assert Status(result[0]).name == status
    assert (met.dump() == before) == (status != "WAITING")


@pytest.mark.parametrize(
    ("own", "theirs", "status"),
    [("B", "B", "BLOCKED"), ("B", "A", "BLOCKED"), ("A", "B", "NOT_ACCEPTED")],
)
def test_ones_own_block_comes_first_and_both_before_what_is_frozen(
    met: StoreLedger, own: str, theirs: str, status: str
):
    met.apply([b.freeze("f", "@alice"), b.freeze("g", "@bob")])
    met.client.set(PAIR, own + theirs)
    (result,) = met.apply([ask(b.payment("x", "@alice", "@bob", 1))])[1:]
    assert Status(result[0]).name == status


def test_who_is_not_there_comes_before_what_they_think(met: StoreLedger):
    met.client.set(KEYS.pair(0, "@alice", "@ghost"), "BB")
    (result,) = met.apply([ask(b.message("x", "@alice", "@ghost"))])[1:]
    assert result == [Status.UNKNOWN_ACCOUNT]


# --- the audit ---


def _findings(socket: str) -> list[str]:
    async def look() -> list[str]:
        async with redis.asyncio.Redis(unix_socket_path=socket) as client:
            return (await audit(client, KEYS)).findings

    return asyncio.run(look())


def test_honest_books_with_offers(met: StoreLedger, socket: str):
    assert _findings(socket) == []
    met.apply([b.decide(Block, "d", "@bob", "@alice")])
    met.apply([_ends(met)[1]])
    assert _findings(socket) == []


ONLY_ONE = "the payment p of @alice waits in the offers or in the box of @bob only"
WRONGS: dict[str, tuple[Callable[[redis.Redis], object], set[str]]] = {
    "an offer lost": (lambda c: c.hdel(BOB.offers, FIELD), {ONLY_ONE}),
    "an offer of more": (lambda c: c.hset(BOB.offers, FIELD, "31 USD 1"), {ONLY_ONE}),
    "an offer damaged": (
        lambda c: c.hset(BOB.offers, FIELD, "much"),
        {"an offer to @bob is damaged", ONLY_ONE},
    ),
    "an offer of nobody": (
        lambda c: c.hset(BOB.offers, "@carl:x", "5 USD 1"),
        {"the payment x of @carl waits in the offers or in the box of @bob only"},
    ),
    "offers of a wrong type": (
        lambda c: (c.delete(BOB.offers), c.set(BOB.offers, "x")),
        {"the offers to @bob have a wrong type"},
    ),
    "spent before it was accepted": (
        lambda c: c.set(BOB.record, b.record("0 2 USD 130 0")),
        {"@bob holds 0 USD back but 30 wait"},
    ),
    "a mark that says settled": (
        lambda c: c.setrange(ALICE.marks + b"p", 16, b"\1"),
        {"the duplicate mark of entry 2 of @alice says settled"},
    ),
}


@pytest.mark.parametrize("what", WRONGS)
def test_each_wrong_is_noticed(met: StoreLedger, socket: str, what: str):
    plant, sentences = WRONGS[what]
    plant(met.client)
    assert set(_findings(socket)) == sentences


def test_an_end_that_was_written_twice_is_noticed(met: StoreLedger, socket: str):
    met.apply([b.decide(Accept, "d", "@bob", "@alice")])
    met.apply([_ends(met)[0]])
    met.client.rpush(BOB.box, met.entries(BOB.box)[-1])
    assert _findings(socket) == ["entry 5 of @bob belongs into another box"]
