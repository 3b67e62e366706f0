"""What entries about other entries do to the lines of the model."""

import itertools
from datetime import UTC, datetime

import pytest

from client_demo import events, render
from client_demo.lines import Delivery
from client_demo.model import Model
from client_demo.picture import Scene
from client_demo.standing import Standing

from .frames import ack, message, payment, settled

USD = {"USD": {"available": 10_000, "held": 0}}


@pytest.fixture
def model():
    model = Model("@alice")
    model.apply(events.Connected("@alice", ("@alice", "#general"), USD, 1, resumed=False))
    return model


def came(model, *entries):
    for entry in entries:
        model.apply(events.EntryCame(entry))


def about(model, sender, kind, seq, ref=("@bob", "b1"), **fields):
    """An entry that speaks of a line in the conversation with bob."""
    to = "@alice" if sender != "@alice" else "@bob"
    entry = {"type": kind, "id": f"{kind}{seq}", "from": sender, "to": to, **fields}
    entry["ref"] = {"from": ref[0], "id": ref[1]}
    came(model, entry | {"box": "@alice", "seq": seq, "at": seq * 1000})


def only(model, name="@bob"):
    (line,) = model.conversation(name).lines
    return line


def test_what_is_said_of_a_line_comes_in_any_order():
    said = [
        lambda m: came(m, message(1, id="b1", text="frist")),
        lambda m: about(m, "@bob", "edit", 2, text="first"),
        lambda m: about(m, "@bob", "edit", 3, text="first!"),
        lambda m: about(m, "@alice", "react", 4, emoji="❤"),
        lambda m: about(m, "@alice", "pin", 5),
    ]
    for order in itertools.permutations(said):
        model = Model("@alice")
        for say in order:
            say(model)
        line = only(model)
        assert line.words == "first!"
        assert line.view.earlier == ("frist", "first")
        assert line.view.reactions == {"❤": ("@alice",)}
        assert line.view.pinned


def test_others_cannot_edit_or_delete_what_somebody_said(model):
    came(model, message(1, id="b1"))
    about(model, "@alice", "edit", 2, text="not so")
    about(model, "@alice", "delete", 3)
    assert (only(model).words, only(model).gone) == ("text 1", "")
    about(model, "@bob", "delete", 4)
    assert (only(model).words, only(model).gone) == ("", "deleted")
    assert "(deleted)" in render.plain(only(model), "@alice")


def test_an_edit_of_ours_shows_when_it_is_stored(model):
    frame = {"type": "message", "id": "a1", "to": "@bob", "text": "old"}
    model.apply(events.Posted(frame))
    model.apply(events.Stored(frame, ack("a1", 1)))
    edit = {"type": "edit", "id": "e", "to": "@bob", "text": "new"}
    edit["ref"] = {"from": "@alice", "id": "a1"}
    model.apply(events.Posted(edit))
    assert only(model).words == "old"
    model.apply(events.Stored(edit, ack("e", 2)))
    assert only(model).words == "new"


def test_what_we_send_on_shows_the_words_at_once(model):
    came(model, message(1, id="b1", text="the news"))
    frame = {"type": "forward", "id": "f", "to": "@carol", "box": "@alice", "seq": 1}
    frame["ref"] = {"from": "@bob", "id": "b1"}
    model.apply(events.Posted(frame))
    assert only(model, "@carol").words == "the news"
    model.apply(events.Stored(frame, ack("f", 2)))
    assert only(model, "@carol").words == "the news"
    assert "from @bob: the news" in render.plain(only(model, "@carol"), "@alice")


def test_later_entries_of_a_page_change_what_stands_on_it(model):
    later = {"type": "delete", "id": "d", "from": "@bob", "to": "@alice"}
    later |= {"ref": {"from": "@bob", "id": "b1"}, "box": "@alice", "seq": 900, "at": 1}
    model.apply(events.Page("@alice", (message(1, id="b1"),), True, None, (later,)))
    assert only(model).gone == "deleted"


def test_a_page_that_is_not_next_to_what_we_have_is_not_put_on_the_shelf(model):
    model.apply(events.Page("@alice", (message(50),), more=True))
    model.apply(events.Page("@alice", (message(3),), more=False, before=4))
    assert [line.seq for line in model.conversation("@bob").lines] == [50]
    assert (model.shelves["@alice"].oldest, model.shelves["@alice"].more) == (50, True)


