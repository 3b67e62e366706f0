"""What spans partitions, step by step: debit, arrival, settlement, and what is asked before. Every
answer is the model's, too."""

from __future__ import annotations

import pytest
import redis

from protocol.frames import (
    MessageEntry,
    PaymentEntry,
    ReadEntry,
    SettledEntry,
)
from server.ledger.arrivals import SETTLED_MAX
from server.ledger.entries import digest_of
from server.ledger.lookups import Lookup, hint_of
from server.ledger.posts import Mark
from server.ledger.status import Status

from . import builders as b
from .carrier import read_legs
from .town import ALICE, BOB, DAVE, KEYS, OK, TEA, THERE, Town, far


@pytest.fixture
def town(town_of_sixteen: Town) -> Town:
    return town_of_sixteen


def test_the_names_of_these_tests_live_apart():
    assert len({party.partition for party in (ALICE, BOB, DAVE, TEA)}) == 4


# --- the three steps ---


def test_payment_in_three_steps(town: Town):
    post = far(b.payment("p", "@alice", "@bob", 30))
    at, result = town.apply([post])
    assert result == [OK, 2, 70, 0, 2, 1]
    assert (town.money("@alice"), town.money("@bob")) == ({"USD": 70}, {})
    assert town.transit() == {"USD": 30}
    (paid,) = town.box("@alice")[1:]
    assert paid == PaymentEntry(
        "p", "@alice", "@bob", 30, "USD", box="@alice", seq=2, at=at, state="accepted"
    )

    pushed = town.carrier.push(THERE)
    assert [result for _, result in pushed] == [[OK, 1, 30, 0, 1]]
    assert (town.money("@bob"), town.transit()) == ({"USD": 30}, {})
    (got,) = town.box("@bob")
    assert isinstance(got, PaymentEntry)
    assert (got.state, got.amount, got.box) == ("settled", 30, "@bob")

    assert town.carrier.settle(THERE, pushed) == [[OK, 3]]
    settled = town.box("@alice")[-1]
    assert isinstance(settled, SettledEntry)
    assert (settled.id, settled.from_, settled.to) == ("p", "@alice", "@bob")
    assert (settled.amount, settled.currency) == (30, "USD")
    out = town.carrier.out(THERE)
    assert (out.sent, out.done, out.first) == (1, 1, 1)
    town.compare()


def test_mark_of_what_left_says_accepted_and_its_digest_is_that_of_the_settled_entry(town: Town):
    post = far(b.payment("p", "@alice", "@bob", 30))
    town.apply([post])
    mark = Mark(town.scalar(post.mark) or b"")
    assert (mark.money, mark.state, mark.available, mark.version) == (True, "accepted", 70, 2)
    (leg,) = read_legs(list(town.carrier.legs(THERE).values()))
    assert mark.digest == digest_of(leg.body) == b.payment("p", "@alice", "@bob", 30).digest
    assert town.apply([post])[1] == [Status.DUPLICATE, town.scalar(post.mark)]
    here = far(b.deposit("d", "@alice", 1))
    town.apply([here])
    assert Mark(town.scalar(here.mark) or b"").state == "settled"
    assert town.sweep([post.mark], 2**50) == 0


def test_message_goes_by_the_same_way_without_money(town: Town):
    assert town.post(b.message("m", "@alice", "@bob")) == [OK, 2, 1]
    pushed = town.carrier.push(THERE)
    assert [result for _, result in pushed] == [[OK, 1]]
    assert town.carrier.settle(THERE, pushed) == [[OK]]
    assert isinstance(town.box("@bob")[0], MessageEntry)
    assert len(town.box("@alice")) == 2  # no entry tells that words arrived
    assert town.carrier.out(THERE).sums == {}
    town.compare()


