"""What goes to another partition: on its way, arrived, or back, in every order of arrival."""

from itertools import permutations

import pytest

from client_demo import events, render
from client_demo.conversation import Delivery
from client_demo.endings import reason, sentence
from client_demo.model import Model
from protocol.errors import Code

from .frames import ack, message, payment, returned, settled

FROZEN = "not delivered to @bob: the other account is frozen and cannot take part"
PAY = {"type": "payment", "id": "p", "to": "@bob", "amount": 500, "currency": "USD"}


@pytest.fixture
def model():
    model = Model("@alice")
    usd = {"USD": {"available": 10_000, "held": 0}}
    model.apply(events.Connected("@alice", ("@alice", "#tea"), usd, 1, resumed=False))
    return model


def came(model, *entries):
    for entry in entries:
        model.apply(events.EntryCame(entry))


def ours(seq=5, **more):
    """Our payment, as an entry of our box."""
    return payment(seq, 500, sender="@alice", to="@bob", id="p", state="accepted", **more)


def only(model, name="@bob"):
    (line,) = model.conversation(name).lines
    return line


def test_a_payment_is_on_its_way_until_it_settles(model):
    model.apply(events.Posted(PAY))
    assert only(model).fate is Delivery.SENDING
    balance = {"available": 9_500, "held": 0, "version": 2}
    model.apply(events.Stored(PAY, ack("p", 5, state="accepted") | {"balance": balance}))
    assert only(model).fate is Delivery.ACCEPTED
    assert render.plain(only(model), "@alice").endswith("→  on its way to @bob")
    assert model.waiting == 0
    came(model, settled(6, "p"))
    assert only(model).fate is Delivery.STORED
    assert model.wallet.available("USD") == 9_500


def test_money_that_comes_back_says_why_and_is_in_the_wallet(model):
    model.apply(events.Posted(PAY))
    spent = {"available": 9_500, "held": 0, "version": 2}
    model.apply(events.Stored(PAY, ack("p", 5, state="accepted") | {"balance": spent}))
    back = {"available": 10_000, "held": 0, "version": 3}
    came(model, returned(6, "p", 500) | {"balance": back})
    assert only(model).fate is Delivery.RETURNED
    assert only(model).returned == f"{FROZEN}; 5.00 USD is back"
    assert model.wallet.available("USD") == 10_000
    model.apply(events.Stored(PAY, ack("p", 5, state="accepted") | {"balance": spent}))
    assert model.wallet.available("USD") == 10_000, "an older balance is not believed"


def test_words_that_could_not_be_delivered(model):
    frame = {"type": "message", "id": "m", "to": "@bob", "text": "hi"}
    model.apply(events.Posted(frame))
    model.apply(events.Stored(frame, ack("m", 5)))
    assert only(model).fate is Delivery.STORED
    came(model, returned(6, "m", reason="unknown_account"))
    assert only(model).fate is Delivery.RETURNED
    assert render.note(only(model), "@alice").plain == (
        "not delivered to @bob: there is no such account"
    )


@pytest.mark.parametrize(
    ("ending", "fate"),
    [(settled(6, "p"), Delivery.STORED), (returned(6, "p", 500), Delivery.RETURNED)],
    ids=["settled", "returned"],
)
@pytest.mark.parametrize("order", permutations(["ack", "entry", "ending"]), ids="-".join)
def test_the_end_counts_in_every_order_of_arrival(model, order, ending, fate):
    steps = {
        "ack": events.Stored(PAY, ack("p", 5, state="accepted")),
        "entry": events.EntryCame(ours()),
        "ending": events.EntryCame(ending),
    }
    model.apply(events.Posted(PAY))
    for step in order:
        model.apply(steps[step])
    assert only(model).fate is fate
    assert only(model).seq == 5
    model.apply(events.Stored(PAY, ack("p", 5, state="accepted", replayed=True)))
    assert only(model).fate is fate, "the original ack says accepted for ever"


