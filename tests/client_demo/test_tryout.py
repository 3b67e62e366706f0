"""What people who know other messengers try first, and what they must not lose by it."""

import stat
from datetime import UTC, datetime, timedelta

import pytest

from client_demo import doubts, events, facts, headings, listing, news, render
from client_demo.commands import CommandError, Context, parse
from client_demo.commands.arguments import last_moment, moment
from client_demo.commands.synonyms import OTHER_NAMES, is_other_name
from client_demo.commands.table import BY_NAME
from client_demo.exporting import _write
from client_demo.lines import Line
from client_demo.model import Model
from client_demo.picture import NOON, Scene
from client_demo.signin import _device

from .frames import message, payment

OWN = Line.of(message(4, sender="@alice", to="@alice", id="own", text="buy tea"), 1)


def frame_of(line, here, *lines):
    return parse(line, Context(here, "USD", "@alice", lambda _: lines)).frame


# --- what is typed ----------------------------------------------------------------------------


def test_the_day_of_until_counts():
    day = moment("2026-11-22")
    assert last_moment("2026-11-22") == moment("2026-11-23") - 1
    assert last_moment("2026-11-22T14:30") == moment("2026-11-22T14:30")
    assert frame_of("/search tea until:2026-11-22", None)["until"] > day
    with pytest.raises(CommandError, match="is not a day"):
        last_moment("9999-12-31x")


def test_history_needs_no_line_of_others():
    assert frame_of("/history", "@bob") == {"type": "history", "box": "@alice"}
    at = frame_of("/history 2026-11-22", "#tea")
    assert at == {"type": "history", "box": "#tea", "at": moment("2026-11-22")}
    assert frame_of("/history ^900", "#tea")["before"] == 900, "a line that is not loaded"


@pytest.mark.parametrize("line", ["/react tada", "/pin", "/reply yes", "/thread more"])
def test_among_notes_the_newest_of_ones_own_is_meant(line):
    frame = frame_of(line, "@alice", OWN)
    assert {"from": "@alice", "id": "own"} in (frame.get("ref"), frame.get("thread"))


def test_edit_alone_sends_nothing():
    command = parse("/edit", Context("@alice", "USD", "@alice", lambda _: [OWN]))
    assert command.frame is None
    assert command.values["line"] is OWN


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("dm", "open"),
        ("exit", "quit"),
        ("unpin", "pin"),
        ("send", "pay"),
        ("Pay", "pay"),
        ("sessions", "devices"),
        ("recat", "react"),
        ("serach", "search"),
    ],
)
def test_who_writes_a_command_of_another_program_hears_of_ours(word, name):
    with pytest.raises(CommandError) as caught:
        frame_of(f"/{word} x", "@bob")
    assert f"perhaps {BY_NAME[name].usage}" in str(caught.value)


def test_other_names_are_of_commands_and_of_one_each():
    words = [word for words in OTHER_NAMES.values() for word in words.split()]
    assert set(OTHER_NAMES) <= set(BY_NAME)
    assert len(words) == len(set(words))
    assert not set(words) & set(BY_NAME)
    assert is_other_name("disap", "vanish")
    assert not is_other_name("", "vanish")


def test_mute_tells_of_quiet():
    with pytest.raises(CommandError, match="/quiet"):
        frame_of("/mute", "@bob")


def test_a_name_behind_the_amount_is_no_note():
    with pytest.raises(CommandError, match=r"to pay @carol, write: /pay @carol 5\.00"):
        frame_of("/pay 5.00 @carol", "@bob")
    assert frame_of("/pay 5.00 for @carol", "@bob")["text"] == "for @carol"


def test_money_and_what_disappears_cannot_be_sent_on():
    paid = Line.of(payment(3, 500), 1)
    brief = Line.of(message(4) | {"expires_s": 60}, 2)
    for line, what in ((paid, "money"), (brief, "what disappears")):
        with pytest.raises(CommandError, match=f"{what} cannot be sent on"):
            frame_of("/forward @carol", "@bob", line)


