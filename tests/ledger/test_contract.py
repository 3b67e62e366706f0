"""What the ledger answers and keeps. One suite for the store and the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.frames import DepositEntry, MessageEntry, PaymentEntry
from protocol.money import AMOUNT_MAX as MAX
from server.commit.pipeline import POSTS_PER_CALL
from server.ledger.entries import read_entry
from server.ledger.keys import WORLD
from server.ledger.posts import Mark, Post
from server.ledger.status import Status
from tests.single import keys_of, total_key

from . import builders as b
from .ledgers import ModelLedger, StoreLedger
from .spread import SpreadLedger

Ledger = StoreLedger | ModelLedger | SpreadLedger
OK, DUPLICATE = Status.OK, Status.DUPLICATE
ALICE, BOB, TEA = keys_of("@alice"), keys_of("@bob"), keys_of("#tea")


def _settle_in(ledger: Ledger) -> Ledger:
    posts = [b.register("r", "@alice"), b.register("r", "@bob"), b.deposit("d", "@alice", 100)]
    ledger.apply([*posts, b.create("c", "@alice", "#tea"), b.join("j", "@bob", "#tea")])
    return ledger


@pytest.fixture
def town(ledger: Ledger) -> Ledger:
    """@alice with 100 USD, @bob with none; #tea, hers, with him in it."""
    return _settle_in(ledger)


@pytest.fixture
def near_town(near: StoreLedger | ModelLedger) -> Ledger:
    """The same, in a ledger of one partition: for what is said of one call, or of its time."""
    return _settle_in(near)


def one(ledger: Ledger, post: Post) -> list[int | bytes]:
    """The result of `post` alone."""
    return ledger.apply([post])[1]


# --- results ---


def test_message_answers_the_seq_of_each_box(town: Ledger):
    assert one(town, b.message("1", "@alice", "@bob")) == [OK, 2, 1]
    assert one(town, b.message("2", "@bob", "@alice")) == [OK, 2, 3]
    assert one(town, b.message("3", "@alice", "@alice")) == [OK, 4]
    assert one(town, b.message("4", "@alice", "#tea")) == [OK, 3]


def test_payment_answers_seqs_and_both_balances(town: Ledger):
    assert one(town, b.payment("1", "@alice", "@bob", 30)) == [OK, 2, 1, 70, 0, 2, 30, 0, 1]
    shown = b.payment("2", "@bob", "@alice", 10, room="#tea")
    assert one(town, shown) == [OK, 2, 3, 3, 20, 0, 2, 80, 0, 3]


def test_deposit_takes_from_world_and_counts_what_circulates(near_town: Ledger):
    assert one(near_town, b.deposit("1", "@bob", 5)) == [OK, 1, 2, -105, 0, 2, 5, 0, 1]
    assert near_town.contents()[keys_of(WORLD).record] == b.record("4 2 USD -105 0")
    assert near_town.contents()[total_key("USD")] == b"105"


def test_register_opens_an_account_with_its_secrets(ledger: Ledger):
    assert one(ledger, b.register("1", "@alice", 500)) == [OK, 1, 1, -500, 0, 1, 500, 0, 1]
    assert one(ledger, b.register("1", "@bob")) == [OK]
    contents = ledger.contents()
    assert contents[ALICE.record] == b.record("0 1 USD 500 0")
    assert contents[BOB.record] == b.record("0 0")
    assert contents[ALICE.secret] == b"argon2 of it"
    assert contents[ALICE.tokens] == {b"token": b"laptop"}


def test_create_join_and_leave_keep_both_sides_of_membership(town: Ledger):
    contents = town.contents()
    assert contents[TEA.members] == {b"@alice": b"owner", b"@bob": b"member"}
    assert contents[ALICE.joined] == contents[BOB.joined] == {b"#tea"}
    assert one(town, b.leave("1", "@bob", "#tea")) == [OK, 3]
    assert town.contents()[TEA.members] == {b"@alice": b"owner"}
    assert BOB.joined not in town.contents()
    assert one(town, b.join("2", "@bob", "#tea")) == [OK, 4]


def test_freeze_stops_money_both_ways_and_thaw_lets_it_flow(town: Ledger):
    assert one(town, b.freeze("1", "@bob")) == [OK]
    assert town.contents()[BOB.record] == b.record("1 0")
    assert one(town, b.payment("2", "@alice", "@bob", 1)) == [Status.PARTY_FROZEN]
    assert one(town, b.thaw("3", "@bob")) == [OK]
    assert one(town, b.payment("2", "@alice", "@bob", 1))[0] == OK


