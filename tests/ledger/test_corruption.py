"""A damaged store: refused before the first write, and every byte stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
import redis

from protocol.money import AMOUNT_MAX as MAX
from server.ledger.keys import WORLD
from server.ledger.posts import Post, pack_call
from server.ledger.records import CLOSED, ISSUER, SUSPENDED
from server.ledger.status import Status
from tests.single import keys_of, total_key

from . import builders as b
from .ledgers import StoreLedger

ALICE, BOB, ZOE = keys_of("@alice"), keys_of("@bob"), keys_of("@zoe")
IDS = count()


@pytest.fixture
def town(store: StoreLedger) -> StoreLedger:
    """@alice with 100 USD, @bob with none; #tea, hers, with him in it; #club is his. @zoe has no
    part in any of it but her talk with herself."""
    posts = [b.register("r", "@alice"), b.register("r", "@bob"), b.deposit("d", "@alice", 100)]
    posts += [b.register("r", "@zoe"), b.message("z", "@zoe", "@zoe")]
    rooms = [b.create("c", "@alice", "#tea"), b.join("j", "@bob", "#tea")]
    store.apply([*posts, *rooms, b.create("k", "@bob", "#club")])
    return store


POSTS: dict[str, Callable[[], Post]] = {
    "message": lambda: b.message("1", "@alice", "@bob"),
    "room message": lambda: b.message("1", "@alice", "#tea"),
    "payment": lambda: b.payment("1", "@alice", "@bob", 30, room="#tea"),
    "deposit": lambda: b.deposit("1", "@bob", 30),
    "register": lambda: b.register("1", "@carol", 30),
    "create": lambda: b.create("1", "@alice", "#den"),
    "join": lambda: b.join("1", "@alice", "#club"),
    "leave": lambda: b.leave("1", "@alice", "#tea"),
    "freeze": lambda: b.freeze("1", "@alice"),
}
PLANTED: dict[bytes, Callable[[redis.Redis, bytes], object]] = {
    b"string": lambda client, key: client.set(key, "planted"),
    b"list": lambda client, key: client.rpush(key, "planted"),
    b"hash": lambda client, key: client.hset(key, "planted", "1"),
    b"set": lambda client, key: client.sadd(key, "planted"),
    b"zset": lambda client, key: client.zadd(key, {"planted": 1}),
    b"stream": lambda client, key: client.xadd(key, {"planted": 1}),
}


def assert_refused(town: StoreLedger, post: Post) -> None:
    """`post` is refused as CORRUPT, alone and among others, and changes nothing."""
    before = town.dump()
    assert town.apply([post])[1:] == [[Status.CORRUPT]]
    assert town.dump() == before
    ids = next(IDS)
    beside = [b.message(f"{ids}{n}", "@zoe", "@zoe") for n in "ab"]
    _, first, refused, last = town.apply([beside[0], post, beside[1]])
    assert (first[0], refused, last[0]) == (Status.OK, [Status.CORRUPT], Status.OK)
    after = town.dump()
    del before[ZOE.box], after[ZOE.box]
    assert {key: after.get(key) for key in before} == before


def test_plain_posts_pass(town: StoreLedger):
    """The same posts that are refused below, on a store without damage."""
    for make in POSTS.values():
        town.apply([b.deposit("e", "@bob", 1)])
        post = make()
        post.mark += b"-" + post.frame.__struct_config__.tag.encode() + post.box.encode()
        assert town.apply([post])[1][0] == Status.OK


@pytest.mark.parametrize("name", POSTS)
def test_wrong_type_on_every_key_that_a_post_touches(town: StoreLedger, name: str):
    post = POSTS[name]()
    call = pack_call([post])
    keys = call[3 : 3 + call[2]]
    kept = {key: town.client.dump(key) for key in keys}
    right = _right_types(post)
    assert set(keys) <= set(right)
    for key in keys:
        for kind, plant in PLANTED.items():
            if kind == right[key]:
                continue
            town.client.delete(key)
            plant(town.client, key)
            assert_refused(town, post)
            town.client.delete(key)
            if kept[key] is not None:
                town.client.restore(key, 0, kept[key])


def _right_types(post: Post) -> dict[bytes, bytes]:
    types = {post.mark: b"string", post.total: b"string"}
    for party in (keys_of(post.who), post.sender, post.to, post.room):
        if party is not None:
            types |= {party.record: b"string", party.secret: b"string", party.tokens: b"hash"}
            types |= {party.joined: b"set", party.members: b"hash"}
    return types | dict.fromkeys(post.boxes, b"list")


SOUND = b.record("0 1 USD 100 0")
DAMAGED_RECORDS = {
    "empty": b"",
    "in letters": b"0 1 USD 100 0",
    "no version": SOUND[:7],
    "half a balance": SOUND[:-1],
    "a byte too many": SOUND + b"\0",
    "flags that cannot be together": b"\6" + SOUND[1:],
    "an issuer that is suspended": b"\x0c" + SOUND[1:],
    "flags that are too high": b"\x10" + SOUND[1:],
    "flags of another kind": b"0" + SOUND[1:],
    "currency in small letters": SOUND.replace(b"USD", b"usd"),
    "currency of zeros": SOUND.replace(b"USD", bytes(3)),
    "currency with a blank": SOUND.replace(b"USD", b"US "),
    "currency twice": SOUND + SOUND[8:],
    "currency twice, not at once": b.record("0 1 USD 100 0 EUR 1 0 USD 1 0"),
    "below zero": b.record("0 1 USD -1 0"),
    "far below zero": b.record(f"0 1 USD {-MAX} 0"),
    "held below zero": SOUND[:-8] + b"\xff" * 8,
    "too much": b.record(f"0 1 USD {MAX + 1} 0"),
    "too much by what doubles do not hold": b.record(f"0 1 USD {MAX + 2} 0"),
    "as much as there can be": b.record(f"0 1 USD {2**63 - 1} 0"),
    "too much held": b.record(f"0 1 USD 100 {MAX + 1}"),
    "too much together": b.record(f"0 1 USD {MAX} 1"),
    "last version": b.record(f"0 {MAX} USD 100 0"),
    "version too high": b.record(f"0 {MAX + 1} USD 100 0"),
    "version as high as can be": b.record(f"0 {2**56 - 1} USD 100 0"),
}


@pytest.mark.parametrize("damage", DAMAGED_RECORDS)
@pytest.mark.parametrize("who", ["@alice", "@bob", WORLD])
def test_damaged_record(town: StoreLedger, who: str, damage: str):
    town.client.set(keys_of(who).record, DAMAGED_RECORDS[damage])
    pay = b.payment("1", "@alice", "@bob", 30, room="#tea")
    post = b.deposit("1", "@bob", 30) if who == WORLD else pay
    assert_refused(town, post)


def test_account_that_was_made_an_issuer_cannot_make_money(town: StoreLedger):
    town.client.set(ALICE.record, b.record("4 1 USD 100 0"))
    assert_refused(town, b.payment("1", "@alice", "@bob", 101))


@pytest.mark.parametrize(("who", "flag"), [("@alice", ISSUER), (WORLD, CLOSED), (WORLD, SUSPENDED)])
def test_nobody_becomes_an_issuer_and_no_issuer_is_locked_out(
    town: StoreLedger, who: str, flag: int
):
    post = b.freeze("1", who)
    post.extra = (flag, 1)
    assert_refused(town, post)


@pytest.mark.parametrize(
    "total",
    ["", "x", "007", "-1", "-0", "1e3", "0x1", "1.0", " 1", "9007199254740992", f"{MAX}"],
    ids=repr,
)
def test_damaged_total(town: StoreLedger, total: str):
    town.client.set(total_key("USD"), total)
    assert_refused(town, b.deposit("1", "@bob", 1))


DAMAGED_MARKS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda mark: b"",
    "digest alone": lambda mark: mark[:16],
    "no box": lambda mark: mark[:-6],
    "box of no name": lambda mark: mark[:-6] + b"alice!",
    "box with something behind": lambda mark: mark + b"\n",
    "neither words nor money": lambda mark: mark[:16] + b"\4" + mark[17:],
    "money that says it is words": lambda mark: mark[:16] + b"\0" + mark[17:],
    "words that say they are money": lambda mark: mark[:29] + mark[-6:],
    "a byte missing": lambda mark: mark[1:],
    "a byte more": lambda mark: b"x" + mark,
}


@pytest.mark.parametrize("damage", DAMAGED_MARKS)
def test_damaged_mark(town: StoreLedger, damage: str):
    post = b.payment("1", "@alice", "@bob", 30)
    town.apply([post])
    town.client.set(post.mark, DAMAGED_MARKS[damage](town.client.get(post.mark)))
    assert_refused(town, post)
    # What is damaged is kept for those who have to look at it.
    before = town.dump()
    assert town.sweep([post.mark], 2**50) == 0
    assert town.dump() == before


@pytest.mark.parametrize("amount", [MAX + 1, 2**53 + 1, 2**63, 2**64 - 1])
def test_amount_that_no_frame_can_carry(town: StoreLedger, amount: int):
    post = b.payment("1", "@alice", "@bob", 30)
    post.amount = amount
    assert_refused(town, post)


# --- the largest numbers ---


def _result(town: StoreLedger, post: Post) -> list[int | bytes]:
    return town.apply([post])[1]


def test_held_money_counts_against_the_largest_balance(town: StoreLedger):
    town.client.set(BOB.record, b.record(f"0 1 USD 5 {MAX - 15}"))
    assert _result(town, b.payment("1", "@alice", "@bob", 11)) == [Status.BALANCE_OVERFLOW]
    assert _result(town, b.payment("1", "@alice", "@bob", 10))[-3:] == [15, MAX - 15, 2]
    assert _result(town, b.payment("2", "@bob", "@alice", 16)) == [
        Status.INSUFFICIENT_FUNDS,
        b"15",
    ]
    assert _result(town, b.payment("2", "@bob", "@alice", 15))[-3:] == [105, 0, 3]


def test_largest_balance_moves_whole_and_to_the_cent(town: StoreLedger):
    town.client.set(ALICE.record, b.record(f"0 1 USD {MAX} 0"))
    assert _result(town, b.payment("1", "@alice", "@bob", MAX))[-6:] == [0, 0, 2, MAX, 0, 1]
    assert _result(town, b.payment("2", "@bob", "@alice", MAX - 1))[-6:] == [1, 0, 2, MAX - 1, 0, 3]
    assert town.client.get(ALICE.record) == b.record(f"0 3 USD {MAX - 1} 0")


def test_two_largest_balances_in_one_call_stay_exact(town: StoreLedger):
    """More money than can be; the sums of the double entry must not round."""
    for who in ("@alice", "@bob"):
        town.client.set(keys_of(who).record, b.record(f"0 1 USD {MAX} 0"))
    town.apply([b.register("r", "@carol"), b.register("r", "@dave")])
    posts = [b.payment("1", "@alice", "@carol", MAX - 2), b.payment("2", "@bob", "@dave", 3)]
    assert [r[0] for r in town.apply(posts)[1:]] == [0, 0]
    assert town.client.get(BOB.record) == b.record(f"0 2 USD {MAX - 3} 0")


def test_version_ends_before_it_rounds(town: StoreLedger):
    town.client.set(ALICE.record, b.record(f"0 {MAX - 1} USD 100 0"))
    posts = [b.payment(f"{n}", "@alice", "@bob", 1) for n in range(2)]
    assert [r[0] for r in town.apply(posts)[1:]] == [Status.OK, Status.CORRUPT]
    assert town.client.get(ALICE.record) == b.record(f"0 {MAX} USD 99 0")


def test_full_store_refuses_and_moves_nothing(town: StoreLedger):
    before = town.dump()
    town.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            town.apply([b.payment("1", "@alice", "@bob", 30)])
    finally:
        town.client.config_set("maxmemory", 0)
    assert town.dump() == before
    assert _result(town, b.payment("1", "@alice", "@bob", 30))[0] == Status.OK


def test_a_deposit_refused_late_does_not_even_write_an_unchanged_total(town: StoreLedger):
    """The first deposit of a currency, refused by the last check: its total must not appear."""
    town.client.delete(BOB.box)
    town.client.set(BOB.box, "planted")
    before = town.dump()
    _, (status, *_) = town.apply([b.deposit("1", "@bob", 30, "EUR")])
    assert status == Status.CORRUPT
    assert town.dump() == before
