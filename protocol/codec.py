"""Bytes to typed frames and back, as JSON text or MessagePack, validated in one pass.

Any bytes decode to a frame or raise `FrameError`; nothing else escapes. Decoding is typed all the
way down (no field takes any value), so nesting is bounded by the schema; the size is bounded by
the caller's frame limit and checked here again.

The libraries keep the last of two equal keys. In a frame that moves money that would let two
readers see two amounts, so duplicate keys are refused: by counting where that is enough (JSON
quotes, the MessagePack map header), by a second, exact reading where it is not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import itemgetter, methodcaller
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from .errors import Code, FrameError
from .frames import (
    FRAME_BYTES_MAX,
    AnyClientFrame,
    AnyHubFrame,
    ClientFrame,
    HubFrame,
    Message,
    Payment,
)

_CODE_OF_FIELD = {
    "id": Code.ID_INVALID,
    "of": Code.ID_INVALID,
    "up_to": Code.ID_INVALID,
    "handle": Code.NAME_INVALID,
    "to": Code.NAME_INVALID,
    "room": Code.NAME_INVALID,
    "box": Code.NAME_INVALID,
    "who": Code.NAME_INVALID,
    "text": Code.TEXT_INVALID,
    "amount": Code.AMOUNT_INVALID,
    "password": Code.PASSWORD_INVALID,
    "type": Code.UNKNOWN_TYPE,
}


class _Probe(Struct):
    """Reads only the id of a frame that was refused, so that the answer can name it."""

    id: str | UnsetType = UNSET


class _InnerMaps(Struct):
    """The maps within a frame, not decoded yet."""

    ref: msgspec.Raw = msgspec.Raw()
    thread: msgspec.Raw = msgspec.Raw()
    cursors: msgspec.Raw = msgspec.Raw()


class Codec:
    """One encoding of the protocol; `JSON` and `MSGPACK` are the two there are."""

    def __init__(
        self,
        subprotocol: str,
        text: bool,
        library: Any,
        sign: Callable[[bytes], int],
        bare_sign: dict[type[ClientFrame], int],
        has_duplicates: Callable[[bytes, ClientFrame], bool],
    ) -> None:
        self.subprotocol = subprotocol
        """The WebSocket subprotocol that selects this encoding."""
        self.text = text
        """Whether a frame travels as a text message (else binary)."""
        self.encode: Callable[[HubFrame | ClientFrame], bytes] = library.Encoder().encode
        self._client_frame: Callable[[bytes], ClientFrame] = library.Decoder(AnyClientFrame).decode
        self._hub_frame: Callable[[bytes], HubFrame] = library.Decoder(AnyHubFrame).decode
        self._probe: Callable[[bytes], _Probe] = library.Decoder(_Probe).decode
        self._sign = sign
        self._bare_sign = bare_sign
        """What `sign` gives for a hot frame that holds what it must and no more, so that no key
        can stand in it twice. One look, in C, where the exact answer takes a call."""
        self._has_duplicates = has_duplicates

    def decode_client_frame(self, payload: bytes) -> ClientFrame:
        """The frame that a client sent.

        Raises:
            FrameError: with a code of the form class, and the frame's id if it could be read.
        """
        if len(payload) > FRAME_BYTES_MAX:
            raise FrameError(Code.MALFORMED, reason="too large", limit=FRAME_BYTES_MAX)
        try:
            frame = self._client_frame(payload)
        except msgspec.ValidationError as error:
            raise self._refusal(payload, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise FrameError(Code.MALFORMED) from None
        bare = self._sign(payload) == self._bare_sign.get(type(frame))
        if not bare and self._has_duplicates(payload, frame):
            id = getattr(frame, "id", None)
            raise FrameError(Code.MALFORMED, id, reason="duplicate key")
        return frame

    def decode_hub_frame(self, payload: bytes) -> HubFrame:
        """The frame that a hub sent; fields that we do not know are skipped.

        Raises:
            FrameError: `malformed` or `unknown_type`.
        """
        try:
            return self._hub_frame(payload)
        except msgspec.ValidationError as error:
            code = Code.UNKNOWN_TYPE if "$.type" in str(error) else Code.MALFORMED
            raise FrameError(code, reason=str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise FrameError(Code.MALFORMED) from None

    def _refusal(self, payload: bytes, reason: str) -> FrameError:
        """What is wrong with a payload that parses but is no frame of ours."""
        path = reason.rpartition("`$.")[2].rstrip("`") if "`$." in reason else ""
        code = _CODE_OF_FIELD.get(path.partition(".")[0].partition("[")[0], Code.MALFORMED)
        if "unknown field" in reason:
            code = Code.MALFORMED
        try:
            id = self._probe(payload).id
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            id = UNSET
        usable = id if id is not UNSET and 1 <= len(id) <= 36 else None
        return FrameError(code, usable, reason=reason[:200])


_inner_maps: Callable[[bytes], _InnerMaps] = msgspec.msgpack.Decoder(_InnerMaps).decode


def _no_duplicates(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise KeyError


_read_exactly = json.JSONDecoder(object_pairs_hook=_no_duplicates).decode

_quotes = methodcaller("count", b'"')
_BARE_QUOTES: dict[type[ClientFrame], int] = {Message: 16, Payment: 18}
"""A message has four keys and four strings. More quotes are needed for `ref`, for a doubled key,
and for a quote in the text."""
_head = itemgetter(0)
_BARE_HEADS: dict[type[ClientFrame], int] = {Message: 0x84, Payment: 0x85}
"""The header of a map with as many pairs as the frame must have."""


def _json_has_duplicates(payload: bytes, frame: ClientFrame) -> bool:
    """Exact for every frame; for a payment usually by counting quotes."""
    if type(frame) is Payment and _quotes(payload) == _BARE_QUOTES[Payment] + 4 * _options(frame):
        return False
    try:
        _read_exactly(payload.decode())
    except (KeyError, RecursionError, ValueError):
        return True
    return False


def _msgpack_has_duplicates(payload: bytes, frame: ClientFrame) -> bool:
    """Compares the number of pairs that each map header announces with the pairs that came."""
    if type(frame) is Payment and payload[0] == _BARE_HEADS[Payment] + _options(frame):
        return False
    if _map_is_longer(payload):
        return True
    inner = _inner_maps(payload)
    found = (bytes(inner.ref), bytes(inner.thread), bytes(inner.cursors))
    return any(_map_is_longer(raw) for raw in found if raw)


def _options(frame: Payment) -> int:
    """How many of the fields that a payment may leave out it has."""
    return (frame.text is not UNSET) + (frame.room is not UNSET) + (frame.durable is not UNSET)


def _map_is_longer(payload: bytes) -> bool:
    head = payload[0]
    if head & 0xF0 == 0x80:
        announced = head & 0x0F
    else:  # map 16 or map 32
        announced = int.from_bytes(payload[1 : 3 if head == 0xDE else 5], "big")
    return announced != len(msgspec.msgpack.decode(payload))


JSON = Codec("teller.v1.json", True, msgspec.json, _quotes, _BARE_QUOTES, _json_has_duplicates)
"""JSON text; also for clients that ask for no subprotocol."""
MSGPACK = Codec(
    "teller.v1.msgpack", False, msgspec.msgpack, _head, _BARE_HEADS, _msgpack_has_duplicates
)
"""MessagePack, binary: smaller and cheaper."""

CODECS = {codec.subprotocol: codec for codec in (MSGPACK, JSON)}
"""Codecs by subprotocol, in the hub's order of preference."""
