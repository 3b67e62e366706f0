"""What posts ask of hashes, and what they change in hashes and sets, in the same step. One suite
for the store and the model."""

from __future__ import annotations

import pytest
import redis

from server.ledger.arrivals import arrival
from server.ledger.conditions import Change, Condition, Op
from server.ledger.conditions import Test as Look
from server.ledger.posts import Post
from server.ledger.status import Status
from tests.single import keys_of

from . import builders as b
from .asked import ASKED
from .ledgers import ModelLedger, StoreLedger
from .town import ALICE as FAR_ALICE
from .town import BOB as FAR_BOB
from .town import THERE, Town

Ledger = StoreLedger | ModelLedger
OK = Status.OK
ALICE, BOB, TEA, DEN = map(keys_of, ("@alice", "@bob", "#tea", "#den"))
PAST, AHEAD = "1", str(2**43)
"""Times in ms."""
THUMBS = "annannanthumbs"
"""Tag of a note."""


@pytest.fixture
def town(near: Ledger) -> Ledger:
    """@alice with 100 USD, @bob with none; #tea, hers, with him in it."""
    posts = [b.register("r", "@alice", 100), b.register("r", "@bob")]
    near.apply([*posts, b.create("c", "@alice", "#tea"), b.join("j", "@bob", "#tea")])
    return near


def one(ledger: Ledger, post: Post) -> list[int | bytes]:
    """The result of `post` alone."""
    return ledger.apply([post])[1]


def word(id: str, *asked: Condition | Change, who: str = "@alice") -> Post:
    """Words to #tea that ask and change something."""
    return b.given(b.message(id, who, "#tea"), *asked)


def put(field: str, value: str) -> Change:
    return Change(TEA.rules, Op.PUT, field, value)


def asks(test: Look, arg: str = "", field: str = "f", either: bool = False) -> Condition:
    return Condition(TEA.rules, test, field, arg, Status.BANNED, either)


# --- conditions ---

HOLD = """
ABSENT  -            -        yes
ABSENT  x            -        no
IS      -            x        no
IS      x            x        yes
IS      x            y,x,z    yes
IS      x+1          y,x      yes
IS      xy           x,y      no
IS      x            xy,yx    no
NOT     -            x        yes
NOT     x            y,x      no
NOT     x+1          x        no
NOT     xy           x,y      yes
PASSED  -            -        yes
PASSED  1            -        yes
PASSED  0            -        no 0
PASSED  8796093022208 -       no 8796093022208
AHEAD   -            -        no
AHEAD   1            -        no
AHEAD   0            -        yes
AHEAD   8796093022208 -       yes
ABOVE   -            0        no
ABOVE   0            0        no
ABOVE   1            0        yes
ABOVE   -5           -6       yes
FEWER   -            0        no 0
FEWER   -            1        yes
FEWER   x            1        no 1
FEWER   x            2        yes
SOME    -            -        no
SOME    x            -        yes
ROLE_OF -            owner    no
ROLE_OF @alice       member,owner yes
ROLE_OF @bob         owner    no
ROLE_OF @bob         owner,member yes
ROLE_OF @carl        owner,member no
SPACE   -            0+annannanthumbs no 0
SPACE   -            1+annannanthumbs yes
SPACE   000001annannanthumbs 1+annannanthumbs yes
SPACE   000001annannanthumbs 1+annannanhearts no 1
SPACE   000001annannanthumbs 2+annannanhearts yes
SPACE   000001benbenbethumbs 1+annannanthumbs yes
SPACE   000001benbenbethumbs000002annannanthumbs 1+annannanhearts no 1
"""


@pytest.mark.parametrize("case", [line.split() for line in HOLD.split("\n") if line], ids=" ".join)
def test_condition(town: Ledger, case: list[str]):
    test, stored, arg, holds, *detail = case
    if stored != "-":
        one(town, word("1", put("f", stored.replace("+", " "))))
    before = town.dump()
    result = one(town, word("2", asks(Look[test], "" if arg == "-" else arg.replace("+", " "))))
    if holds == "yes":
        assert result[0] == OK
    else:
        assert result == [Status.BANNED, *(text.encode() for text in detail)]
        assert town.dump() == before


def test_every_test_is_tried():
    assert {line.split()[0] for line in HOLD.split("\n") if line} == {test.name for test in Look}


@pytest.mark.parametrize("status", sorted(ASKED))
def test_condition_answers_the_status_it_names(town: Ledger, status: Status):
    condition = Condition(TEA.rules, Look.IS, "f", "x", status)
    assert one(town, word("1", condition)) == [status]