def test_entries_are_the_frames_with_the_time_of_the_call(near_town: Ledger):
    at, *_ = near_town.apply([b.message("1", "@bob", "@bob"), b.payment("2", "@alice", "@bob", 30)])
    words, money = near_town.contents()[BOB.box]
    assert read_entry(words, "@bob", 1) == MessageEntry(
        "1", "@bob", "@bob", "hello", box="@bob", seq=1, at=at
    )
    assert read_entry(money, "@bob", 2) == PaymentEntry(
        "2", "@alice", "@bob", 30, "USD", box="@bob", seq=2, at=at, state="settled"
    )
    assert isinstance(read_entry(near_town.contents()[ALICE.box][0], "@alice", 1), DepositEntry)


def test_mark_holds_what_the_ack_said(near_town: Ledger):
    words, money = b.message("1", "@alice", "#tea"), b.payment("2", "@alice", "@bob", 30)
    at, _, paid = near_town.apply([words, money])
    mark = Mark(near_town.contents()[words.mark])
    assert (mark.digest, mark.box, mark.seq, mark.at) == (words.digest, "#tea", 3, at)
    assert not mark.money
    mark = Mark(near_town.contents()[money.mark])
    assert (mark.digest, mark.box, mark.seq, mark.at) == (money.digest, "@alice", paid[1], at)
    assert [mark.available, mark.held, mark.version] == paid[3:6] == [70, 0, 2]


def test_a_post_that_needs_no_record(near_town: Ledger):
    """As a marker in one's own box: all that it touches is the mark and the list."""
    post = b.message("1", "@alice", "@alice")
    post.to = None
    before = len(near_town.contents()[ALICE.box])
    assert one(near_town, post) == [OK, before + 1]
    mark = near_town.contents()[post.mark]
    assert one(near_town, post) == [Status.DUPLICATE, mark]


# --- duplicates ---

CHANGES: dict[str, Callable[[], list[Post]]] = {
    "nothing": list,
    "the payer is frozen": lambda: [b.freeze("x", "@alice")],
    "the payee is frozen": lambda: [b.freeze("x", "@bob")],
    "the payer has no funds": lambda: [b.payment("x", "@alice", "@bob", 70)],
    "the payer left the room": lambda: [b.leave("x", "@alice", "#tea")],
}


@pytest.mark.parametrize("change", CHANGES)
def test_duplicate_is_answered_first_whatever_changed_since(town: Ledger, change: str):
    post = b.payment("1", "@alice", "@bob", 30, room="#tea")
    one(town, post)
    town.apply([*CHANGES[change](), b.message("y", "@bob", "#tea")])
    before = town.dump()
    assert one(town, post) == [DUPLICATE, town.contents()[post.mark]]
    assert town.dump() == before


@pytest.mark.parametrize(
    "altered",
    [
        b.payment("1", "@alice", "@bob", 31),
        b.payment("1", "@alice", "@bob", 30, "EUR"),
        b.payment("1", "@alice", "@carol", 30),
        b.payment("1", "@alice", "@bob", 30, room="#tea"),
        b.message("1", "@alice", "@bob", "30"),
    ],
)
def test_altered_duplicate_is_refused_and_moves_nothing(town: Ledger, altered: Post):
    post = b.payment("1", "@alice", "@bob", 30)
    one(town, post)
    before = town.dump()
    assert one(town, altered) == [Status.ID_REUSED, town.contents()[post.mark]]
    assert town.dump() == before


def test_ids_are_each_senders_own(town: Ledger):
    assert one(town, b.message("1", "@alice", "@bob"))[0] == OK
    assert one(town, b.message("1", "@bob", "@alice"))[0] == OK


def test_old_id_is_refused_unless_it_is_remembered(town: Ledger):
    post = b.payment("1", "@alice", "@bob", 30)
    one(town, post)
    post.old = True
    assert one(town, post)[0] == DUPLICATE
    assert one(town, b.payment("old2", "@alice", "@bob", 30)) == [Status.ID_TOO_OLD]


def test_refused_post_may_come_again_with_the_same_id(town: Ledger):
    post = b.payment("1", "@bob", "@alice", 5)
    assert one(town, post) == [Status.INSUFFICIENT_FUNDS, b"0"]
    one(town, b.payment("2", "@alice", "@bob", 5))
    assert one(town, post)[0] == OK


# --- batches ---