def test_a_resume_may_tell_that_it_is_on_its_way_before_the_ack_does(model):
    model.apply(events.Posted(PAY))
    model.apply(events.Unknown(PAY))
    came(model, ours())
    assert only(model).fate is Delivery.ACCEPTED


def test_a_page_may_hold_the_end_and_an_older_one_the_payment(model):
    model.apply(events.Page("@alice", (message(8), settled(9, "p")), more=True))
    assert [line.text for line in model.conversation("@bob").lines] == ["text 8"]
    model.apply(events.Page("@alice", (ours(),), more=False))
    assert model.conversation("@bob").lines[0].fate is Delivery.STORED


def test_an_ending_of_something_else_says_nothing(model):
    came(model, ours(), settled(6, "q"), returned(7, "q", 500), settled(8, "p", to="@carol"))
    assert only(model).fate is Delivery.ACCEPTED


@pytest.mark.parametrize("first", ["settled", "returned"])
def test_settled_and_returned_together_which_must_not_be_break_nothing(model, first):
    pair = [settled(6, "p"), returned(7, "p", 500)]
    came(model, ours(), *(pair if first == "settled" else reversed(pair)))
    assert only(model).fate is Delivery.RETURNED
    assert "5.00 USD is back" in only(model).returned


def test_that_it_was_read_settles_no_money(model):
    read = {"type": "read", "id": "r", "from": "@bob", "to": "@alice", "up_to": "p"}
    came(model, ours(), read | {"box": "@alice", "seq": 6, "at": 1})
    assert only(model).fate is Delivery.ACCEPTED
    came(model, settled(7, "p"))
    assert only(model).fate is Delivery.READ


def test_the_room_that_shows_a_payment_is_right_about_it(model):
    came(model, ours(room="#tea"), ours(seq=1, room="#tea", box="#tea"))
    assert only(model, "#tea").fate is Delivery.ACCEPTED
    came(model, settled(6, "p"))
    assert only(model).fate is only(model, "#tea").fate is Delivery.STORED


def test_the_payee_sees_in_the_room_that_it_is_paid(model):
    shown = payment(1, 500, id="b", state="accepted", room="#tea", box="#tea")
    came(model, shown)
    assert "pays" in render.body(only(model, "#tea"), "@alice").plain
    assert not render.note(only(model, "#tea"), "@alice"), "a room is not told how it ends"
    came(model, payment(7, 500, id="b", room="#tea"))
    assert "paid" in render.body(only(model, "#tea"), "@alice").plain


def test_a_room_that_refuses_to_show_a_payment_moves_no_money(model):
    frame = PAY | {"room": "#tea"}
    model.apply(events.Posted(frame))
    model.apply(events.Stored(frame, ack("p", 5, state="accepted")))
    came(model, returned(6, "p", to="#tea", reason="not_a_member"), settled(7, "p"))
    for name in ("@bob", "#tea"):
        line = only(model, name)
        assert line.fate is Delivery.STORED
        note = "not delivered to #tea: not a member of this room"
        assert render.note(line, "@alice").plain == note
    came(model, message(4, to="#tea"))
    assert [line.kind for line in model.conversation("#tea").lines] == ["payment", "message"]


def test_a_restored_box_forgets_how_things_ended(model):
    came(model, ours(), settled(6, "p"))
    usd = {"USD": {"available": 10_000, "held": 0}}
    model.apply(events.Connected("@alice", ("@alice",), usd, 2, True, reset=("@alice",)))
    came(model, ours())
    assert only(model).fate is Delivery.ACCEPTED


def test_every_reason_has_words_and_one_of_a_later_hub_is_shown_as_it_is():
    assert all(reason(code.value) != code.value for code in Code)
    assert sentence(returned(1, "p", 500, reason="moon_phase")) == (
        "not delivered to @bob: moon_phase; 5.00 USD is back"
    )
    assert sentence(returned(1, "p", 500, suspended=True)) == (
        f"{FROZEN}; 5.00 USD cannot come back, the operator keeps it for you"
    )
