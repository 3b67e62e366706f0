"""WebSocket by hand, the client's side: the handshake, masked frames, and a scan of headers.

Frames are masked with the key 0, which RFC 6455 allows and which leaves the payload as it is, so
that a frame can be built beforehand. The server unmasks it at the same cost as any other.
"""

from __future__ import annotations

import os
from base64 import b64encode

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WireError(Exception):
    """The peer did not speak WebSocket as a server must."""


def handshake(host: str, port: int, subprotocol: str) -> bytes:
    """The opening request for `/ws`."""
    lines = (
        "GET /ws HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {subprotocol}",
    )
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
