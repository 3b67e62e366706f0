"""WebSocket by hand, the client's side: the handshake, masked frames, and a scan of headers.

Frames are masked with the key 0, which RFC 6455 allows and which leaves the payload as it is, so
that a frame can be built beforehand. The server unmasks it at the same cost as any other.
"""

from __future__ import annotations

import os
from base64 import b64encode

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_DATA = (0x80 | TEXT, 0x80 | BINARY)
_RUN_MIN = 4
"""Frames from which on it is cheaper to compare all headers at once than to walk over them."""


class WireError(Exception):
    """The peer did not speak WebSocket as a server must."""


def handshake(host: str, port: int, path: str = "/ws", subprotocol: str | None = None) -> bytes:
    """The opening request for `path`."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """`payload` as one whole client frame, masked with the key 0."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def spans(data: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """The whole server frames in `data`, as opcode, start and end of the payload, and how many
    bytes they take; what follows is the beginning of a frame still to come.

    Raises:
        WireError: on a fragmented or a masked frame; no system measured here sends one.
    """
    found: list[tuple[int, int, int]] = []
    position, total = 0, len(data)
    while position + 2 <= total:
        first, size = data[position], data[position + 1]
        start = position + 2
        if size > 125:
            width = 2 if size == 126 else 8
            if size > 127:
                raise WireError("a masked frame from a server")
            start += width
            if start > total:
                break
            size = int.from_bytes(data[start - width : start], "big")
        if first < 0x80:
            raise WireError("a fragmented frame")
        end = start + size
        if end > total:
            break
        found.append((first & 0x0F, start, end))
        position = end
    return found, position


def whole(data: bytes) -> tuple[int, int, bool]:
    """How many bytes the whole frames at the beginning of `data` take, how many frames they are,
    and whether all of them are unfragmented messages. If not, `spans` has to look."""
    total = len(data)
    if total >= 4:  # mostly a read brings one whole frame
        size = data[1]
        end = 2 + size if size < 126 else 4 + (data[2] << 8 | data[3]) if size == 126 else 0
        if end == total:
            return total, 1, data[0] in _DATA
    at = _run(data)
    frames = at and at // (4 + (data[2] << 8 | data[3]) if data[1] == 126 else 2 + data[1])
    plain = True
    while at + 1 < total:
        size = data[at + 1]
        if size < 126:
            end = at + 2 + size
        elif size == 126:
            if at + 4 > total:
                break
            end = at + 4 + (data[at + 2] << 8 | data[at + 3])
        elif size > 127:
            return total, frames, False  # masked: `spans` refuses it
        else:
            if at + 10 > total:
                break
            end = at + 10 + int.from_bytes(data[at + 2 : at + 10], "big")
        if end > total:
            break
        if data[at] not in _DATA:
            plain = False
        frames += 1
        at = end
    return at, frames, plain


def _run(data: bytes) -> int:
    """Bytes at the beginning of `data` that are messages of one and the same length; 0 where
    they are too few to be worth it.

    If the header of the first frame stands again at each multiple of that frame's length, then,
    by induction, a frame begins at each of them. Slices with a stride compare them all in C.
    """
    if len(data) < 4 or data[0] not in _DATA or data[1] > 126:
        return 0
    medium = data[1] == 126
    each = 4 + (data[2] << 8 | data[3]) if medium else 2 + data[1]
    times = len(data) // each
    if times < _RUN_MIN:
        return 0
    end = times * each
    for column in range(4 if medium else 2):
        if data[column:end:each] != data[column : column + 1] * times:
            return 0
    return end
