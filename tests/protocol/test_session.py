"""Which frame is legal when; and what a client remembers across connections."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from protocol.errors import Code
from protocol.frames import (
    Ack,
    AnyClientFrame,
    AnyHubFrame,
    Balance,
    BalanceSheet,
    BoxState,
    ClientFrame,
    Error,
    Hello,
    HistoryPage,
    JoinEntry,
    MembersPage,
    Message,
    MessageEntry,
    StatusReport,
    Typing,
    Welcome,
)
from protocol.session import LEGAL, Phase, Session, illegal

from .samples import CLIENT
from .test_vectors import FILES

N, A, F = "unauthenticated", "already_authenticated", "forbidden"
PHASES = [Phase.NEW, Phase.ENTERING, Phase.READY, Phase.OPERATOR, Phase.CLOSING]
MESSENGER = (
    *("edit", "delete", "react", "pin", "forward", "invite", "kick", "ban", "mute", "role"),
    *("topic", "profile", "arrange", "accept", "decline", "block", "unblock", "revoke", "erase"),
    *("thread", "conversations", "profiles", "watch", "devices", "search", "export"),
)
TABLE = {
    #             new   entering  ready  operator  closing
    "register": ["ok", N, A, A, A],
    "login":    ["ok", N, A, A, A],
    "hello":    ["ok", N, A, A, A],
    "logout":   [N, N, "ok", "ok", F],
    "message":  [N, N, "ok", F, F],
    "payment":  [N, N, "ok", F, F],
    "create":   [N, N, "ok", F, F],
    "join":     [N, N, "ok", F, F],
    "leave":    [N, N, "ok", F, F],
    "members":  [N, N, "ok", F, F],
    "history":  [N, N, "ok", F, F],
    "balance":  [N, N, "ok", F, F],
    "status":   [N, N, "ok", "ok", F],
    "read":     [N, N, "ok", F, F],
    "delivered": [N, N, "ok", F, F],
    "typing":   [N, N, "ok", F, F],
    "presence": [N, N, "ok", F, F],
    **{tag: [N, N, "ok", F, F] for tag in MESSENGER},
    "deposit":  [N, N, F, "ok", F],
    "freeze":   [N, N, F, "ok", F],
    "suspend":  [N, N, F, "ok", F],
}  # fmt: skip
KINDS = {kind.__struct_config__.tag: kind for kind in get_args(AnyClientFrame)}
SAMPLES = {wire["type"]: wire for _, wire in CLIENT}


def frame_of(tag: str) -> ClientFrame:
    frame: ClientFrame = convert(SAMPLES[tag], KINDS[tag])
    return frame


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(KINDS)
    assert set(LEGAL) == set(Phase) == set(PHASES)


@pytest.mark.parametrize("tag", TABLE)
def test_legal_frames(tag: str) -> None:
    frame = frame_of(tag)
    for phase, expected in zip(PHASES, TABLE[tag], strict=True):
        if expected == "ok":
            assert type(frame) in LEGAL[phase], phase
        else:
            assert type(frame) not in LEGAL[phase], phase
            error = illegal(phase, frame)
            assert (error.code, error.id) == (Code(expected), getattr(frame, "id", None)), phase


def say(id: str) -> Message:
    return Message(id, "@bob", "hi")


def ack(id: str, seq: int = 0) -> Ack:
    return Ack(id, at=1, durable="disk", box="@alice", seq=seq) if seq else Ack(id, 1, "disk")


def error(id: str, code: Code, retry: str) -> Error:
    return Error(code, "", retry, id=id)  # type: ignore[arg-type]


def welcome(boxes: dict[str, BoxState], token: str = "tok") -> Welcome:
    return Welcome("h", "alice", boxes, {}, 0, {}, token)


def entry(box: str, seq: int) -> MessageEntry:
    return MessageEntry("x", "@bob", "@alice", "hi", box=box, seq=seq, at=1)


def test_a_welcome_is_remembered() -> None:
    session = Session()
    session.received(welcome({"@alice": BoxState(1, 7), "#general": BoxState(2, 0)}))
    assert (session.handle, session.token) == ("alice", "tok")
    assert session.hello_cursors() == {"@alice": 7, "#general": 0}
    assert session.epochs == {"@alice": 1, "#general": 2}


def test_cursors_are_a_copy() -> None:
    session = Session()
    session.hello_cursors()["@alice"] = 5
    assert session.hello_cursors() == {}


def test_a_resumed_cursor_stays_until_the_missed_entries_come() -> None:
    session = Session()
    session.received(welcome({"@alice": BoxState(1, 7)}))
    session.received(welcome({"@alice": BoxState(1, 9)}))
    assert session.cursors["@alice"] == 7
    session.received(entry("@alice", 8))
    session.received(entry("@alice", 9))
    assert session.cursors["@alice"] == 9


def test_a_welcome_without_a_token_keeps_the_old_one() -> None:
    session = Session()
    session.received(welcome({}))
    session.received(Welcome("h", "alice", {}, {}, 0, {}))
    assert session.token == "tok"


def test_a_restored_box_begins_anew() -> None:
    session = Session()
    session.received(welcome({"@alice": BoxState(1, 7), "#general": BoxState(1, 5)}))
    session.received(welcome({"@alice": BoxState(2, 3), "#general": BoxState(1, 5)}))
    assert session.cursors == {"@alice": 3, "#general": 5}
    assert session.epochs == {"@alice": 2, "#general": 1}
    assert session.gaps == {"@alice": (1, 4)}


def test_a_limited_gap_begins_at_first() -> None:
    session = Session()
    session.received(welcome({"@alice": BoxState(1, 7)}))
    session.received(welcome({"@alice": BoxState(1, 9000, limited=True, first=8001)}))
    assert session.cursors["@alice"] == 8000
    assert session.gaps == {"@alice": (8, 8001)}


def test_a_cursor_beyond_the_end_leaves_no_gap() -> None:
    session = Session()
    session.received(welcome({"@alice": BoxState(1, 7)}))
    session.received(welcome({"@alice": BoxState(1, 5, limited=True, first=6)}))
    assert session.cursors["@alice"] == 5
    assert not session.gaps


ANSWERS = [
    ack("b"),
    ack("b", 5),
    error("b", Code.FORBIDDEN, "new_id"),
    error("b", Code.MALFORMED, "never"),
    HistoryPage("b", "@alice", [], more=False),
    MembersPage("b", "#general", [], more=False),
    BalanceSheet("b", {}, 0),
    StatusReport("b", "a", "unknown"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_an_answer_settles_its_frame_once(answer: object) -> None:
    session = Session()
    frames = [say("a"), say("b"), say("c")]
    for frame in frames:
        session.sent(frame)
    assert session.received(answer) is frames[1]  # type: ignore[arg-type]
    assert session.unanswered == [frames[0], frames[2]]
    assert session.received(answer) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer",
    [
        error("a", Code.OUTCOME_UNKNOWN, "same_id"),
        error("a", Code.BUSY, "same_id"),
        Error(Code.MALFORMED, "", "never"),
        ack("other"),
        entry("@alice", 1),
        JoinEntry("a", "@bob", "#general", box="#general", seq=1, at=1),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_what_is_no_final_answer_leaves_the_frame(answer: object) -> None:
    session = Session()
    session.sent(say("a"))
    assert session.received(answer) is None  # type: ignore[arg-type]
    assert session.unanswered == [say("a")]


def test_entrances_and_ephemeral_frames_are_not_sent_again() -> None:
    session = Session()
    for frame in (Hello("h", "tok"), Typing("@bob")):
        session.sent(frame)
    assert session.unanswered == []


def test_a_frame_sent_again_keeps_its_place() -> None:
    session = Session()
    for frame in (say("a"), Balance("b"), say("a")):
        session.sent(frame)
    assert session.unanswered == [say("a"), Balance("b")]


@given(st.lists(st.tuples(st.sampled_from(["@alice", "#x"]), st.integers(1, 50)), max_size=60))
def test_a_cursor_is_the_highest_seq_seen(seen: list[tuple[str, int]]) -> None:
    session = Session()
    for box, seq in seen:
        session.received(entry(box, seq))
    assert session.cursors == {box: max(seq for b, seq in seen if b == box) for box, _ in seen}


@given(st.lists(st.tuples(st.sampled_from(["sent", "done", "busy"]), st.integers(0, 9))))
def test_unanswered_is_what_was_sent_and_not_settled_in_order(steps: list[tuple[str, int]]) -> None:
    session, expected = Session(), dict[str, Message]()
    for step, number in steps:
        id = str(number)
        if step == "sent":
            session.sent(say(id))
            expected.setdefault(id, say(id))
        elif step == "done":
            assert session.received(ack(id)) == expected.pop(id, None)
        else:
            assert session.received(error(id, Code.BUSY, "same_id")) is None
    assert session.unanswered == list(expected.values())


def test_every_hub_frame_can_be_received() -> None:
    session = Session()
    for vector in FILES["hub.json"]:
        session.received(convert(vector["frame"], AnyHubFrame))
    assert session.handle == "alice"
    assert session.cursors["@alice"] == 17