def test_words_disappear_in_time(model):
    came(model, message(1, id="b1") | {"expires_s": 60})
    assert not model.tick(60_999)
    assert only(model).words == "text 1"
    assert model.tick(61_000)
    assert (only(model).words, only(model).gone) == ("", "expired")
    assert not model.tick(62_000), "said once"


def test_a_restored_box_forgets_what_was_said_of_its_lines(model):
    came(model, message(1, id="b1"))
    about(model, "@bob", "delete", 2)
    model.apply(events.Connected("@alice", ("@alice",), USD, 2, True, reset=("@alice",)))
    came(model, message(1, id="b1"))
    assert only(model).gone == ""


def test_delivered_is_less_than_read_and_never_undoes_it(model):
    frame = {"type": "message", "id": "a1", "to": "@bob", "text": "hi"}
    model.apply(events.Posted(frame))
    model.apply(events.Stored(frame, ack("a1", 1)))
    for kind, state in (
        ("delivered", Delivery.DELIVERED),
        ("read", Delivery.READ),
        ("delivered", Delivery.READ),
    ):
        mark = {"type": kind, "id": kind, "from": "@bob", "to": "@alice", "up_to": "a1"}
        came(model, mark | {"box": "@alice", "seq": 5, "at": 1})
        assert only(model).delivery is state


def test_who_has_read_in_a_room_is_told_by_notices(model):
    frame = {"type": "message", "id": "a1", "to": "#general", "text": "hi"}
    model.apply(events.Posted(frame))
    model.apply(events.Stored(frame, ack("a1", 7, "#general")))
    read = {"type": "read", "id": "r", "from": "@bob", "to": "#general", "up_to": "a1"}
    model.apply(events.Noticed(read))
    assert only(model, "#general").delivery is Delivery.READ
    assert model.conversation("#general").readers == {"@bob": 7}


def test_money_that_waits_is_neither_on_its_way_nor_there(model):
    came(model, payment(1, 500, sender="@alice", to="@bob", id="p", state="waiting"))
    assert only(model).fate is Delivery.WAITING
    assert "waits until @bob accepts you" in render.plain(only(model), "@alice")
    came(model, settled(2, "p"))
    assert only(model).fate is Delivery.STORED


def test_a_line_tells_until_when_money_waits(model):
    limits = {"offer_days": 30}
    model.apply(events.Connected("@alice", ("@alice",), {}, 1, resumed=False, limits=limits))
    came(model, payment(1, 500, sender="@alice", to="@bob", id="p", state="waiting"))
    came(model, payment(2, 500, sender="@bob", to="@alice", id="q", state="waiting"))
    mine, theirs = model.conversation("@bob").lines
    until = datetime.fromtimestamp(mine.at / 1000 + 30 * 86_400, UTC).strftime("%Y-%m-%d %H:%M")
    assert render.note(mine, "@alice", UTC).plain == (
        f"waits until @bob accepts you; else it comes back {until}"
    )
    until = datetime.fromtimestamp(theirs.at / 1000 + 30 * 86_400, UTC).strftime("%Y-%m-%d %H:%M")
    assert render.note(theirs, "@alice", UTC).plain == (
        f"waits: /accept or /decline @bob; else it goes back {until}"
    )


def test_an_ack_tells_that_money_waits(model):
    frame = {"type": "payment", "id": "p", "to": "@bob", "amount": 500, "currency": "USD"}
    model.apply(events.Posted(frame))
    model.apply(events.Stored(frame, ack("p", 1, state="waiting")))
    assert only(model).fate is Delivery.WAITING


def listed(model, **fields):
    answer = {"type": "conversations", "conversations": [fields], "more": False}
    model.apply(events.Answered({"id": "q"}, answer))


def test_the_list_of_the_hub_counts_what_was_not_loaded(model):
    last = message(90, id="b90")
    listed(model, who="@bob", state="accepted", unread=40, read_up_to=12, last=last)
    bob = model.conversation("@bob")
    assert bob.unread("@alice") == 40
    came(model, last, message(91, id="b91"))
    assert bob.unread("@alice") == 41
    model.apply(events.Posted({"type": "read", "id": "r", "to": "@bob", "up_to": "b91"}))
    assert bob.unread("@alice") == 0