def test_first_condition_that_fails_is_the_answer(town: Ledger):
    fails = [
        Condition(TEA.rules, Look.IS, "f", "x", status) for status in (Status.MUTED, Status.BANNED)
    ]
    assert one(town, word("1", asks(Look.ABSENT), *fails)) == [Status.MUTED]


EITHER = [
    ("no", "no", "no", "no"),
    ("yes", "no", "no", "yes"),
    ("no", "yes", "no", "yes"),
    ("no", "no", "yes", "yes"),
    ("yes", "yes", "yes", "yes"),
]


@pytest.mark.parametrize("case", EITHER, ids=" ".join)
def test_one_of_a_chain_is_enough(town: Ledger, case: tuple[str, ...]):
    """And what stands behind the chain must hold all the same."""
    *members, together = case
    one(town, word("0", put("yes", "x")))
    chain = [asks(Look.IS, "x", field, either=n < 2) for n, field in enumerate(members)]
    fails = Condition(TEA.rules, Look.ABSENT, "yes", "", Status.MUTED)
    expected = Status.MUTED if together == "yes" else Status.BANNED
    assert one(town, word("1", *chain, fails)) == [expected]
    if together == "yes":
        assert one(town, word("1", *chain, asks(Look.ABSENT)))[0] == OK


def test_conditions_stand_behind_the_members_rights_and_before_the_money(town: Ledger):
    fails = asks(Look.IS, "x")
    town.apply([b.register("r", "@carol", 5), b.freeze("f", "@alice"), b.register("r", "@gone")])
    one(town, b.close("e", "@gone"))
    paid = b.payment("1", "@alice", "@bob", 1000, room="#tea")
    assert one(town, b.given(paid, fails)) == [Status.BANNED]
    assert one(town, b.given(b.payment("1", "@carol", "@bob", 9, room="#tea"), fails)) == [
        Status.NOT_A_MEMBER
    ]
    assert one(town, b.given(b.message("1", "@alice", "@gone"), fails)) == [Status.ACCOUNT_CLOSED]
    one(town, b.suspend("s", "@bob"))
    assert one(town, b.given(b.message("1", "@alice", "@bob"), fails)) == [Status.BANNED]


def test_duplicate_is_answered_though_its_condition_fails_by_now(town: Ledger):
    post = word("1", asks(Look.ABSENT), put("f", "x"))
    assert one(town, post)[0] == OK
    before = town.dump()
    assert one(town, post) == [Status.DUPLICATE, town.contents()[post.mark]]
    assert town.dump() == before


# --- changes ---


def rules(ledger: Ledger) -> dict[bytes, bytes]:
    return ledger.contents().get(TEA.rules, {})


CHANGED = [
    (Op.PUT, None, "x", "x"),
    (Op.PUT, "y", "", ""),
    (Op.DROP, None, "", None),
    (Op.DROP, "y", "", None),
    (Op.ADD, None, "-3", "-3"),
    (Op.ADD, "7", "-3", "4"),
    (Op.ADD, "7", f"{2**53 - 8}", f"{2**53 - 1}"),
    (Op.HUSH, "member", "0", "member"),
    (Op.HUSH, "member 99", "0", "member"),
    (Op.HUSH, None, "5", None),
]


@pytest.mark.parametrize(("op", "stored", "value", "after"), CHANGED)
def test_change_of_a_field(town: Ledger, op: Op, stored: str | None, value: str, after: str | None):
    one(town, word("1", put("other", "stays"), *([put("f", stored)] if stored else [])))
    assert one(town, word("2", Change(TEA.rules, op, "f", value)))[0] == OK
    expected = {b"other": b"stays"} | ({b"f": after.encode()} if after is not None else {})
    assert rules(town) == expected


@pytest.mark.parametrize(
    ("op", "stored", "after"),
    [
        (Op.UNTIL, None, "{}"),
        (Op.UNTIL, "x", "{}"),
        (Op.HUSH, "reader", "reader {}"),
        (Op.HUSH, "member 5", "member {}"),
    ],
)
def test_change_to_a_time_ahead(town: Ledger, op: Op, stored: str | None, after: str):
    if stored:
        one(town, word("1", put("f", stored)))
    at, _ = town.apply([word("2", Change(TEA.rules, op, "f", "60000"))])
    assert rules(town) == {b"f": after.format(at + 60_000).encode()}


def test_lists_of_names(town: Ledger):
    names = [Change(DEN.joined, Op.ENLIST, name) for name in ("#a", "#b")]
    one(town, word("1", *names))
    one(town, word("2", names[0], Change(DEN.joined, Op.STRIKE, "#b")))
    assert town.contents()[DEN.joined] == {b"#a"}


