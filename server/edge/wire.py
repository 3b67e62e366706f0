"""WebSocket frames as bytes, built once and shared by every recipient.

A server's frames are not masked and Teller uses no extensions, so the bytes of a frame are the same
for every connection of the same encoding.
"""

from __future__ import annotations

from struct import Struct

from protocol.codec import Codec
from protocol.frames import HubFrame

TEXT = 0x81
BINARY = 0x82
PING = b"\x89\x00"
"""A ping without payload, ready to send."""


_SHORT = {opcode: [bytes((opcode, length)) for length in range(126)] for opcode in (TEXT, BINARY)}
_MEDIUM = Struct(">BBH").pack
_LONG = Struct(">BBQ").pack


def header(opcode: int, length: int) -> bytes:
    """The header of an unmasked, final frame of `length` bytes (RFC 6455, section 5.2)."""
    if length < 126:
        return _SHORT[opcode][length]
    if length < 65_536:
        return _MEDIUM(opcode, 126, length)
    return _LONG(opcode, 127, length)


def masked_size(length: int) -> int:
    """Bytes of a client's frame around a payload of `length` bytes, in its shortest form."""
    return 6 + length + (0 if length < 126 else 2 if length < 65_536 else 8)


def pack(codec: Codec, frame: HubFrame) -> bytes:
    """`frame`, encoded and framed: what goes to the socket."""
    payload = codec.encode(frame)
    length = len(payload)
    opcode = TEXT if codec.text else BINARY
    if length < 126:  # acks: as `header` does, without a call
        return _SHORT[opcode][length] + payload
    if length < 65_536:
        return _MEDIUM(opcode, 126, length) + payload
    return header(opcode, length) + payload


def is_utf8(payload: bytes) -> bool:
    """Whether a text message may hold `payload`."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