def test_what_the_list_says_was_read_is_read(model):
    came(model, message(1), message(2))
    listed(model, who="@bob", state="accepted", read_up_to=2, last=message(2))
    assert model.conversation("@bob").unread("@alice") == 0


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("accept", "accepted"),
        ("decline", "declined"),
        ("block", "blocked"),
        ("unblock", "accepted"),
    ],
)
def test_decisions_show_here_and_on_the_other_devices(model, kind, state):
    listed(model, who="@bob", state="request", waiting={"USD": 500})
    frame = {"type": kind, "id": "x", "who": "@bob"}
    model.apply(events.Stored(frame, ack("x", 5)))
    assert model.standing("@bob") == Standing(state)
    other = Model("@alice")
    came(other, frame | {"from": "@alice", "box": "@alice", "seq": 5, "at": 1})
    assert other.standing("@bob") == Standing(state)


def test_how_a_conversation_is_to_be_seen(model):
    frame = {"type": "arrange", "id": "x", "who": "@bob", "muted": True, "pinned": True}
    model.apply(events.Stored(frame, ack("x", 5)))
    entry = {"type": "arrange", "id": "y", "from": "@alice", "who": "@bob", "pinned": False}
    came(model, entry | {"box": "@alice", "seq": 6, "at": 1})
    assert model.standing("@bob") == Standing(muted=True)


@pytest.mark.parametrize("kind", ["kick", "ban"])
def test_who_is_put_out_of_a_room_is_not_in_it(model, kind):
    came(model, message(1, to="#general"))
    entry = {"type": kind, "id": "k", "from": "@bob", "who": "@carol", "room": "#general"}
    entry |= {"box": "#general", "at": 1}
    came(model, entry | {"seq": 2})
    assert "#general" in model.conversations
    model.apply(events.EntryCame(entry | {"seq": 3, "who": "@alice", "remove": True}))
    assert "#general" in model.conversations, "that a ban ended says nothing"
    model.apply(events.EntryCame(entry | {"seq": 4, "who": "@alice"}, late=True))
    assert "#general" in model.conversations, "nor do old entries"
    came(model, entry | {"seq": 5, "who": "@alice"})
    assert "#general" not in model.conversations


def test_a_room_that_may_not_be_read_was_only_asked_for(model):
    frame = {"type": "join", "id": "j", "room": "#tea"}
    model.apply(events.Stored(frame, ack("j", 4, "#tea")))
    question = {"type": "history", "id": "h", "box": "#tea"}
    model.apply(events.Refused(question, "unavailable", "later"))
    assert "#tea" in model.conversations
    model.apply(events.Refused(question, "not_a_member", "no"))
    assert "#tea" not in model.conversations


def test_an_invitation_stands_with_who_invites(model):
    entry = {"type": "invite", "id": "i", "from": "@bob", "room": "#tea", "who": "@alice"}
    came(model, entry | {"box": "@alice", "seq": 3, "at": 1})
    assert render.plain(only(model), "@alice").endswith("@bob invited @alice to #tea")
    assert "#tea" not in model.conversations


def test_what_we_do_as_admins_is_a_line_of_the_room(model):
    frame = {"type": "kick", "id": "k", "room": "#general", "who": "@bob"}
    model.apply(events.Stored(frame, ack("k", 3, "#general")))
    assert render.plain(only(model, "#general"), "@alice").endswith("@alice put @bob out")


def test_a_link_is_no_line(model):
    frame = {"type": "invite", "id": "i", "room": "#general", "code": "abcdefghijklmnop"}
    model.apply(events.Stored(frame, ack("i", 3, "#general")))
    assert model.conversation("#general").lines == []


def test_presence_and_typing_are_only_for_now(model):
    scene = Scene()
    scene.answer("watch", online=["@bob"], away=["@carol"])
    scene.notice("presence", "@carol", to="@alice", state="offline")
    scene.notice("presence", "@dave", to="@alice", state="away")
    scene.notice("typing", "@bob", to="@alice")
    scene.notice("typing", "@erin", to="#general")
    for event in scene.events:
        model.apply(event)
    assert model.people.presence == {"@bob": "online", "@dave": "away"}
    assert model.people.typing("@bob") == ["@bob"]
    assert model.people.typing("#general") == ["@erin"]
    came(model, message(1))
    assert model.people.typing("@bob") == [], "what was typed is there"
    changes = [model.tick(0) for _ in range(10)]
    assert changes.count(True) == 1
    assert model.people.typing("#general") == []
    model.apply(events.Disconnected("cable", 1.0))
    assert model.people.presence == {}


def test_being_called_shows_until_it_is_read(model):
    came(model, message(1, to="#general", id="b1") | {"mentions": ["@alice"]})
    assert model.conversation("#general").is_called("@alice")
    model.apply(events.Posted({"type": "read", "id": "r", "to": "#general", "up_to": "b1"}))
    assert not model.conversation("#general").is_called("@alice")
