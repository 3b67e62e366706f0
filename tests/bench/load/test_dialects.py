import pytest
from websockets.frames import Opcode

from bench.load.dialects import DIALECTS
from bench.load.dialects.base import ID_DIGITS, Dialect
from bench.load.dialects.teller import Json, MessagePack, Teller
from bench.load.routes import Router
from protocol.codec import CODECS
from protocol.frames import (
    Ack,
    BalanceAfter,
    Error,
    Goodbye,
    HubFrame,
    Message,
    MessageEntry,
    Payment,
    PaymentEntry,
    PresenceNotice,
    ReturnedEntry,
    SettledEntry,
)

from .test_wire import upgraded

OP = 123_456
ID = "000000123456"
PLACE = {"box": "@bob", "seq": 7, "at": 1_700_000_000_000}
OURS = [Json(), MessagePack()]
ARRIVED = SettledEntry(ID, "@al", "@bob", 1, "USD", **PLACE)  # type: ignore[arg-type]


def frame_of(dialect: Dialect, kind: str, to: str, size: int = 3) -> bytes:
    """The frame of operation `OP` from `al` to `bob`, or to the room `den`."""
    router = Router(dialect, ["al", "bob"], "den", {kind: 1}, to, size, seed=1)
    (route,) = router.picks(0, 1)
    return router.frames[route] % ((OP,) * router.repeats)


@pytest.mark.parametrize("dialect", OURS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("kind", "to", "expected"),
    [
        ("message", "pair", Message(id=ID, to="@bob", text="xxx")),
        ("message", "room", Message(id=ID, to="#den", text="xxx")),
        ("payment", "pair", Payment(id=ID, to="@bob", amount=1, currency="USD")),
    ],
)
def test_the_hubs_codec_reads_what_we_send(
    dialect: Teller, kind: str, to: str, expected: object
) -> None:
    server = upgraded()
    server.receive_data(frame_of(dialect, kind, to))
    (frame,) = server.events_received()
    assert frame.opcode is (Opcode.TEXT if dialect.opcode == 1 else Opcode.BINARY)
    assert dialect.subprotocol is not None
    assert CODECS[dialect.subprotocol].decode_client_frame(frame.data) == expected


ANSWERS: list[tuple[HubFrame, str]] = [
    (Ack(id=ID, at=1, durable="disk", box="@bob", seq=7), "ack"),
    (
        Ack(id=ID, at=1, durable="disk", state="settled", balance=BalanceAfter(1, 0, 2)),
        "ack",
    ),
    (Ack(id="set-7", at=1, durable="disk"), ""),
    (MessageEntry(id=ID, from_="@al", to="@bob", text="hm", **PLACE), "delivery"),
    (PaymentEntry(id=ID, from_="@al", to="@bob", amount=1, currency="USD", **PLACE), "delivery"),
    (Error(code="busy", message="later", retry="same_id", id=ID), "refusal"),
    (Goodbye(reason="slow"), "refusal"),
    (ReturnedEntry(ID, "@al", "@bob", "party_frozen", **PLACE), "refusal"),  # type: ignore[arg-type]
    (ARRIVED, ""),
]


@pytest.mark.parametrize("dialect", OURS, ids=lambda one: one.name)
@pytest.mark.parametrize(("answer", "kind"), ANSWERS)
def test_each_of_the_hubs_answers_is_known_for_what_it_is(
    dialect: Teller, answer: HubFrame, kind: str
) -> None:
    assert dialect.subprotocol is not None
    assert dialect.ack is not None
    payload = CODECS[dialect.subprotocol].encode(answer)
    expected = [ID.encode()]
    assert dialect.ack.findall(payload) == (expected if kind == "ack" else [])
    assert dialect.delivery.findall(payload) == (expected if kind == "delivery" else [])
    assert bool(dialect.refusal.search(payload)) is (kind == "refusal")


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("to", ["pair", "room"])
def test_every_dialect_has_operations_with_a_place_for_the_id(dialect: Dialect, to: str) -> None:
    small, large = (frame_of(dialect, "message", to, size) for size in (10, 70))
    assert small.count(ID.encode()) >= 1
    assert len(large) - len(small) in range(60, 70)  # and a longer length where it is written
    assert len(ID) == ID_DIGITS
    assert dialect.delivery.groups == 1
    assert dialect.ack is None or dialect.ack.groups == 1


@pytest.mark.parametrize("dialect", OURS, ids=lambda one: one.name)
def test_money_that_travels_is_told_by_its_ack_and_by_its_arrival(dialect: Teller) -> None:
    assert dialect.subprotocol is not None
    encode = CODECS[dialect.subprotocol].encode
    balance = BalanceAfter(1, 0, 2)
    here, away = (
        encode(Ack(ID, 1, "disk", "@al", 7, state=state, balance=balance))
        for state in ("settled", "accepted")
    )
    arrived = encode(ARRIVED)
    assert dialect.settlement is not None
    assert dialect.ack is not None
    assert dialect.settlement.findall(away + arrived) == [ID.encode()]
    assert dialect.ack.findall(away + arrived) == [ID.encode()]
    assert not dialect.delivery.search(arrived)
    assert [text.count(dialect.accepted) for text in (here, away, arrived)] == [0, 1, 0]


@pytest.mark.parametrize("dialect", OURS, ids=lambda one: one.name)
@pytest.mark.parametrize("name", ["@al", "@" + "a" * 32])
def test_who_came_online_is_found_in_the_notice_of_it(dialect: Teller, name: str) -> None:
    assert dialect.subprotocol is not None
    assert dialect.arrival is not None
    encode = CODECS[dialect.subprotocol].encode
    came, left = (encode(PresenceNotice(name, name, state)) for state in ("online", "offline"))
    found = dialect.arrival.search(came)
    assert found is not None
    assert found[1] == name.encode()
    assert not dialect.arrival.search(left)
    assert not dialect.arrival.search(encode(ARRIVED))
