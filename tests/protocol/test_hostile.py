"""Any bytes decode to a frame or raise `FrameError`; nothing else escapes."""

from typing import Any

import msgpack
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import frames
from protocol.codec import JSON, MSGPACK, Codec
from protocol.errors import Code, FrameError

from .samples import CLIENT, HUB, Wire
from .strategies import Pairs, client_maps, odd_json, odd_msgpack, pairs_of

CODECS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])
FORM = set(list(Code)[: list(Code).index(Code.UNAUTHENTICATED)])
DEPTH = 60_000
PACK = {JSON: orjson.dumps, MSGPACK: msgpack.packb}


def tried(codec: Codec, payload: bytes) -> Any:
    """The frame or the `FrameError` that a client's payload gives; anything else escapes.

    A frame that was taken can be written and read again, a refusal can be told in an `error`.
    """
    outcome: Any = None
    try:
        outcome = codec.decode_client_frame(payload)
    except FrameError as refusal:
        outcome = refusal
    if isinstance(outcome, FrameError):
        check_answer(codec, outcome)
    else:
        assert codec.decode_client_frame(codec.encode(outcome)) == outcome
    return outcome


def check_answer(codec: Codec, refusal: FrameError) -> None:
    assert refusal.code in FORM
    id = msgspec.UNSET if refusal.id is None else refusal.id
    answer = frames.Error(refusal.code, "", "never", id=id, details=dict(refusal.details))
    assert codec.decode_hub_frame(codec.encode(answer)) == answer


def tried_hub(codec: Codec, payload: bytes) -> Any:
    outcome: Any = None
    try:
        outcome = codec.decode_hub_frame(payload)
    except FrameError as refusal:
        outcome = refusal
    if isinstance(outcome, FrameError):
        assert outcome.code in {Code.MALFORMED, Code.UNKNOWN_TYPE}
    return outcome


@CODECS
@given(payload=st.binary(max_size=300))
def test_random_bytes(codec: Codec, payload: bytes) -> None:
    tried(codec, payload)
    tried_hub(codec, payload)


JSON_LIKE = st.lists(
    st.sampled_from(
        [*'{}[]",:\\ 019-.eEnult', '"type":', '"message"', '"id":', "\\ud800", "\\u0022", "\xff"]
    ),
    max_size=40,
).map(lambda parts: "".join(parts).encode("latin-1"))


@given(JSON_LIKE, st.sampled_from([b"", b'{"type":"message",', b'{"id":"x",']))
def test_random_json_tokens(payload: bytes, start: bytes) -> None:
    tried(JSON, start + payload)
    tried_hub(JSON, start + payload)


@CODECS
@pytest.mark.parametrize(("name", "wire"), CLIENT)
def test_every_cut_is_refused(codec: Codec, name: str, wire: Wire) -> None:
    payload = PACK[codec](wire)
    for end in range(len(payload)):
        assert isinstance(tried(codec, payload[:end]), FrameError), payload[:end]


@CODECS
@pytest.mark.parametrize(("name", "wire"), CLIENT)
def test_every_trailing_byte_is_refused(codec: Codec, name: str, wire: Wire) -> None:
    payload = PACK[codec](wire)
    blank = b" \t\r\n" if codec is JSON else b""
    for byte in range(256):
        taken = not isinstance(tried(codec, payload + bytes([byte])), FrameError)
        assert taken == (byte in blank), byte


