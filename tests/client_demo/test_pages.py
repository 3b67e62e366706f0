"""Answers as people and as scripts see them, the page after, the export's page."""

import json
from datetime import UTC

import pytest

from client_demo import headings, listing, notes, told
from client_demo.export_page import page
from client_demo.model import Model
from client_demo.picture import NOON, Scene
from client_demo.questions import next_page

from .frames import message, payment

ENTRY = message(7, text="hi\x1b there") | {"at": NOON}
MUTED = {"who": "@dave", "role": "member", "muted": NOON}
DEVICE = {"device": "0123456789abcdef", "name": "a \x1bphone", "since": NOON, "seen": NOON}
WAITS = {"who": "@bob", "state": "request", "unread": 3, "unread_more": True}
WAITS |= {"pinned": True, "waiting": {"USD": 500}}
ROOM = {"who": "#tea", "name": "Tea", "about": "only", "members": 3, "access": "ask", "slow_s": 30}
HIT = {"entry": ENTRY, "snippet": "hi there"}

ANSWERS = [
    (
        {"type": "members", "room": "#tea", "members": [MUTED], "more": True},
        ["@dave  muted until 2026-11-22 12:00"],
        [f"member #tea @dave member muted={NOON}", "more"],
    ),
    (
        {"type": "conversations", "conversations": [WAITS], "more": False},
        ["@bob  3+ new  wants to talk with you: /accept or /decline  5.00 USD waits  pinned"],
        ["conversation @bob request unread=3+ pinned waiting=5.00USD"],
    ),
    (
        {"type": "profiles", "profiles": [ROOM, {"who": "@bob", "seen": NOON}]},
        ["#tea  Tea  only  3 members, ask  one line in 30 s", "@bob  last here 2026-11-22 12:00"],
        ["profile #tea access=ask members=3 slow_s=30 Tea only", f"profile @bob seen={NOON}"],
    ),
    (
        {"type": "devices", "devices": [DEVICE | {"current": True}]},
        ["0123456789abcdef  a ␛phone  since 2026-11-22 12:00  this one"],
        [f"device 0123456789abcdef {NOON} {NOON} current a \x1bphone"],
    ),
    (
        {"type": "found", "hits": [HIT], "after": "x", "behind": 2},
        ["2026-11-22 12:00 @bob @bob  hi there", "2 newer entries are not searched yet"],
        ["found @alice 7 @bob hi there", "more"],
    ),
    (
        {"type": "thread", "box": "@alice", "entries": [ENTRY], "more": False},
        ["^7 2026-11-22 12:00  @bob  hi␛ there"],
        ["message @alice 7 @bob @alice hi\x1b there"],
    ),
]


@pytest.mark.parametrize(("answer", "items", "_"), ANSWERS, ids=lambda a: str(a)[:20])
def test_an_answer_on_the_screen(answer, items, _):
    shown = [item.text.plain.rstrip() for item in listing.items(answer, "@alice", UTC)]
    assert shown == items


@pytest.mark.parametrize(("answer", "_", "lines"), ANSWERS, ids=lambda a: str(a)[:20])
def test_an_answer_as_lines(answer, _, lines):
    assert told.answer_lines(answer) == lines


def test_a_page_shows_what_its_entries_come_to():
    scene = Scene()
    first = scene.entry("@bob", to="@alice", text="frist")
    scene.about("@bob", "edit", first, text="first")
    gone = scene.entry("@bob", to="@alice", text="gone")
    elsewhere = {"from": "@bob", "id": "elsewhere"}
    scene.entry("@bob", "react", to="@alice", ref=elsewhere, emoji="❤")
    entries = [event.entry for event in scene.events]
    later = scene.about("@bob", "delete", gone)
    answer = {"type": "history", "box": "@alice", "entries": entries, "later": [later]}
    shown = [item.text.plain.split("  ", 1)[1] for item in listing.items(answer, "@alice", UTC)]
    assert [each.rstrip() for each in shown] == [
        "@bob  first (edited)",
        "@bob  (deleted)",
        "@bob: ❤",
    ]


PLACE = {"id": "i", "from": "@bob", "box": "#tea", "seq": 3, "at": 1, "room": "#tea"}
SAID = PLACE | {"to": "@carol", "ref": {"from": "@al", "id": "x"}}


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (SAID | {"type": "react", "emoji": "❤", "remove": True}, "@carol ref=@al:x remove ❤"),
        (SAID | {"type": "delete", "only_me": True}, "@carol ref=@al:x only_me"),
        (SAID | {"type": "message", "text": "a b"}, "@carol ref=@al:x a b"),
        (PLACE | {"type": "ban", "who": "@eve", "for_s": 60}, "#tea @eve for=60s"),
        (PLACE | {"type": "join", "asks": True}, "#tea asks"),
        (PLACE | {"type": "role", "who": "@eve", "role": "admin"}, "#tea @eve admin"),
        (PLACE | {"type": "topic", "topic": "tea", "slow_s": 5}, "#tea slow=5s tea"),
        (PLACE | {"type": "arrange", "who": "@eve", "muted": False}, "#tea @eve muted=no"),
    ],
)
def test_an_entry_as_a_line(entry, line):
    assert told.entry_line(entry) == f"{entry['type']} #tea 3 @bob {line}"