def test_refused_post_changes_no_field(town: Ledger):
    before = town.dump()
    change = put("f", "x")
    assert one(town, b.given(b.payment("1", "@bob", "@alice", 5), change))[0] == (
        Status.INSUFFICIENT_FUNDS
    )
    assert town.dump() == before


# --- later posts of the same call ---


def test_posts_of_a_call_see_what_those_before_them_changed(town: Ledger):
    reader = Change(TEA.members, Op.PUT, "@bob", "reader")
    again = Change(TEA.members, Op.PUT, "@bob", "member")
    muted = Change(TEA.members, Op.HUSH, "@bob", "60000")
    out = Change(TEA.members, Op.DROP, "@bob")
    at, *results = town.apply(
        [
            word("1", reader),
            b.message("2", "@bob", "#tea"),
            word("3", again),
            b.message("4", "@bob", "#tea"),
            word("5", muted),
            b.message("6", "@bob", "#tea"),
            b.read("7", "@bob", "#tea"),
            word("8", out),
            b.message("9", "@bob", "#tea"),
            b.join("10", "@bob", "#tea"),
            b.message("11", "@bob", "#tea"),
        ]
    )
    statuses = [result[0] for result in results]
    assert statuses == [
        *(OK, Status.READ_ONLY, OK, OK, OK, Status.MUTED, OK, OK),
        *(Status.NOT_A_MEMBER, OK, OK),
    ]
    assert results[5][1] == b"%d" % (at + 60_000)


def test_uses_of_a_link_are_counted_within_a_call(town: Ledger):
    one(town, word("0", put("u", "2")))
    use = asks(Look.ABOVE, "0", "u"), Change(TEA.rules, Op.ADD, "u", "-1")
    results = town.apply([word(f"{n}", *use) for n in range(1, 5)])[1:]
    assert [result[0] for result in results] == [OK, OK, Status.BANNED, Status.BANNED]
    assert rules(town) == {b"u": b"0"}


def test_fields_are_counted_within_a_call(town: Ledger):
    few = asks(Look.FEWER, "3")
    posts = [word(f"{n}", few, put(f"f{n}", "x")) for n in range(5)]
    posts.append(word("5", few, put("f1", "y")))
    posts.append(word("6", Change(TEA.rules, Op.DROP, "f1")))
    posts.append(word("7", few, put("f0", "y")))
    posts.append(word("8", few, put("f9", "y")))
    posts.append(word("9", few, put("f9", "z")))
    statuses = [result[0] for result in town.apply(posts)[1:]]
    banned = Status.BANNED
    assert statuses == [OK, OK, OK, banned, banned, banned, OK, OK, OK, banned]


def test_members_are_counted_within_a_call(town: Ledger):
    """Who is let in by a change, and who joins or leaves by themselves."""
    alone = Condition(TEA.members, Look.FEWER, "", "2", Status.OWNER_STAYS)
    enter = Change(TEA.members, Op.PUT, "@carol", "member")
    posts = [
        b.leave("1", "@bob", "#tea"),
        word("2", alone, enter),
        word("3", alone),
        word("4", Change(TEA.members, Op.DROP, "@carol")),
        b.given(b.leave("5", "@alice", "#tea"), alone),
    ]
    assert [r[0] for r in town.apply(posts)[1:]] == [OK, OK, Status.OWNER_STAYS, OK, OK]
    assert TEA.members not in town.contents()


def test_rooms_put_on_the_list_count_to_the_limit(town: Ledger):
    rooms = [f"#r{n}" for n in range(b.ROOMS_MAX - 1)]
    enlist = [Change(BOB.joined, Op.ENLIST, name) for name in ("#tea", *rooms)]
    strike = Change(BOB.joined, Op.STRIKE, "#r0")
    _, *results = town.apply(
        [
            word("1", *enlist),
            b.create("2", "@bob", "#den"),
            word("3", strike),
            b.create("4", "@bob", "#den"),
            word("5", Change(BOB.joined, Op.STRIKE, "#never")),
            b.create("6", "@bob", "#pub"),
        ]
    )
    limit = Status.LIMIT_EXCEEDED
    assert [result[0] for result in results] == [OK, limit, OK, OK, OK, limit]


# --- damage ---

