"""The two encodings as the generator needs them: prebuilt frames, and where to look in answers.

An answer is not decoded. Its kind is the first letter of its `type`, which the protocol's tagged
maps put first; its id is found by a byte search. Ids are decimal and of one width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import orjson

from .wire import BINARY, TEXT, masked

ID_DIGITS = 12
"""Width of an id: enough for a million operations a second for eleven days."""

ACK = ord("a")
ENTRIES = frozenset(b"mp")
"""First letters of the entries that are counted: message, payment."""

Frame = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """One encoding of the protocol."""

    name: str
    subprotocol: str
    opcode: int
    encode: Callable[[Frame], bytes]
    decode: Callable[[bytes], Frame]
    kind_at: int
    """Offset of the first letter of `type`'s value in a payload."""
    id_mark: bytes
    """What stands directly before the digits of an id."""

    def frame(self, frame: Frame) -> bytes:
        """`frame` as the bytes to send."""
        return masked(self.opcode, self.encode(frame))

    def template(self, frame: Frame) -> bytes:
        """`frame`, without its id, as a bytes format: ``template % op`` is the frame of that id."""
        blank = "0" * ID_DIGITS
        tagged = {"type": frame["type"], "id": blank, **frame}
        head, _, tail = self.frame(tagged).partition(blank.encode())
        return head.replace(b"%", b"%%") + b"%%0%dd" % ID_DIGITS + tail.replace(b"%", b"%%")


DIALECTS = {
    "json": Dialect(
        name="json",
        subprotocol="teller.v1.json",
        opcode=TEXT,
        encode=orjson.dumps,
        decode=orjson.loads,
        kind_at=len(b'{"type":"'),
        id_mark=b'"id":"',
    ),
    "msgpack": Dialect(
        name="msgpack",
        subprotocol="teller.v1.msgpack",
        opcode=BINARY,
        encode=msgpack.packb,
        decode=msgpack.unpackb,
        kind_at=len(b"\x84\xa4type\xa3"),
        id_mark=b"\xa2id" + bytes((0xA0 | ID_DIGITS,)),
    ),
}