def test_what_people_call_themselves_and_their_rooms_is_harmless():
    bad = "\x1b[31m\u202e"
    profile = {"type": "profiles", "profiles": [{"who": "@bob", "name": bad, "about": bad}]}
    topic = PLACE | {"type": "topic", "topic": bad, "title": bad}
    shown = listing.items(profile, "@alice", UTC)[0].text.plain
    for text in (shown, notes.sentence(topic, "@bob", "topic")):
        assert "\x1b" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize("kind", ["read", "delivered", "profile"])
def test_a_script_hears_nothing_of_marks(kind):
    assert told.entry_line({"type": kind, "from": "@bob", "box": "@alice", "seq": 1}) is None


@pytest.mark.parametrize(
    ("question", "answer", "following"),
    [
        (
            {"type": "members", "room": "#tea"},
            {"type": "members", "members": [{"who": "@a"}, {"who": "@b"}], "more": True},
            {"type": "members", "room": "#tea", "after": "@b"},
        ),
        (
            {"type": "search", "words": "x"},
            {"type": "found", "hits": [], "after": "token"},
            {"type": "search", "words": "x", "after": "token"},
        ),
        ({"type": "search", "words": "x"}, {"type": "found", "hits": []}, None),
        (
            {"type": "history", "box": "#tea", "at": 5},
            {"type": "history", "entries": [{"seq": 3}, {"seq": 4}], "more": True},
            {"type": "history", "box": "#tea", "after": 4},
        ),
        (
            {"type": "history", "box": "#tea", "before": 5},
            {"type": "history", "entries": [{"seq": 3}, {"seq": 4}], "more": True},
            {"type": "history", "box": "#tea", "before": 3},
        ),
        (
            {"type": "history", "box": "#tea"},
            {"type": "history", "entries": [{"seq": 3}], "more": False},
            None,
        ),
        (
            {"type": "thread", "box": "#tea"},
            {"type": "thread", "entries": [{"seq": 3}], "more": True},
            {"type": "thread", "box": "#tea", "after": 3},
        ),
        ({"type": "devices"}, {"type": "devices", "devices": []}, None),
        (
            {"type": "members", "room": "#tea"},
            {"type": "members", "members": [], "more": True},
            None,
        ),
    ],
)
def test_the_question_for_the_next_page(question, answer, following):
    assert next_page(question | {"id": "q"}, answer) == following


def test_the_export_page_is_readable_and_obeys_nothing_in_it():
    hostile = "<script>alert(1)</script> \x1b[31m & \u202e"
    first = message(1, id="b1", text=hostile)
    edit = {"type": "edit", "id": "e", "from": "@bob", "to": "@alice", "text": "<b>new</b>"}
    edit |= {"ref": {"from": "@bob", "id": "b1"}, "box": "@alice", "seq": 2, "at": NOON}
    everything = {
        "handle": "alice",
        "profile": {"who": "@alice", "name": "<i>Alice</i>"},
        "balances": {"USD": {"available": 500, "held": 50}},
        "rooms": {"#tea": "owner"},
        "contacts": {"@bob": "mp"},
        "devices": [DEVICE],
        "settings": {"receipts": False},
        "boxes": {"@alice": 3},
        "entries": {"@alice": [first, edit, payment(3, 500)]},
    }
    text = page(json.loads(json.dumps(everything)), "@alice")
    assert "&lt;b&gt;new&lt;/b&gt;" in text
    assert "before: &lt;script&gt;" in text
    assert "5.50 USD" in text
    assert "5.00 USD</span> paid to @alice" in text
    for sign in ("<script", "<b>new", "<i>", "\x1b", "\u202e", "http://", "https://"):
        assert sign not in text


def test_headings_tell_who_is_there_and_what_to_do():
    model = Model("@alice")
    profile = {"who": "@bob", "name": "Bob\x1b", "seen": NOON}
    model.people.described(["@bob"], [profile])
    assert headings.title(model, "@bob", UTC).plain == "@bob  Bob␛  last here 2026-11-22 12:00"
    model.people.watched({"online": [], "away": ["@bob"]})
    assert headings.title(model, "@bob", UTC).plain == "@bob  Bob␛  away"
    assert headings.title(model, "@alice", UTC).plain == "@alice  notes to yourself"
    for number in range(5):
        model.people.notice({"type": "typing", "from": f"@p{number}"}, "#tea")
    assert headings.typing(model, "#tea").plain == "5 people type…"
    assert headings.hint(model, "@bob") == ""
    for state, word in (("blocked", "/unblock"), ("declined", "/accept"), ("sent", "answered")):
        model.standing("@bob").state = state
        assert word in headings.hint(model, "@bob")


@pytest.mark.parametrize(
    ("kind", "words"),
    [("invite", "@bob invited you to #tea: /join #tea"), ("kick", "@bob put you out of #tea")],
)
def test_what_happens_to_us_in_a_room_is_said(kind, words):
    entry = {"type": kind, "from": "@bob", "who": "@alice", "room": "#tea"}
    assert headings.about_me(entry) == words
    assert headings.about_me(entry | {"remove": True}) == ""
