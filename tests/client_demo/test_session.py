"""What survives a broken connection, and what is asked for again."""

import itertools

import pytest

from client_demo import events
from client_demo.session import PAUSE, PAUSE_MAX, Session
from protocol import frames

from .frames import (
    ack,
    as_hub_reads,
    error,
    from_hub,
    message,
    page,
    payment,
    returned,
    settled,
    welcome,
)

SAY = {"type": "message", "to": "@bob", "text": "hi"}


@pytest.fixture
def session():
    ids = (f"id{number}" for number in itertools.count(1))
    session = Session(new_id=lambda: next(ids))
    session.receive(welcome(me=3))
    return session


def test_the_first_hello_names_no_cursors():
    hello = Session().hello("secret")
    assert hello["token"] == "secret"
    assert "cursors" not in hello
    assert isinstance(as_hub_reads(hello), frames.Hello)


def test_a_later_hello_resumes(session):
    session.receive(message(4))
    assert as_hub_reads(session.hello("secret")).cursors == {"@alice": 4}


def test_welcome_tells_who_we_are(session):
    again = session.receive(welcome(me=3, general=8))
    assert again == [
        events.Connected(
            me="@alice",
            boxes=("@alice", "#general"),
            balances={"USD": {"available": 10_000, "held": 0}},
            version=1,
            resumed=True,
        )
    ]


def test_a_frame_stays_unanswered_until_its_ack(session):
    frame = session.post(SAY)
    assert isinstance(as_hub_reads(frame), frames.Message)
    assert session.unanswered == [frame]
    answer = ack(frame["id"], 4)
    assert session.receive(answer) == [events.Stored(frame, answer)]
    assert session.unanswered == []
    assert session.receive(answer) == [], "a second ack of the same frame says nothing new"


def test_an_ack_moves_the_cursor_for_the_entry_that_does_not_come(session):
    session.receive(ack(session.post(SAY)["id"], 4))
    assert session.receive(message(4, sender="@alice", to="@bob")) == []
    assert session.cursors.seen() == {"@alice": 4}


def test_what_was_on_the_wire_is_unknown_after_a_break_and_is_sent_again(session):
    on_wire, queued = session.post(SAY), session.post(SAY)
    session.sent(on_wire)
    assert session.lost() == [events.Unknown(on_wire)]
    assert session.unanswered == [on_wire, queued], "the same frames, with the same ids, in order"
    assert session.lost() == [], "said once"


def test_a_refused_frame_is_settled(session):
    frame = session.post(SAY)
    refusal = error(frame["id"], "unknown_account", "new_id")
    assert session.receive(refusal) == [
        events.Refused(frame, "unknown_account", "unknown_account", {})
    ]
    assert session.unanswered == []


@pytest.mark.parametrize("code", ["busy", "rate_limited", "unavailable", "internal"])
def test_same_id_means_again_after_a_growing_pause(session, code):
    frame = session.post(SAY)
    pauses = []
    for _ in range(8):
        session.sent(frame)
        assert not session.waits(frame["id"])
        (again,) = session.receive(error(frame["id"], code, "same_id"))
        assert again == events.Again(frame, code, again.pause, unknown=False)
        assert session.waits(frame["id"])
        pauses.append(again.pause)
    assert pauses[:3] == [PAUSE, PAUSE * 2, PAUSE * 4]
    assert max(pauses) == PAUSE_MAX
    assert session.unanswered == [frame]


def test_the_hub_may_name_the_pause(session):
    frame = session.post(SAY)
    (again,) = session.receive(error(frame["id"], "busy", "same_id", retry_after_ms=2500))
    assert again.pause == 2.5


def test_an_unknown_outcome_is_no_failure(session):
    frame = session.post(SAY)
    session.sent(frame)
    (again,) = session.receive(error(frame["id"], "outcome_unknown", "same_id"))
    assert again.unknown
    assert session.unanswered == [frame]


def test_an_error_about_nothing_of_ours_is_told(session):
    stray = from_hub(frames.Error(code="malformed", message="what?", retry="never"))
    assert session.receive(stray) == [events.Trouble("malformed", "what?")]


def test_entries_come_once(session):
    assert session.receive(message(4)) == [events.EntryCame(message(4))]
    assert session.receive(message(4)) == []


def test_a_gap_is_filled_by_history(session):
    assert session.receive(message(7)) == [events.EntryCame(message(7))]
    (fill,) = session.wanted()
    assert as_hub_reads(fill) == frames.History(id=fill["id"], box="@alice", before=7, limit=3)
    assert session.receive(message(8)) == [events.EntryCame(message(8))]
    assert session.wanted() == [], "one request at a time"
    news = session.receive(page(fill["id"], [message(5), message(6)], more=True))
    assert [event.entry["seq"] for event in news] == [5, 6]
    (fill,) = session.wanted()
    session.receive(page(fill["id"], [message(4)], more=True))
    assert session.wanted() == []
    assert session.cursors.seen() == {"@alice": 8}


def test_a_gap_that_the_hub_cannot_fill_is_given_up(session):
    session.receive(message(7))
    (fill,) = session.wanted()
    assert session.receive(page(fill["id"], [], more=False)) == []
    assert session.wanted() == []
    assert session.cursors.seen() == {"@alice": 7}