@CODECS
@pytest.mark.parametrize(("name", "wire"), CLIENT)
def test_every_flipped_bit_is_answered(codec: Codec, name: str, wire: Wire) -> None:
    payload = PACK[codec](wire)
    for place in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[place // 8] ^= 1 << place % 8
        tried(codec, bytes(flipped))


@CODECS
@pytest.mark.parametrize(("name", "wire"), HUB)
def test_every_cut_or_flipped_hub_frame_is_answered(codec: Codec, name: str, wire: Wire) -> None:
    payload = PACK[codec](wire)
    for place in range(len(payload)):
        assert isinstance(tried_hub(codec, payload[:place]), FrameError)
        for bit in range(8):
            flipped = bytearray(payload)
            flipped[place] ^= 1 << bit
            tried_hub(codec, bytes(flipped))


WRONG = [None, True, -1, 2**63, 1.5, 5.0, "", "x" * 70_000, [], [1], {}, {"from": 1}]


@CODECS
@pytest.mark.parametrize(("name", "wire"), CLIENT)
def test_every_field_refuses_other_types(codec: Codec, name: str, wire: Wire) -> None:
    for field, right in wire.items():
        for wrong in WRONG:
            outcome = tried(codec, PACK[codec]({**wire, field: wrong}))
            if type(wrong) is not type(right):
                assert isinstance(outcome, FrameError), (field, wrong)


@CODECS
@pytest.mark.parametrize(("name", "wire"), CLIENT)
def test_every_missing_field_is_noticed(codec: Codec, name: str, wire: Wire) -> None:
    kind = type(codec.decode_client_frame(PACK[codec](wire)))
    required = {field.encode_name for field in msgspec.structs.fields(kind) if field.required}
    for field in wire:
        rest = {key: value for key, value in wire.items() if key != field}
        refused = isinstance(tried(codec, PACK[codec](rest)), FrameError)
        assert refused == (field in required | {"type"}), field


NESTS = [
    (JSON, b"[", b"]"),
    (JSON, b'{"a":', b"}"),
    (MSGPACK, b"\x91", b"\x00"),
    (MSGPACK, b"\x81\xa1a", b"\x00"),
]


@pytest.mark.parametrize(("codec", "opening", "closing"), NESTS)
@pytest.mark.parametrize("known", ["", "text", "ref", "surprise"])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_is_refused(
    codec: Codec, opening: bytes, closing: bytes, known: str, closed: bool
) -> None:
    """Whole, as a field, and as a field that stands before the type (so it must be skipped)."""
    nest = opening * (min(DEPTH, frames.FRAME_BYTES_MAX // 2 // len(opening)) - 100)
    nest += closing * (len(nest) // len(opening) if codec is JSON else 1) if closed else b""
    if not known:
        payloads = [nest]
    elif codec is JSON:
        before = b'{"%s":%s,"type":"message","id":"m"}' % (known.encode(), nest)
        payloads = [before, b'{"type":"message","id":"m","%s":%s}' % (known.encode(), nest)]
    else:
        field, rest = msgpack.packb(known) + nest, b"\xa4type\xa7message"
        payloads = [b"\x82" + field + rest, b"\x82" + rest + field]
    for payload in payloads:
        assert isinstance(tried(codec, payload), FrameError)
        assert isinstance(tried_hub(codec, payload), FrameError)


NESTED = [wire for _, wire in CLIENT if any(isinstance(value, dict) for value in wire.values())]


@st.composite
def doubled(draw: st.DrawFn) -> Pairs:
    """A valid client frame in which one key, of the frame or of a map within, stands twice."""
    pairs: Pairs = pairs_of(draw(client_maps | st.sampled_from(NESTED)))
    targets = [pairs] + [value for _, value in pairs if isinstance(value, Pairs) and value]
    target = draw(st.sampled_from(targets))
    key, value = draw(st.sampled_from(target))
    other = draw(st.sampled_from([value] + [each for name, each in target if name != key]))
    target.insert(draw(st.integers(0, len(target))), (key, other))
    return pairs


@given(doubled(), st.data())
def test_a_doubled_key_is_refused_however_it_is_written(pairs: Pairs, data: st.DataObject) -> None:
    assert isinstance(tried(JSON, data.draw(odd_json(pairs))), FrameError)
    assert isinstance(tried(MSGPACK, data.draw(odd_msgpack(pairs))), FrameError)
