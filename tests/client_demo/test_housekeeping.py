"""What a client does by itself, seen from the frames that it posts."""

import asyncio

import pytest

from client_demo import events, housekeeping
from client_demo.housekeeping import Housekeeping
from client_demo.model import Model
from client_demo.typing_notice import EVERY_S, TypingNotice

from .frames import message

CONNECTED = events.Connected("@alice", ("@alice",), {}, 1, resumed=False)


class Desk:
    """A client that only notes what is posted."""

    def __init__(self):
        self.model = Model("@alice")
        self.posted = []
        self.notices = []
        self.keeping = Housekeeping(self)

    def post(self, frame):
        self.posted.append(frame)
        self.take(events.Posted(frame | {"id": f"id{len(self.posted)}"}))
        return f"id{len(self.posted)}"

    def read_box(self, box):
        self.posted.append({"type": "history", "box": box})

    def notice(self, frame):
        self.notices.append(frame)

    def take(self, *happened):
        for event in happened:
            self.model.apply(event)
            self.keeping.take(event)

    def kinds(self):
        kinds = [frame["type"] for frame in self.posted]
        self.posted.clear()
        return kinds

    def lists(self, *names, more=False, state="accepted"):
        question = {"type": "conversations", "id": "q", "limit": 200}
        page = [{"who": name, "state": state} for name in names]
        answer = {"type": "conversations", "conversations": page, "more": more}
        self.take(events.Answered(question, answer))


@pytest.fixture
def desk():
    return Desk()


def test_the_list_is_asked_for_after_each_welcome_and_read_to_its_end(desk):
    desk.take(CONNECTED)
    assert desk.kinds() == ["conversations"]
    desk.lists("@bob", more=True)
    assert desk.posted == [{"type": "conversations", "limit": 200, "after": "@bob"}]
    desk.posted.clear()
    desk.lists("@carol")
    assert desk.posted == [{"type": "watch", "who": ["@bob", "@carol"]}]


def test_those_watched_are_named_again_only_if_they_changed_or_the_connection_did(desk):
    desk.take(CONNECTED)
    desk.lists("@bob")
    desk.kinds()
    desk.lists("@bob")
    assert desk.kinds() == []
    desk.lists("@eve", state="request")
    assert desk.kinds() == [], "strangers are not watched"
    desk.take(CONNECTED)
    desk.lists("@bob")
    assert desk.kinds() == ["conversations", "watch"]


async def test_somebody_new_is_looked_up_once_at_a_time(desk):
    desk.take(CONNECTED)
    desk.lists()
    desk.kinds()
    desk.take(events.EntryCame(message(1)), events.EntryCame(message(2)))
    assert desk.kinds() == ["conversations"]
    desk.lists("@bob")
    assert desk.kinds() == ["conversations", "watch"], "what came after the question asks again"
    desk.lists("@bob")
    desk.take(events.EntryCame(message(3)))
    assert desk.kinds() == [], "who is known is not looked up"


@pytest.mark.parametrize("kind", ["accept", "decline", "block", "unblock"])
def test_a_decision_of_ours_asks_for_the_list(desk, kind):
    desk.take(CONNECTED)
    desk.lists("@eve", state="request")
    desk.kinds()
    frame = {"type": kind, "id": "d", "who": "@eve"}
    desk.take(events.Stored(frame, {"id": "d", "at": 1, "box": "@alice", "seq": 1}))
    assert desk.kinds() == ["conversations"], "so that who was accepted is watched"
    desk.lists("@eve")
    desk.kinds()
    entry = frame | {"from": "@alice", "box": "@alice", "seq": 2, "at": 1}
    desk.take(events.EntryCame(entry))
    assert desk.kinds() == ["conversations"], "so it is on our other devices"
    desk.lists("@eve")
    desk.kinds()
    desk.take(events.EntryCame(entry | {"seq": 3, "box": "#tea", "room": "#tea"}))
    assert desk.kinds() == [], "who is let into a room changes nothing"


@pytest.mark.parametrize(
    "sign",
    [
        {"type": "read", "from": "@bob", "to": "@alice", "up_to": "x"},
        {"type": "settled", "from": "@alice", "to": "@bob", "amount": 500, "currency": "USD"},
    ],
    ids=lambda sign: sign["type"],
)
def test_a_sign_that_somebody_accepted_us_asks_for_the_list(desk, sign):
    desk.take(CONNECTED)
    desk.lists("@bob", state="sent")
    desk.kinds()
    entry = sign | {"id": "x", "box": "@alice", "seq": 1, "at": 1}
    desk.take(events.EntryCame(entry))
    assert desk.kinds() == ["conversations"]
    desk.lists("@bob")
    desk.kinds()
    desk.take(events.EntryCame(entry | {"seq": 2}))
    assert desk.kinds() == [], "once is enough"


def test_a_room_that_was_joined_is_read_at_once(desk):
    desk.take(events.Stored({"type": "join", "id": "j", "room": "#tea"}, {"id": "j", "at": 1}))
    assert desk.posted == [{"type": "history", "box": "#tea"}]


async def test_one_mark_says_what_arrived_in_a_burst(desk, monkeypatch):
    monkeypatch.setattr(housekeeping, "ARRIVED_AFTER_S", 0.01)
    desk.take(CONNECTED)
    desk.lists("@bob")
    desk.kinds()
    desk.take(*(events.EntryCame(message(seq, id=f"b{seq}")) for seq in (1, 2, 3)))
    desk.take(events.EntryCame(message(1, to="#general")))
    await asyncio.sleep(0.05)
    assert desk.posted == [{"type": "delivered", "to": "@bob", "up_to": "b3"}]


@pytest.mark.parametrize("known", [True, False], ids=["read", "stranger"])
async def test_nothing_is_said_of_what_was_read_nor_to_strangers(desk, monkeypatch, known):
    monkeypatch.setattr(housekeeping, "ARRIVED_AFTER_S", 0.01)
    desk.take(CONNECTED)
    desk.lists("@bob", state="accepted" if known else "request")
    desk.take(events.EntryCame(message(1, id="b1")))
    if known:
        desk.take(events.Posted({"type": "read", "id": "r", "to": "@bob", "up_to": "b1"}))
    desk.kinds()
    await asyncio.sleep(0.05)
    assert "delivered" not in desk.kinds()


def test_typing_is_told_once_in_a_while_and_never_of_a_command(desk):
    now = [0.0]
    typing = TypingNotice(desk, clock=lambda: now[0])
    for line in ("h", "he", "hel"):
        typing.typed(line, "@bob")
    assert desk.notices == [{"type": "typing", "to": "@bob"}]
    now[0] += EVERY_S
    typing.typed("hell", "@bob")
    assert len(desk.notices) == 2
    typing.typed("hello", "#tea")
    assert desk.notices[2:] == [{"type": "typing", "to": "#tea"}]
    typing.sent()
    typing.typed("n", "#tea")
    assert len(desk.notices) == 4
    for line, place in (("", "@bob"), ("/pay", "@bob"), ("x", None), ("x", "@alice")):
        typing.sent()
        typing.typed(line, place)
    assert len(desk.notices) == 4