# --- what cannot be undone --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/revoke", "all your devices but this one"),
        ("/leave", "Leave #tea"),
        ("/role @bob owner", "Give #tea to @bob"),
        ("/delete", "^4 buy tea"),
    ],
)
def test_what_nothing_undoes_is_asked_first(line, words):
    command = parse(line, Context("#tea", "USD", "@alice", lambda _: [OWN]))
    asked = doubts.doubt(command)
    assert asked is not None
    assert words in asked.text


@pytest.mark.parametrize(
    "line", ["/revoke 0123456789abcdef", "/role @bob admin", "/delete me", "/pin", "/kick @bob"]
)
def test_what_can_be_undone_is_done_at_once(line):
    command = parse(line, Context("#tea", "USD", "@alice", lambda _: [OWN]))
    assert doubts.doubt(command) is None


# --- what is told -----------------------------------------------------------------------------


def model(**states):
    known = Model("@alice")
    for name, state in states.items():
        known.standing(f"@{name}").state = state
    return known


def test_money_is_told_wherever_one_looks():
    paid, offered = payment(1, 500, text="half"), payment(2, 500, state="waiting")
    known = model(bob="accepted")
    assert news.news(paid, known, "#tea") == "@bob paid you 5.00 USD: half"
    assert "/accept @bob or /decline @bob" in news.news(offered, known, None)
    assert news.news(paid, known, "@bob") == "", "it is in view"
    known.standing("@bob").muted = True
    assert news.news(paid, known, None) == ""


def test_calls_and_strangers_are_told_and_plain_words_are_not():
    known = model(bob="accepted")
    called = message(1, to="#tea", text="look") | {"mentions": ["@alice"]}
    assert news.news(called, known, None) == "@bob in #tea: look"
    assert news.news(message(2), known, None) == ""
    assert news.news(message(3, sender="@eve"), known, None).startswith("@eve wants to talk")
    known.standing("@eve").state = "request"
    assert news.news(message(4, sender="@eve"), known, None) == "", "once is enough"
    assert news.news(message(5, sender="@alice", to="@bob"), known, None) == ""


def test_a_name_that_nobody_has_is_said_to_be_so():
    known = model()
    known.conversation("@nobody")
    assert headings.hint(known, "@nobody") == ""
    known.people.described(["@nobody"], [])
    assert "This hub knows no @nobody" in headings.hint(known, "@nobody")
    known.people.described(["@nobody"], [{"who": "@nobody"}])
    assert headings.hint(known, "@nobody") == ""


def test_a_list_of_conversations_shows_what_was_said_last():
    last = message(7, text="see you\nthere " + "x" * 100) | {"at": NOON}
    answer = {"type": "conversations"}
    answer["conversations"] = [{"who": "@bob", "state": "accepted", "last": last}]
    (item,) = listing.items(answer, "@alice", UTC)
    _, second = item.text.plain.split("\n")
    assert second.startswith("  2026-11-22 12:00  @bob  see you there x")
    assert len(second) <= 74


def test_a_page_of_history_holds_only_the_conversation_that_was_asked_for():
    entries = [message(1, id="b"), message(2, sender="@carol", id="c")]
    answer = {"type": "history", "box": "@alice", "entries": entries}
    assert len(listing.items(answer, "@alice", UTC)) == 2
    (item,) = listing.items(answer, "@alice", UTC, "@carol")
    assert (item.opens, item.seq) == ("@carol", 2)


def test_the_facts_of_a_line():
    scene = Scene()
    said = scene.entry("@alice", to="#general", text="At the usaul place")
    scene.about("@alice", "edit", said, text="At the usual place")
    scene.about("@bob", "react", said, emoji="❤")
    known = Model("@alice")
    known.conversation("#general")
    for event in scene.events:
        known.apply(event)
    conversation = known.conversation("#general")
    conversation.mark_by("@bob", said["id"], render.Delivery.READ)
    (line,) = conversation.lines
    shown = [item.text.plain for item in facts.facts(line, conversation, "@alice", UTC)]
    assert "before     At the usaul place" in shown
    assert "❤          @bob" in shown
    assert "read by    @bob" in shown
    assert "number     ^1" in shown


def test_the_day_on_which_words_disappear_is_shown_if_it_is_another():
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for span, shown in ((timedelta(hours=1), "13:00"), (timedelta(days=7), "2026-11-29 12:00")):
        entry = message(1) | {"at": int(noon.timestamp() * 1000)}
        line = Line.of(entry | {"expires_s": int(span.total_seconds())}, 1)
        assert render.below(line, UTC).plain == f"disappears {shown}"


