"""The conversations as events tell them."""

import pytest

from client_demo import events
from client_demo.conversation import Delivery
from client_demo.model import Connection, Model
from client_demo.wallet import show

from .frames import ack, message, payment

USD = {"USD": {"available": 10_000, "held": 0}}


@pytest.fixture
def model():
    model = Model("@alice")
    model.apply(events.Connected("@alice", ("@alice", "#general"), USD, 1, resumed=False))
    return model


def came(model, *entries):
    for entry in entries:
        model.apply(events.EntryCame(entry))


def texts(model, name):
    return [line.text for line in model.conversation(name).lines]


def say(model, id="a1", to="@bob", text="hi"):
    frame = {"type": "message", "id": id, "to": to, "text": text}
    model.apply(events.Posted(frame))
    return frame


def pay(model, id="p1", amount=500, **more):
    frame = {"type": "payment", "id": id, "to": "@bob", "amount": amount, "currency": "USD"} | more
    model.apply(events.Posted(frame))
    return frame


def only(model, name="@bob"):
    (line,) = model.conversation(name).lines
    return line


def test_entries_go_to_the_conversation_with_the_other_side(model):
    came(model, message(1), message(2, sender="@alice", to="@bob"), message(1, to="#general"))
    assert texts(model, "@bob") == ["text 1", "text 2"]
    assert texts(model, "#general") == ["text 1"]


def test_lines_stand_in_the_order_of_the_box_however_they_come(model):
    came(model, message(3), message(1), message(2))
    assert texts(model, "@bob") == ["text 1", "text 2", "text 3"]


def test_an_entry_stands_once(model):
    came(model, message(1), message(1))
    assert len(model.conversation("@bob").lines) == 1


def test_a_line_of_ours_from_sending_to_stored(model):
    frame = say(model)
    assert only(model).delivery is Delivery.SENDING
    assert model.waiting == 1
    model.apply(events.Stored(frame, ack("a1", 5)))
    assert (only(model).delivery, only(model).seq, only(model).at) == (Delivery.STORED, 5, 5000)
    assert model.waiting == 0


def test_what_waits_stands_below_what_is_stored(model):
    frame = say(model, text="first said, last stored")
    came(model, message(1))
    assert texts(model, "@bob") == ["text 1", "first said, last stored"]
    model.apply(events.Stored(frame, ack("a1", 2)))
    came(model, message(3))
    assert texts(model, "@bob") == ["text 1", "first said, last stored", "text 3"]


def test_unknown_is_not_failed_and_becomes_stored(model):
    frame = pay(model)
    model.apply(events.Unknown(frame))
    assert only(model).delivery is Delivery.UNKNOWN
    came(model, payment(4, 500, sender="@alice", to="@bob", id="p1"))
    assert only(model).delivery is Delivery.STORED, "the resume showed it before the ack did"
    model.apply(events.Unknown(frame))
    assert only(model).delivery is Delivery.STORED


def test_a_busy_hub_leaves_a_line_sending_and_an_unknown_outcome_does_not(model):
    frame = say(model)
    model.apply(events.Again(frame, "busy", 1.0, unknown=False))
    assert only(model).delivery is Delivery.SENDING
    model.apply(events.Again(frame, "outcome_unknown", 1.0, unknown=True))
    assert only(model).delivery is Delivery.UNKNOWN


def test_a_refusal_says_why(model):
    frame = pay(model)
    model.apply(events.Refused(frame, "insufficient_funds", "there is not enough money"))
    assert only(model).delivery is Delivery.REFUSED
    assert only(model).reason == "there is not enough money"
    assert model.waiting == 0


def test_a_payment_in_a_room_is_shown_in_both_conversations(model):
    frame = pay(model, room="#general")
    assert only(model, "@bob").id == only(model, "#general").id == "p1"
    model.apply(events.Stored(frame, ack("p1", 5)))
    assert (only(model, "@bob").seq, only(model, "#general").seq) == (5, None)
    came(model, payment(5, 500, sender="@alice", to="@bob", id="p1") | {"box": "#general"})
    assert only(model, "#general").seq == 5
    assert only(model, "#general").delivery is Delivery.STORED


def test_a_refused_line_stays_where_it_was_refused(model):
    came(model, message(3))
    frame = say(model, text="refused")
    model.apply(events.Refused(frame, "party_frozen", "frozen"))
    came(model, message(4), message(2))
    say(model, id="a2", text="waits")
    assert texts(model, "@bob") == ["text 2", "text 3", "refused", "text 4", "waits"]


def test_only_a_conversation_with_nothing_in_it_can_be_closed(model):
    frame = say(model)
    assert not model.close("@bob"), "the line still waits"
    model.apply(events.Refused(frame, "unknown_account", "unknown"))
    assert model.close("@bob")
    assert "@bob" not in model.conversations
    assert not model.close("@bob")
    came(model, message(1))
    assert not model.close("@bob")


def test_unread_counts_what_others_said_after_the_last_read_mark(model):
    came(model, message(1, id="b1"), message(2, id="b2"), payment(3, 100, id="b3"))
    bob = model.conversation("@bob")
    assert bob.unread("@alice") == 3
    model.apply(events.Posted({"type": "read", "id": "r", "to": "@bob", "up_to": "b2"}))
    assert bob.unread("@alice") == 1
    assert bob.last_unread("@alice").id == "b3"


def test_reading_on_another_device_counts(model):
    came(model, message(1, id="b1"), message(2, id="b2"))
    read = {"type": "read", "id": "r", "from": "@alice", "to": "@bob", "up_to": "b2"}
    came(model, read | {"box": "@alice", "seq": 3, "at": 1})
    assert model.conversation("@bob").unread("@alice") == 0