def test_posts_of_a_call_see_those_before_them(town: Ledger):
    _, *results = town.apply(
        [
            b.register("1", "@carol"),
            b.payment("2", "@alice", "@bob", 100),
            b.payment("3", "@bob", "@carol", 100),
            b.create("4", "@carol", "#den"),
            b.join("5", "@bob", "#den"),
            b.payment("6", "@carol", "@bob", 60, room="#den"),
            b.leave("7", "@bob", "#den"),
            b.message("8", "@bob", "#den"),
            b.freeze("9", "@carol"),
            b.payment("10", "@carol", "@bob", 40),
        ]
    )
    assert [r[0] for r in results] == [0] * 7 + [Status.NOT_A_MEMBER, 0, Status.ACCOUNT_FROZEN]
    assert results[5] == [OK, 2, 3, 3, 40, 0, 2, 60, 0, 3]
    assert town.contents()[keys_of("@carol").record] == b.record("1 2 USD 40 0")


def test_refused_post_in_the_middle_changes_nothing(town: Ledger):
    first, last = b.message("1", "@alice", "@bob"), b.payment("3", "@alice", "@bob", 30)
    refused = b.payment("2", "@alice", "@bob", 101, room="#tea")
    _, *results = town.apply([first, refused, last])
    assert results == [
        [OK, 2, 1],
        [Status.INSUFFICIENT_FUNDS, b"100"],
        [OK, 3, 2, 70, 0, 2, 30, 0, 1],
    ]
    assert refused.mark not in town.contents()
    assert len(town.contents()[TEA.box]) == 2


def test_same_id_twice_in_one_call_happens_once(town: Ledger):
    post, altered = b.payment("1", "@alice", "@bob", 30), b.payment("1", "@alice", "@bob", 40)
    _, first, second, third = town.apply([post, post, altered])
    mark = town.contents()[post.mark]
    assert first == [OK, 2, 1, 70, 0, 2, 30, 0, 1]
    assert second == [DUPLICATE, mark]
    assert third == [Status.ID_REUSED, mark]


def test_same_name_twice_in_one_call_is_taken(ledger: Ledger):
    _, first, second = ledger.apply([b.register("1", "@alice"), b.register("2", "@alice")])
    assert (first, second) == ([OK], [Status.NAME_TAKEN])


def test_room_limit_counts_those_joined_in_the_same_call(town: Ledger):
    posts = [b.create(f"n{n}", "@bob", f"#n{n}") for n in range(b.ROOMS_MAX)]
    _, *results = town.apply(posts)  # one is #tea
    assert [r[0] for r in results] == [0] * (b.ROOMS_MAX - 1) + [Status.LIMIT_EXCEEDED]
    _, _, joined = town.apply([b.leave("l", "@bob", "#tea"), b.create("m", "@bob", "#m")])
    assert joined[0] == OK


def test_a_full_call_keeps_order(town: Ledger):
    posts = [b.message(f"m{n}", "@alice", "@bob", f"{n}") for n in range(POSTS_PER_CALL)]
    _, *results = town.apply(posts)
    assert results == [[OK, n + 2, n + 1] for n in range(POSTS_PER_CALL)]
    entries = [read_entry(e, "@bob", i) for i, e in enumerate(town.contents()[BOB.box], 1)]
    assert [e.text for e in entries] == [f"{n}" for n in range(POSTS_PER_CALL)]


# --- books and sweep ---


def test_books_balance(town: Ledger):
    town.apply([b.deposit("1", "@bob", 7, "EUR"), b.payment("2", "@alice", "@bob", 1)])
    assert town.books("USD", "EUR", "GBP") == [
        [b"USD", b"-100", b"100"],
        [b"EUR", b"-7", b"7"],
        [b"GBP", b"0", b"0"],
    ]


def test_sweep_deletes_old_marks_of_words_and_never_those_of_money(near_town: Ledger):
    words, money = b.message("1", "@alice", "@bob"), b.payment("2", "@alice", "@bob", 1)
    frozen = b.freeze("3", "@bob")
    at = near_town.apply([words, money, frozen])[0]
    marks = [words.mark, money.mark, frozen.mark, keys_of("@nobody").marks + b"1"]
    assert near_town.sweep(marks, at) == 0
    before = near_town.contents()
    assert near_town.sweep(marks, at + 1) == 2
    assert set(before) - set(near_town.contents()) == {words.mark, frozen.mark}
    assert one(near_town, money)[0] == DUPLICATE


@pytest.mark.parametrize("amount", [MAX, MAX - 1, 2**52, 2**31, 1])
def test_amounts_are_exact_to_the_limit(town: Ledger, amount: int):
    town.apply([b.deposit("1", "@alice", amount, "EUR")])
    assert one(town, b.payment("2", "@alice", "@bob", amount, "EUR"))[3:] == [0, 0, 3, amount, 0, 1]
    assert town.books("EUR") == [[b"EUR", b"%d" % -amount, b"%d" % amount]]
    rest = [Status.BALANCE_OVERFLOW] if amount == MAX else [OK]
    assert one(town, b.deposit("3", "@bob", MAX - amount or 1, "EUR"))[:1] == rest