def test_legs_of_one_call_arrive_in_order_in_one_call(town: Town):
    posts = [b.payment(f"p{n}", "@alice", "@bob", n) for n in (1, 2, 3)]
    posts.insert(1, b.message("m", "@alice", "@bob"))
    results = town.apply([far(post) for post in posts])[1:]
    assert [result[-1] for result in results] == [1, 2, 3, 4]
    pushed = town.carrier.push(THERE)
    assert [result[1] for _, result in pushed] == [1, 2, 3, 4]
    assert [result[2:] for _, result in pushed] == [[1, 0, 1], [], [3, 0, 2], [6, 0, 3]]
    # Words are settled together with the money behind them.
    assert town.carrier.settle(THERE, pushed) == [[OK, 6, 7, 8]]
    town.compare()


def test_many_payments_are_settled_in_pieces_that_follow_each_other(town: Town):
    count = SETTLED_MAX + 2
    posts = [far(b.payment(f"p{n}", "@alice", "@bob", 1)) for n in range(count)]
    posts.append(far(b.message("m", "@alice", "@bob")))
    for post in posts:  # each at a time of its own, or nearly
        town.apply([post])
    pushed = town.carrier.push(THERE)
    first, second = town.carrier.settle(THERE, pushed)
    assert (len(first), len(second)) == (1 + SETTLED_MAX, 1 + 2)
    assert [entry.id for entry in town.box("@alice")[-count:]] == [f"p{n}" for n in range(count)]
    assert town.carrier.out(THERE).done == count + 1
    town.compare()


def test_payment_shown_in_a_room_elsewhere_has_two_legs(town: Town):
    town.post(b.join("j", "@bob", "#tea"))
    post = far(b.payment("p", "@alice", "@bob", 30, room="#tea"))
    assert town.apply([post])[1] == [OK, 2, 70, 0, 2, 1, 1]
    town.carrier.carry([THERE, (ALICE.partition, TEA.partition)])
    shown = town.box("#tea")[-1]
    assert isinstance(shown, PaymentEntry)
    assert (shown.state, shown.amount) == ("accepted", 30)
    assert town.money("@bob") == {"USD": 30}
    town.compare()


def test_settled_payment_is_shown_as_such_in_a_room_elsewhere(town: Town):
    """@ann and @dave live together, #tea does not."""
    for name in ("@ann", "@dave"):
        town.post(b.register("r", name, 50))
    town.post(b.join("j", "@ann", "#tea"))
    post = far(b.payment("p", "@ann", "@dave", 30, room="#tea"))
    assert town.apply([post])[1] == [OK, 2, 2, 20, 0, 2, 80, 0, 2, 1]
    town.carrier.carry([(DAVE.partition, TEA.partition)])
    assert town.box("#tea")[-1].state == "settled"
    town.compare()


def test_room_elsewhere_is_joined_and_left_on_both_sides(town: Town):
    lane = (TEA.partition, BOB.partition)
    assert town.post(b.join("j", "@bob", "#tea")) == [OK, 2, 1]
    assert BOB.joined not in town.contents()
    assert town.carrier.carry([lane])[0][1] == [OK]
    assert town.contents()[BOB.joined] == {b"#tea"}
    assert town.contents()[TEA.members][b"@bob"] == b"member"
    assert town.post(b.leave("l", "@bob", "#tea"))[0] == OK
    town.carrier.carry([lane])
    assert BOB.joined not in town.contents()
    town.compare()


def test_marker_for_a_room_elsewhere_stays_in_ones_own_box(town: Town):
    post = far(b.read("m", "@alice", "#tea"))
    assert (post.partition, post.legs) == (ALICE.partition, ())
    assert town.apply([post])[1] == [OK, 2]
    assert isinstance(town.box("@alice")[-1], ReadEntry)


def test_opening_balance_and_deposits_stay_in_the_partition_of_the_account(town: Town):
    assert town.post(b.deposit("d", "@bob", 7)) == [OK, 1, 1, -7, 0, 1, 7, 0, 1]
    assert town.carrier.used() == [(TEA.partition, ALICE.partition)]
    assert town.scalar(KEYS.total("USD", BOB.partition)) == b"7"
    assert far(b.deposit("d", "@bob", 7)).names == ("@bob", f"$world.{BOB.partition}")


