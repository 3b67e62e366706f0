"""Bytes on the wire, counted from the frames themselves: encoded, framed, and in packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from protocol.codec import JSON, MSGPACK
from protocol.frames import (
    Ack,
    BalanceAfter,
    ClientFrame,
    HubFrame,
    Message,
    MessageEntry,
    Payment,
    PaymentEntry,
)

CODECS = {"json": JSON, "msgpack": MSGPACK}
Encoding = Literal["json", "msgpack"]
PACKET = 20 + 32
"""Headers of IPv4 and of TCP with its time stamps (RFC 791, RFC 9293, RFC 7323)."""
TLS_RECORD = 5 + 1 + 16
"""Header, inner type and tag of a TLS 1.3 record (RFC 8446, 5.2)."""
MASK = 4
ID = "0192f3c4-7b1a-7c3d-9e2f-5a6b7c8d9e0f"
"""A UUIDv7, as advised."""
ALICE, BOB, ROOM, SEQ, AT = (
    "@alice_liddell",
    "@bob_cratchit",
    "#wonderland",
    12_345,
    1_790_000_000_000,
)


@dataclass(frozen=True)
class Sent:
    """Bytes of one exchange, TLS and packet headers included; each frame travels in a packet of
    its own, which is the dearest case."""

    up: int
    """From the sender to the hub."""
    ack: int
    entry: int
    """To each who hears of it."""


def message(encoding: Encoding, text_bytes: int, to_room: bool = False) -> Sent:
    """A message, to a person or to a room."""
    box, text = (ROOM if to_room else BOB), "x" * text_bytes
    sent = Message(ID, box, text)
    ack = Ack(ID, AT, "disk", box if to_room else ALICE, SEQ)
    entry = MessageEntry(ID, ALICE, box, text, box=box, seq=SEQ, at=AT)
    return _exchange(encoding, sent, ack, entry)


def payment(encoding: Encoding) -> Sent:
    """A payment without words, within a partition."""
    after = BalanceAfter(1_234_567, 0, 321)
    sent = Payment(ID, BOB, 1_250, "USD")
    ack = Ack(ID, AT, "disk", ALICE, SEQ, state="settled", balance=after)
    entry = PaymentEntry(
        ID, ALICE, BOB, 1_250, "USD", box=BOB, seq=SEQ, at=AT, state="settled", balance=after
    )
    return _exchange(encoding, sent, ack, entry)


def silence() -> int:
    """An empty ping from the hub, and its receipt for the pong."""
    return _packets(b"", masked=False) + PACKET


def _exchange(encoding: Encoding, sent: ClientFrame, ack: HubFrame, entry: HubFrame) -> Sent:
    encode = CODECS[encoding].encode
    return Sent(
        up=_packets(encode(sent), masked=True),
        ack=_packets(encode(ack), masked=False),
        entry=_packets(encode(entry), masked=False),
    )


def _packets(payload: bytes, masked: bool) -> int:
    """A payload as one WebSocket frame (RFC 6455), in TLS, in packets of 1,400 bytes."""
    length = len(payload)
    framed = length + 2 + (0 if length < 126 else 2 if length < 65_536 else 8) + MASK * masked
    record = framed + TLS_RECORD
    return record + PACKET * -(-record // 1_400)