# --- what others must not see -----------------------------------------------------------------


def test_an_export_is_for_its_owner_only(tmp_path):
    (tmp_path / "teller-alice.json").write_text("old, and open to all")
    for path in _write(tmp_path, {"entries": {}}, "@alice"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_device_says_on_which_machine_it_is(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "kitchen")
    assert _device() == "teller chat on kitchen"
    monkeypatch.setattr("socket.gethostname", lambda: "x" * 200)
    assert len(_device()) == 64


# --- what became of things --------------------------------------------------------------------


def test_a_line_sent_on_stands_where_it_was_sent_and_not_where_it_came_from():
    known = Model("@alice")
    known.apply(events.EntryCame(message(7, text="first")))
    frame = {"type": "forward", "id": "f", "to": "@bob", "box": "#tea", "seq": 3}
    frame["ref"] = {"from": "@carol", "id": "c"}
    known.apply(events.Posted(frame))
    texts = [line.kind for line in known.conversation("@bob").lines]
    assert texts == ["message", "forward"]
    assert known.conversation("@bob").lines[-1].delivery is render.Delivery.SENDING
    known.apply(events.Stored(frame, {"id": "f", "at": 9, "box": "@alice", "seq": 8}))
    assert known.conversation("@bob").lines[-1].seq == 8


def test_a_room_has_its_new_topic_in_its_heading():
    known, scene = Model("@alice"), Scene()
    scene.entry("@bob", "topic", room="#tea", title="Tea", topic="only")
    known.apply(scene.events[0])
    assert "#tea" not in known.people.profiles, "it is asked for in whole, when it is opened"
    known.people.described(["#tea"], [{"who": "#tea", "members": 3}])
    known.apply(scene.events[0])
    assert headings.title(known, "#tea", UTC).plain == "#tea  Tea  only"
    frame = {"type": "topic", "id": "t", "room": "#tea", "topic": "and cake"}
    known.apply(events.Posted(frame))
    known.apply(events.Stored(frame, {"id": "t", "at": NOON, "box": "#tea", "seq": 2}))
    assert headings.title(known, "#tea", UTC).plain == "#tea  Tea  and cake"


def test_who_must_wait_is_told_until_when():
    known = Model("@alice")
    frame = {"type": "message", "id": "m", "to": "#tea", "text": "again"}
    known.apply(events.Posted(frame))
    known.apply(events.Refused(frame, "too_soon", "wait", {"until": NOON}))
    (line,) = known.conversation("#tea").lines
    assert render.note(line, "@alice", UTC).plain == "not done: wait, until 2026-11-22 12:00:00"


def test_what_stands_twice_is_told_once():
    place = {"id": "k", "type": "kick", "from": "@bob", "who": "@alice", "room": "#tea", "seq": 1}
    told = [news.news(place | {"box": box}, model(), None) for box in ("#tea", "@alice")]
    assert told == ["", "@bob put you out of #tea"]
    role = place | {"type": "role", "role": "reader", "box": "#tea"}
    assert news.news(role, model(), None) == "@bob made you a reader of #tea"


@pytest.mark.parametrize("line", ["/pin", "/info"])
def test_the_newest_line_of_anybody_is_meant(line):
    theirs = Line.of(message(3, text="theirs"), 1)
    command = parse(line, Context("@bob", "USD", "@alice", lambda _: [theirs, OWN]))
    assert command.values["line"] is OWN


def test_nobody_has_paid_before_the_hub_says_so():
    known = Model("@alice")
    frame = {"type": "payment", "id": "p", "to": "@bob", "amount": 500, "currency": "USD"}
    known.apply(events.Posted(frame))
    (line,) = known.conversation("@bob").lines
    assert render.body(line, "@alice").plain == "@alice pays 5.00 USD to @bob"
    known.apply(events.Unknown(frame))
    assert " pays " in render.body(line, "@alice").plain
    known.apply(events.Stored(frame, {"id": "p", "at": 9, "box": "@alice", "seq": 8}))
    assert " paid " in render.body(line, "@alice").plain
