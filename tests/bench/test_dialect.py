import pytest
from websockets.frames import Opcode

from bench.load.dialect import ACK, DIALECTS, ENTRIES, ID_DIGITS, Dialect
from protocol.codec import CODECS
from protocol.frames import (
    Ack,
    BalanceAfter,
    HubFrame,
    Message,
    MessageEntry,
    Payment,
    PaymentEntry,
)

from .test_wire import upgraded

OP = 123_456
ID = "000000123456"
PLACE = {"box": "@bob", "seq": 7, "at": 1_700_000_000_000}
ANSWERS: list[tuple[HubFrame, frozenset[int]]] = [
    (Ack(id=ID, at=1, durable="disk", box="@bob", seq=7), frozenset({ACK})),
    (
        Ack(id=ID, at=1, durable="disk", state="settled", balance=BalanceAfter(1, 0, 2)),
        frozenset({ACK}),
    ),
    (MessageEntry(id=ID, from_="@al", to="@bob", text="hm", **PLACE), ENTRIES),
    (PaymentEntry(id=ID, from_="@al", to="@bob", amount=1, currency="USD", **PLACE), ENTRIES),
]


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"type": "message", "to": "@bob", "text": "100 % 0000 %d"},
            Message(id=ID, to="@bob", text="100 % 0000 %d"),
        ),
        (
            {"type": "payment", "to": "@bob", "amount": 1, "currency": "USD"},
            Payment(id=ID, to="@bob", amount=1, currency="USD"),
        ),
    ],
)
def test_a_template_is_the_frame_of_any_id(
    dialect: Dialect, fields: dict[str, object], expected: object
) -> None:
    server = upgraded()
    server.receive_data(dialect.template(fields) % OP)
    (frame,) = server.events_received()
    assert frame.opcode is (Opcode.TEXT if dialect.name == "json" else Opcode.BINARY)
    assert CODECS[dialect.subprotocol].decode_client_frame(frame.data) == expected


@pytest.mark.parametrize(("answer", "kinds"), ANSWERS)
def test_kind_and_id_are_found_in_the_hubs_answers(
    dialect: Dialect, answer: HubFrame, kinds: frozenset[int]
) -> None:
    payload = CODECS[dialect.subprotocol].encode(answer)
    assert payload[dialect.kind_at] in kinds
    at = payload.find(dialect.id_mark) + len(dialect.id_mark)
    assert payload[at : at + ID_DIGITS] == ID.encode()