def test_a_read_mark_that_comes_before_its_line_counts_when_the_line_comes(model):
    read = {"type": "read", "id": "r", "from": "@alice", "to": "@bob", "up_to": "b2"}
    came(model, read | {"box": "@alice", "seq": 9, "at": 1}, message(3, id="b3"))
    assert model.conversation("@bob").unread("@alice") == 1
    page = (message(1, id="b1"), message(2, id="b2"))
    model.apply(events.Page("@alice", page, more=False))
    assert model.conversation("@bob").unread("@alice") == 1


def test_an_older_mark_never_undoes_a_newer_one(model):
    came(model, message(1, id="b1"), message(2, id="b2"))
    for id in ("b2", "b1"):
        model.apply(events.Posted({"type": "read", "id": "r", "to": "@bob", "up_to": id}))
    assert model.conversation("@bob").unread("@alice") == 0


def test_the_other_one_reading_marks_our_lines(model):
    for number in (1, 2):
        frame = say(model, id=f"a{number}")
        model.apply(events.Stored(frame, ack(f"a{number}", number)))
    read = {"type": "read", "id": "r", "from": "@bob", "to": "@alice", "up_to": "a1"}
    came(model, read | {"box": "@alice", "seq": 3, "at": 1})
    states = [line.delivery for line in model.conversation("@bob").lines]
    assert states == [Delivery.READ, Delivery.STORED]


def test_a_room_that_is_missing_from_a_welcome_is_told_until_it_is_back(model):
    model.apply(events.Connected("@alice", ("@alice",), USD, 1, resumed=True))
    assert model.missing == {"#general"}
    model.apply(events.Connected("@alice", ("@alice", "#general"), USD, 1, resumed=True))
    assert model.missing == set()


def test_an_older_balance_never_overwrites_a_newer_one(model):
    frame = pay(model)
    balance = {"available": 9_500, "held": 0, "version": 7}
    model.apply(events.Stored(frame, ack("p1", 1) | {"balance": balance}))
    assert model.wallet.available("USD") == 9_500
    model.apply(events.BalanceCame({"USD": {"available": 10_000, "held": 0}}, 6))
    assert model.wallet.available("USD") == 9_500
    model.apply(events.BalanceCame({"USD": {"available": 9_700, "held": 200}}, 8))
    assert model.wallet.lines(show) == ["97.00 USD (2.00 USD held)"]


def test_a_payment_that_came_brings_the_balance(model):
    balance = {"available": 10_500, "held": 0, "version": 2}
    came(model, payment(1, 500) | {"balance": balance})
    assert model.wallet.available("USD") == 10_500


def test_a_page_remembers_how_far_back_we_are(model):
    model.apply(events.Page("@alice", (message(8), message(9)), more=True))
    assert (model.shelves["@alice"].oldest, model.shelves["@alice"].more) == (8, True)
    model.apply(events.Page("@alice", (message(7),), more=False, before=8))
    assert (model.shelves["@alice"].oldest, model.shelves["@alice"].more) == (7, False)
    assert texts(model, "@bob") == ["text 7", "text 8", "text 9"]


def test_a_restored_box_is_forgotten_but_not_what_waits(model):
    came(model, message(1), message(1, to="#general"))
    say(model, text="waits")
    model.apply(events.Connected("@alice", ("@alice", "#general"), USD, 2, True, reset=("@alice",)))
    assert texts(model, "@bob") == ["waits"]
    assert texts(model, "#general") == ["text 1"]
    assert model.shelves["@alice"].oldest is None


def test_rooms_come_and_go(model):
    model.apply(events.Stored({"type": "join", "id": "j", "room": "#tea"}, ack("j", 4, "#tea")))
    assert "#tea" in model.conversations
    model.apply(events.Stored({"type": "leave", "id": "l", "room": "#tea"}, ack("l", 5, "#tea")))
    assert "#tea" not in model.conversations


def test_a_room_left_on_another_device_is_gone_after_the_reconnect(model):
    came(model, message(1, to="#general"))
    model.apply(events.Connected("@alice", ("@alice",), USD, 1, resumed=True))
    assert "#general" not in model.conversations


def test_a_leave_from_another_device_closes_the_room(model):
    leave = {"type": "leave", "id": "l", "from": "@alice", "room": "#general"}
    came(model, leave | {"box": "#general", "seq": 2, "at": 1})
    assert "#general" not in model.conversations


def test_an_old_leave_says_nothing_about_now(model):
    leave = {"type": "leave", "id": "l", "from": "@alice", "room": "#general"}
    old = leave | {"box": "#general", "seq": 2, "at": 1}
    model.apply(events.Page("#general", (old,), more=False))
    model.apply(events.EntryCame(old, late=True))
    assert "#general" in model.conversations
    assert [line.kind for line in model.conversation("#general").lines] == ["leave"]


def test_a_logout_is_done_when_its_answer_came_or_the_token_is_not_valid(model):
    other = Model("@alice")
    other.apply(events.Stopped("token_invalid", "no"))
    assert not other.logged_out
    for each in (model, other):
        each.apply(events.Posted({"type": "logout", "id": "o"}))
        assert not each.logged_out
    model.apply(events.Stored({"type": "logout", "id": "o"}, {"type": "ack", "id": "o", "at": 1}))
    other.apply(events.Stopped("token_invalid", "no"))
    assert model.logged_out
    assert other.logged_out


def test_the_connection_is_told(model):
    assert model.connection is Connection.CONNECTED
    model.apply(events.Disconnected("cable", 1.0))
    assert (model.connection, model.trouble) == (Connection.RECONNECTING, "cable")
    model.apply(events.Stopped("4500", "logged out"))
    assert (model.connection, model.stop_code) == (Connection.STOPPED, "4500")
