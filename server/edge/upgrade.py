"""The common request of a WebSocket client, read and answered without the library.

In a storm of comings the library's reading of the request is the dearest step of each. As with
frames, this path decides nothing by itself: it knows requests that the library accepts, answers
them with the library's bytes, and leaves every other one to it.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import NamedTuple

from websockets.utils import accept_key

from protocol.codec import CODECS

HEAD_BYTES_MAX = 2_048
"""Browsers send about 600."""
_REQUEST = re.compile(
    rb"GET /ws(?:\?[!-~]*)? HTTP/1\.1\r\n((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t -~]*\r\n){4,40})\r\n"
)
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
"""16 bytes in base64."""
_FALLS_THROUGH = (b"content-length", b"transfer-encoding")


class Upgrade(NamedTuple):
    """A request that is accepted if there is room."""

    subprotocol: str
    """Empty: none was asked for."""
    response: bytes
    length: int
    """Bytes of the request; what follows are frames."""


def read_common(data: bytes, strange: tuple[bytes, ...] = ()) -> Upgrade | None:
    """The request that `data` begins with, if it is a whole one of the common kind. Header fields
    named in `strange`, in lower case, are somebody else's business."""
    end = data.find(b"\r\n\r\n", 0, HEAD_BYTES_MAX) + 4
    match = _REQUEST.fullmatch(data, 0, end) if end > 4 else None
    if match is None:
        return None
    lines = match[1].split(b"\r\n")[:-1]
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip(b" \t")
    if len(fields) < len(lines) or any(name in fields for name in (*_FALLS_THROUGH, *strange)):
        return None
    key = fields.get(b"sec-websocket-key", b"")
    subprotocol = fields.get(b"sec-websocket-protocol")
    if (
        fields.get(b"upgrade", b"").lower() != b"websocket"
        or fields.get(b"connection", b"").lower() not in (b"upgrade", b"keep-alive, upgrade")
        or fields.get(b"sec-websocket-version") != b"13"
        or not _KEY.fullmatch(key)
        or (subprotocol is not None and subprotocol.decode() not in CODECS)
    ):
        return None
    name = "" if subprotocol is None else subprotocol.decode()
    return Upgrade(name, _response(key.decode(), name), end)


def _response(key: str, subprotocol: str) -> bytes:
    chosen = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        f"Date: {formatdate(usegmt=True)}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n{chosen}\r\n"
    ).encode()
