"""socket.io's own framing (Engine.IO 4, Socket.IO 5) over a bare WebSocket.

`4` is a message of Engine.IO; in it `0` connects, `2` is an event and `3` the answer to one, which
carries the event's number and what the other side handed to the callback: here the id.
"""

from __future__ import annotations

import re

import orjson

from .base import BLANK, ID_DIGITS, Dialect, Line

CONNECTED = re.compile(rb"^40\{")
JOINED = re.compile(rb'^430\["')


class SocketIO(Dialect):
    """Events `join` and `message` of the relays in `bench/peers/programs`."""

    name = "socketio"
    path = "/socket.io/?EIO=4&transport=websocket"
    ack = re.compile(rb'43\d+\["(\d{%d})"\]' % ID_DIGITS)
    delivery = re.compile(rb'42\["message",\{"id":"(\d{%d})"' % ID_DIGITS)
    refusal = re.compile(rb"^4?41$|^44")
    keepalive = (b"2", b"3")

    async def enter(self, line: Line) -> str:
        """Connect to the default namespace under the account's name; there are no tokens."""
        await line.ask(b"40" + orjson.dumps({"name": line.name}), CONNECTED)
        return ""

    async def join(self, line: Line, room: str, first: bool) -> None:
        """Rooms come into being with their first member."""
        await line.ask(b"420" + orjson.dumps(["join", f"#{room}"]), JOINED)

    def operation(self, kind: str, name: str, to: str, size: int) -> bytes:
        """An event that asks for its callback; the id is its number too."""
        del name  # the server knows it
        address = ("#" if kind == "room" else "@") + to
        frame = {"id": BLANK, "to": address, "text": "x" * size}
        return f"42{BLANK}".encode() + orjson.dumps(["message", frame])
