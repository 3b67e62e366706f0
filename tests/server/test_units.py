"""The small pure parts: buckets, ages of ids, frame headers, the hub's bookkeeping."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import JSON, MSGPACK, Codec
from protocol.frames import Ack
from server.commands.operator import new_id
from server.edge.limits import Bucket
from server.edge.outbox import Flusher, Outbox
from server.edge.wire import BINARY, TEXT, header, pack
from server.entering.passwords import new_token, token_field, token_owner
from server.ledger.ids import MARK_MS, Ages
from server.ledger.posts import Mark
from server.ledger.records import format_record, parse_record
from server.telling.hub import Hub, tell

NOW = 1_795_000_000_000


class Listener:
    """Keeps what it was sent."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.got: list[bytes] = []
        self.put = self.got.append


@given(st.floats(0, 1e9), st.integers(1, 10_000))
def test_a_bucket_of_one_token_has_it_at_any_time(now: float, per_h: int) -> None:
    bucket = Bucket(rate=per_h / 3600, burst=1)
    assert (bucket.wait(now), bucket.take(now)) == (0.0, 0.0)
    assert bucket.take(now) > 0


def test_a_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    bucket = Bucket(rate=10, burst=5)
    assert [bucket.take(100.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(100.0) == pytest.approx(0.1)
    assert bucket.wait(100.05) == pytest.approx(0.05)
    assert bucket.take(100.11) == 0.0
    assert [bucket.take(200.0) for _ in range(5)] == [0.0] * 5


@pytest.mark.parametrize(
    ("age_ms", "old"), [(0, False), (MARK_MS - 60_000, False), (MARK_MS + 1, True)]
)
def test_ids_that_carry_their_time_grow_too_old(age_ms: int, old: bool) -> None:
    ages = Ages()
    ages.update(NOW)
    born = NOW - age_ms
    hexed = f"{born:012x}"
    uuid7 = f"{hexed[:8]}-{hexed[8:]}-7abc-8def-0123456789ab"
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    ulid = "".join(letters[born >> shift & 31] for shift in range(45, -1, -5)) + "0" * 16
    assert ages.too_old(uuid7) is old
    assert ages.too_old(uuid7.upper()) is old
    assert ages.too_old(ulid) is old
    assert ages.too_old(ulid.lower()) is old


@pytest.mark.parametrize(
    "id", ["1", "x" * 26, "-" * 26, "z" * 36, "00000000-0000-4000-8000-" + "0" * 12]
)
def test_ids_without_a_time_never_do(id: str) -> None:
    ages = Ages()
    ages.update(NOW)
    assert not ages.too_old(id)


def test_our_own_ids_are_uuid7_and_differ() -> None:
    ids = {new_id() for _ in range(1_000)}
    ages = Ages()
    ages.update(NOW)
    assert len(ids) == 1_000
    assert all(len(id) == 36 and id[14] == "7" and not ages.too_old(id) for id in ids)


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_headers_are_as_short_as_may_be(length: int) -> None:
    from websockets.frames import Frame, Opcode

    for opcode, ours in ((Opcode.TEXT, TEXT), (Opcode.BINARY, BINARY)):
        whole = Frame(opcode, b"x" * length).serialize(mask=False)
        assert header(ours, length) + b"x" * length == whole


def test_an_entry_is_encoded_once_for_each_encoding() -> None:
    listeners = [Listener(JSON), Listener(JSON), Listener(MSGPACK)]
    ack = Ack("1", 5, "disk")
    tell(listeners, ack, skip=listeners[1])
    assert listeners[0].got == [pack(JSON, ack)]
    assert listeners[1].got == []
    assert listeners[2].got == [pack(MSGPACK, ack)]


class Socket:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append

    def is_closing(self) -> bool:
        return False


async def test_an_outbox_is_full_only_while_the_socket_takes_no_more() -> None:
    socket, full = Socket(), []
    flusher = Flusher(asyncio.get_running_loop())
    outbox = Outbox(socket, flusher, 10, lambda: full.append(outbox.size))  # type: ignore[arg-type]
    for _ in range(5):
        outbox.put(b"burst ")
    await asyncio.sleep(0)
    assert socket.written == [b"burst " * 5]
    outbox.put(b"before ")
    outbox.pause()
    await asyncio.sleep(0)
    assert (outbox.size, full) == (7, [])
    outbox.put(b"after")
    assert (outbox.full, full, len(socket.written)) == (True, [12], 1)
    outbox.resume()
    assert socket.written[1:] == [b"before after"]
    assert (outbox.full, outbox.size) == (False, 0)


def test_the_hub_forgets_who_left() -> None:
    hub = Hub()
    first, second = Listener(JSON), Listener(MSGPACK)
    party = hub.enter(first, "@alice", 3)
    assert hub.enter(second, "@alice", 3) is party
    for listener in (first, second):
        hub.attend(listener, party, "#tea", 7)
    assert (party.seq, hub.rooms["#tea"].seq) == (3, 7)
    hub.leave(party, "#tea")
    assert not hub.rooms
    hub.join(party, "#tea", 9)
    assert first in hub.rooms["#tea"]
    hub.exit(first, party)
    assert second in hub.rooms["#tea"]
    hub.exit(second, party)
    assert not hub.rooms
    assert not hub.parties


def test_tokens_name_their_account_and_are_kept_hashed() -> None:
    token = new_token("@alice")
    assert token_owner(token) == "@alice"
    assert token.encode() not in token_field(token).encode()
    assert len({new_token("@alice") for _ in range(100)}) == 100
    for nonsense in ("", "@alice", "@alice.", "alice.x", ".x"):
        assert token_owner(nonsense) == ""


def test_records_and_marks_are_read_as_they_are_written() -> None:
    stored = b"\1" + bytes(6) + b"\7" + struct.pack(">3sqQ3sqQ", b"USD", 9500, 100, b"JPY", -3, 0)
    record = parse_record(stored)
    assert (record.flags, record.version) == (1, 7)
    assert {k: (v.available, v.held) for k, v in record.balances.items()} == {
        "USD": (9500, 100),
        "JPY": (-3, 0),
    }
    assert format_record(record) == stored
    at = (1795000000000).to_bytes(6)
    words = Mark(b"0123456789abcdef" + b"\0" + (17).to_bytes(6) + at + b"#tea")
    after = struct.pack(">qQ", 9500, 0) + (2).to_bytes(7)
    money = Mark(b"0123456789abcdef" + b"\1" + (3).to_bytes(6) + at + after + b"@alice")
    assert (words.seq, words.box, words.money) == (17, "#tea", False)
    assert (money.available, money.held, money.version) == (9500, 0, 2)
    unheard_of = (bytes([flags]) + stored[1:] for flags in (6, 12, 16))  # a closed issuer, ...
    for damaged in (b"", stored[:7], stored[:-1], *unheard_of, stored + stored[8:27]):
        with pytest.raises(ValueError, match="damaged"):
            parse_record(damaged)
    for damaged in (b"", b"0123456789abcdef" * 2, b"0123456789abcdef" + b"\5" + bytes(60)):
        with pytest.raises(ValueError, match="damaged"):
            Mark(damaged)