DAMAGED = {
    "a time that is none": (asks(Look.PASSED), "soon"),
    "a time below zero": (asks(Look.PASSED), "-1"),
    "a time ahead that is none": (asks(Look.AHEAD), "1e3"),
    "a number that is none": (asks(Look.ABOVE, "0"), "many"),
    "a count that is none": (Change(TEA.rules, Op.ADD, "f", "1"), "many"),
    "a count that ends": (Change(TEA.rules, Op.ADD, "f", "1"), f"{2**53 - 1}"),
    "half a note": (Change(TEA.rules, Op.NOTE, "f", "1"), "12345"),
    "half a note with a tag": (Change(TEA.rules, Op.NOTE, "f", f"1{THUMBS}"), "123456annannan"),
    "no tags": (asks(Look.SPACE, f"1 {THUMBS}"), "123456"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_field_refuses_the_post(store: StoreLedger, damage: str):
    posts = [b.register("r", "@alice", 100), b.register("r", "@bob")]
    store.apply([*posts, b.create("c", "@alice", "#tea"), b.join("j", "@bob", "#tea")])
    asked, stored = DAMAGED[damage]
    store.client.hset(TEA.rules, "f", stored)
    before = store.dump()
    assert one(store, word("1", asked)) == [Status.CORRUPT]
    assert store.dump() == before


KEYS = {
    "a condition": (Condition(TEA.rules, Look.ABSENT, "f", "", Status.BANNED), "list"),
    "a count": (Condition(TEA.rules, Look.FEWER, "", "5", Status.BANNED), "list"),
    **{f"{op.name}": (Change(TEA.rules, op, "f", "1"), "list") for op in Op},
    "a hash for a set": (Change(TEA.rules, Op.ENLIST, "f"), "hash"),
    "a set for a hash": (Change(TEA.rules, Op.PUT, "f", "x"), "set"),
}


@pytest.mark.parametrize("key", KEYS)
def test_key_of_a_wrong_type_refuses_the_post(store: StoreLedger, key: str):
    store.apply([b.register("r", "@alice", 100), b.create("c", "@alice", "#tea")])
    asked, planted = KEYS[key]
    client: redis.Redis = store.client
    plant = {
        "list": lambda: client.rpush(TEA.rules, "x"),
        "hash": lambda: client.hset(TEA.rules, "x", "y"),
        "set": lambda: client.sadd(TEA.rules, "x"),
    }
    plant[planted]()
    before = store.dump()
    assert one(store, word("1", asked)) == [Status.CORRUPT]
    assert store.dump() == before


# --- between partitions ---


def test_arrival_that_is_refused_goes_back_with_the_status(town_of_sixteen: Town):
    town = town_of_sixteen
    post = b.message("1", "@alice", "@bob")
    town.post(post)
    asked = Condition(FAR_BOB.profile, Look.IS, "open", "yes", Status.NOT_ACCEPTED)
    [(arrive, result)] = _push(town, asked)
    assert result == [Status.RETURNED, b"%d" % Status.NOT_ACCEPTED]
    assert arrive.boxes[0] not in town.contents()
    town.carrier.settle(THERE, [(arrive, result)])
    town.carrier.carry([THERE[::-1]])
    returned = town.box("@alice")[-1]
    assert (returned.id, returned.reason) == ("1", "not_accepted")
    town.compare()


def test_arrival_makes_its_changes(town_of_sixteen: Town):
    town = town_of_sixteen
    town.post(b.payment("1", "@alice", "@bob", 5))
    change = Change(FAR_BOB.refs, Op.NOTE, "f", "1")
    [(_, result)] = _push(town, change, Change(FAR_BOB.profile, Op.PUT, "x", "y"))
    assert result[0] == OK
    contents = town.contents()
    assert contents[FAR_BOB.refs] == {b"f": int(result[1]).to_bytes(6)}
    assert contents[FAR_BOB.profile] == {b"x": b"y"}
    town.compare()


def test_arrival_that_came_before_changes_nothing_again(town_of_sixteen: Town):
    town = town_of_sixteen
    town.post(b.payment("1", "@alice", "@bob", 5))
    change = Change(FAR_BOB.profile, Op.ADD, "n", "1")
    assert _push(town, change)[0][1][0] == OK
    assert _push(town, change)[0][1] == [Status.DUPLICATE, b"0"]
    assert town.contents()[FAR_BOB.profile] == {b"n": b"1"}


def _push(town: Town, *asked: Condition | Change) -> list[tuple[Post, list[int | bytes]]]:
    """Push the first leg of the lane, with these conditions and changes."""
    out, legs = town.carrier.out(THERE), town.carrier.legs(THERE)
    keyspace, seq = town.keyspace, out.done + 1
    assert FAR_ALICE.partition == THERE[0]
    post = arrival(keyspace, THERE[1], str(THERE[0]), seq, legs[seq], out.done)
    b.given(post, *asked)
    return [(post, town.apply([post])[1])]