# --- what is known before ---

WRONGS = {
    "nobody": (lambda: b.payment("p", "@alice", "@ghost", 1), Status.UNKNOWN_ACCOUNT),
    "nobody to talk to": (lambda: b.message("p", "@alice", "@ghost"), Status.UNKNOWN_ACCOUNT),
    "frozen": (lambda: b.payment("p", "@alice", "@bob", 1), Status.PARTY_FROZEN),
    "no room": (lambda: b.payment("p", "@alice", "@bob", 1, room="#void"), Status.UNKNOWN_ROOM),
    "no member": (lambda: b.payment("p", "@alice", "@bob", 1, room="#den"), Status.NOT_A_MEMBER),
    "marker": (lambda: b.read("p", "@bob", "#tea"), Status.NOT_A_MEMBER),
    "marker of nothing": (lambda: b.read("p", "@bob", "#void"), Status.UNKNOWN_ROOM),
    "rooms": (lambda: b.join("p", "@bob", "#tea", most=1), Status.LIMIT_EXCEEDED),
}


@pytest.mark.parametrize("name", WRONGS)
def test_lookups_tell_what_is_wrong_elsewhere_and_nothing_happens(town: Town, name: str):
    town.post(b.create("k", "@bob", "#den"))
    town.carrier.carry([(KEYS.of("#den").partition, BOB.partition)])
    if name == "frozen":
        town.post(b.freeze("f", "@bob"))
    make, status = WRONGS[name]
    post = far(make())
    assert post.lookups
    post.hint = hint_of(post.lookups, [town.ask(one) for one in post.lookups])
    before = town.dump()
    result = town.apply([post])[1]
    assert result == [status, *([b"1"] if status == Status.LIMIT_EXCEEDED else [])]
    assert town.dump() == before
    town.compare()


def test_lookups_of_an_honest_post_find_nothing(town: Town):
    town.post(b.join("j", "@bob", "#tea"))
    posts = [b.payment("p", "@alice", "@bob", 1, room="#tea"), b.message("m", "@bob", "@alice")]
    for post in [*map(far, posts), far(b.read("x", "@bob", "#tea"))]:
        assert hint_of(post.lookups, [town.ask(one) for one in post.lookups]) == 0
        assert hint_of(post.lookups, [redis.ResponseError("?")] * len(post.lookups)) == 0


def test_the_hint_has_its_place_in_the_precedence(town: Town):
    post = b.payment("p", "@alice", "@bob", 101)
    assert town.post(post, Status.PARTY_FROZEN) == [Status.PARTY_FROZEN]
    assert town.post(post) == [Status.INSUFFICIENT_FUNDS, b"100"]
    town.post(b.freeze("f", "@alice"))
    assert town.post(post, Status.PARTY_FROZEN) == [Status.ACCOUNT_FROZEN]
    assert town.post(post, Status.UNKNOWN_ACCOUNT) == [Status.UNKNOWN_ACCOUNT]
    town.post(b.thaw("t", "@alice"))
    paid = b.payment("q", "@alice", "@bob", 1)
    assert town.post(paid)[0] == OK
    assert town.post(paid, Status.UNKNOWN_ACCOUNT)[0] == Status.DUPLICATE


def test_a_lookup_is_judged_by_its_question():
    lookups: tuple[Lookup, ...] = far(b.payment("p", "@alice", "@bob", 1)).lookups
    assert hint_of(lookups, [b"", b""]) == Status.UNKNOWN_ACCOUNT
    assert hint_of(lookups, [b"\1", b"\1"]) == Status.PARTY_FROZEN
    assert hint_of(lookups, [b"\0", b"\0"]) == 0


def test_digests_do_not_tell_how_far_the_payee_lives():
    near = b.payment("p", "@alice", "@bob", 1)
    assert far(near).digest == near.digest
    assert far(near).body != near.body
    assert far(near).legs[0].leg.body == near.body