def test_a_page_that_was_asked_for_is_a_page(session):
    asked = session.post({"type": "history", "box": "@alice"})
    answer = page(asked["id"], [message(1)], more=True)
    page_came = events.Page("@alice", (message(1),), True)
    assert session.receive(answer) == [page_came, events.Answered(asked, answer)]


def test_money_that_came_in_asks_for_the_balance_once(session):
    session.receive(payment(4, 500))
    (ask,) = session.wanted()
    assert as_hub_reads(ask) == frames.Balance(id=ask["id"])
    session.receive(payment(5, 500))
    assert session.wanted() == []
    sheet = frames.BalanceSheet(id=ask["id"], balances={"USD": frames.Holding(1, 0)}, version=2)
    answer = session.receive(from_hub(sheet))
    assert answer == [events.BalanceCame({"USD": {"available": 1, "held": 0}}, 2)]
    assert len(session.wanted()) == 1, "money came after the question, so it is asked again"


def test_money_that_brings_the_balance_asks_for_nothing(session):
    balance = {"available": 500, "held": 0, "version": 2}
    session.receive(payment(4, 500) | {"balance": balance})
    assert session.wanted() == []


def test_money_that_came_back_asks_for_the_balance_unless_it_brings_it(session):
    balance = {"available": 500, "held": 0, "version": 2}
    session.receive(returned(4, "p", 500) | {"balance": balance})
    session.receive(returned(5, "m"))
    session.receive(settled(6, "q"))
    assert session.wanted() == []
    assert session.cursors.seen() == {"@alice": 6}
    session.receive(returned(7, "p2", 500))
    assert [each["type"] for each in session.wanted()] == ["balance"]


def test_a_room_that_a_welcome_lacked_is_resumed_when_it_is_back(session):
    session.receive(welcome(me=3, general=8))
    session.receive(message(9, to="#general"))
    session.receive(welcome(me=3))
    assert as_hub_reads(session.hello("secret")).cursors == {"@alice": 3, "#general": 9}
    session.receive(welcome(me=3, general=11))
    news = [session.receive(message(seq, to="#general")) for seq in (10, 11)]
    assert [events.entry["seq"] for (events,) in news] == [10, 11]
    assert session.wanted() == []


def test_joining_a_room_again_begins_there(session):
    session.receive(welcome(me=3, general=8))
    session.receive(welcome(me=3))
    frame = session.post({"type": "join", "room": "#general"})
    session.receive(ack(frame["id"], 500, box="#general"))
    assert session.wanted() == [], "what was said meanwhile is no gap"
    assert session.cursors.seen() == {"@alice": 3, "#general": 500}


def test_leaving_forgets_the_box(session):
    frame = session.post({"type": "join", "room": "#general"})
    session.receive(ack(frame["id"], 12, box="#general"))
    assert session.cursors.seen() == {"@alice": 3, "#general": 12}
    frame = session.post({"type": "leave", "room": "#general"})
    session.receive(ack(frame["id"], 13, box="#general"))
    assert session.cursors.seen() == {"@alice": 3}


def test_leaving_on_another_device_forgets_the_box_too(session):
    session.receive(message(1, to="#tea"))
    leave = {"type": "leave", "id": "l", "from": "@alice", "room": "#tea"}
    session.receive(leave | {"box": "#tea", "seq": 2, "at": 1})
    assert session.cursors.seen() == {"@alice": 3}


@pytest.mark.parametrize("kind", ["kick", "ban"])
def test_being_put_out_of_a_room_forgets_the_box(session, kind):
    session.receive(message(1, to="#tea"))
    entry = {"type": kind, "id": "k", "from": "@bob", "room": "#tea", "who": "@carol"}
    entry |= {"box": "#tea", "at": 1}
    session.receive(entry | {"seq": 2})
    session.receive(entry | {"seq": 3, "who": "@alice", "remove": True})
    assert session.cursors.seen() == {"@alice": 3, "#tea": 3}
    session.receive(entry | {"seq": 4, "who": "@alice"})
    assert session.cursors.seen() == {"@alice": 3}


def test_a_room_that_may_not_be_read_is_forgotten(session):
    frame = session.post({"type": "join", "room": "#tea"})
    session.receive(ack(frame["id"], 4, box="#tea"))
    question = session.post({"type": "history", "box": "#tea"})
    session.receive(error(question["id"], "not_a_member", "new_id"))
    assert session.cursors.seen() == {"@alice": 3}


def test_what_has_a_sender_and_no_place_is_a_notice(session):
    typing = from_hub(frames.TypingNotice(from_="@bob", to="@alice"))
    assert session.receive(typing) == [events.Noticed(typing)]


def test_entries_of_a_later_hub_move_the_cursor(session):
    sticker = {"type": "sticker", "from": "@bob", "box": "@alice", "seq": 4, "at": 1}
    session.receive(sticker)
    assert session.cursors.seen() == {"@alice": 4}


def test_goodbye_carries_when_to_come_back(session):
    goodbye = frames.Goodbye(reason="restart", retry_after_ms=700)
    assert session.receive(from_hub(goodbye)) == [events.Farewell("restart", 700)]


def test_frames_of_a_later_hub_are_skipped(session):
    assert session.receive({"type": "sticker", "id": "x"}) == []
    assert session.receive({}) == []
