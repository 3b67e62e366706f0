"""Valid frames: both codecs agree with each other, and with `orjson` and `msgpack`."""

from typing import Any

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import CODECS, JSON, MSGPACK
from protocol.errors import Code, FrameError
from protocol.frames import CURSORS_MAX, FRAME_BYTES_MAX, TEXT_CHARS_MAX

from .samples import CLIENT, HUB, Wire
from .strategies import client_maps, hub_maps, odd_json, odd_msgpack, pairs_of


def test_subprotocols_in_order_of_preference() -> None:
    assert list(CODECS) == ["teller.v1.msgpack", "teller.v1.json"]
    assert [codec.text for codec in CODECS.values()] == [False, True]


@given(client_maps)
def test_client_frames_agree_in_all_encodings(wire: Wire) -> None:
    frame = JSON.decode_client_frame(orjson.dumps(wire))
    assert MSGPACK.decode_client_frame(msgpack.packb(wire)) == frame
    assert orjson.loads(JSON.encode(frame)) == wire
    assert msgpack.unpackb(MSGPACK.encode(frame)) == wire


@given(hub_maps)
def test_hub_frames_agree_in_all_encodings(wire: Wire) -> None:
    frame = JSON.decode_hub_frame(orjson.dumps(wire))
    assert MSGPACK.decode_hub_frame(msgpack.packb(wire)) == frame
    assert orjson.loads(JSON.encode(frame)) == wire
    assert msgpack.unpackb(MSGPACK.encode(frame)) == wire


@given(client_maps, st.randoms(use_true_random=False), st.data())
def test_odd_encodings_mean_the_same(wire: Wire, random: Any, data: st.DataObject) -> None:
    """No legal frame is taken for one with a doubled key, however it is written."""
    frame = JSON.decode_client_frame(orjson.dumps(wire))
    pairs = pairs_of(wire)
    random.shuffle(pairs)
    assert JSON.decode_client_frame(data.draw(odd_json(pairs))) == frame
    assert MSGPACK.decode_client_frame(data.draw(odd_msgpack(pairs))) == frame


@pytest.mark.parametrize(("name", "wire"), CLIENT)
def test_client_frames_refuse_unknown_fields(name: str, wire: Wire) -> None:
    more = {**wire, "surprise": 1}
    for decode, payload in (
        (JSON.decode_client_frame, orjson.dumps(more)),
        (MSGPACK.decode_client_frame, msgpack.packb(more)),
    ):
        with pytest.raises(FrameError) as refusal:
            decode(payload)
        assert (refusal.value.code, refusal.value.id) == (Code.MALFORMED, wire.get("id"))


@pytest.mark.parametrize(("name", "wire"), HUB)
def test_hub_frames_may_grow(name: str, wire: Wire) -> None:
    more = {"first": [1.5, None], **wire, "last": {"deep": [{}]}}
    assert orjson.loads(JSON.encode(JSON.decode_hub_frame(orjson.dumps(more)))) == wire
    assert orjson.loads(JSON.encode(MSGPACK.decode_hub_frame(msgpack.packb(more)))) == wire


def message(text: str) -> bytes:
    return orjson.dumps({"type": "message", "id": "m", "to": "@bob", "text": text})


def test_text_is_counted_in_characters() -> None:
    longest = "é" * TEXT_CHARS_MAX
    assert len(message(longest)) > FRAME_BYTES_MAX, "two bytes each: the frame is too large"
    assert JSON.decode_client_frame(message("e" * TEXT_CHARS_MAX)).id == "m"  # type: ignore[union-attr]
    with pytest.raises(FrameError) as refusal:
        JSON.decode_client_frame(message("e" * (TEXT_CHARS_MAX + 1)))
    assert refusal.value.code is Code.TEXT_INVALID


def test_frame_size_is_bounded_to_the_byte() -> None:
    padding = FRAME_BYTES_MAX - len(message("hi"))
    JSON.decode_client_frame(message("hi") + b" " * padding)
    with pytest.raises(FrameError) as refusal:
        JSON.decode_client_frame(message("hi") + b" " * (padding + 1))
    assert refusal.value.code is Code.MALFORMED
    assert refusal.value.details == {"reason": "too large", "limit": FRAME_BYTES_MAX}


@pytest.mark.parametrize("count", [CURSORS_MAX, CURSORS_MAX + 1])
def test_cursors_are_bounded(count: int) -> None:
    cursors = {f"#r{n}": n for n in range(100, 100 + count)}
    payload = msgpack.packb({"type": "hello", "id": "h", "token": "t", "cursors": cursors})
    if count <= CURSORS_MAX:
        assert len(MSGPACK.decode_client_frame(payload).cursors) == count  # type: ignore[union-attr]
    else:
        with pytest.raises(FrameError):
            MSGPACK.decode_client_frame(payload)
