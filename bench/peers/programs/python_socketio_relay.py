"""A relay on python-socketio: the same events and callbacks as the one on Node.js.

Tuned: WebSocket only, handlers called in place instead of a task for each event, no room for each
person beside the one that a connection is anyway.
"""

from __future__ import annotations

from typing import Any

import socketio
from asgi_server import serve

server = socketio.AsyncServer(
    async_mode="asgi", transports=["websocket"], async_handlers=False, http_compression=False
)
people: dict[str, str] = {}


@server.event
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
    """A person is the connection that came last under the name."""
    people["@" + auth["name"]] = sid


@server.event
async def join(sid: str, room: str) -> str:
    """Enter a room."""
    await server.enter_room(sid, room)
    return room


@server.event
async def message(sid: str, frame: dict[str, str]) -> str:
    """Pass a message on; what is returned goes to the sender's callback."""
    to = people.get(frame["to"], frame["to"])
    await server.emit("message", frame, to=to, skip_sid=sid)
    return frame["id"]


serve(socketio.ASGIApp(server))
