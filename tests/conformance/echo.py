"""The hub's own WebSocket edge with an echo behind it, for the conformance cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from protocol.codec import Codec
from server.edge.edge import Edge
from server.edge.outbox import Flusher
from server.edge.transport import Connection
from server.edge.wire import BINARY, TEXT, header

ECHO_BYTES_MAX = 64 * 1024 * 1024
"""The largest cases send 16 MiB; some of them all at once in small frames."""


class Echo:
    """A guest that sends back what it gets."""

    def __init__(self, connection: Connection, codec: Codec) -> None:
        self._connection = connection
        connection.at_home()

    def receive(self, payload: bytes, text: bool) -> None:
        head = header(TEXT if text else BINARY, len(payload))
        self._connection.outbox.put(head + payload)

    def lost(self) -> None: ...

    def slow(self) -> None:
        self._connection.close(4001, "slow")


def echo_edge() -> Edge:
    """An edge as the hub's, with room for the big cases."""
    return Edge(
        Flusher(asyncio.get_running_loop()),
        Echo,
        lambda path, reply: reply(404, "text/plain", "nothing here\n"),
        frame_bytes_max=ECHO_BYTES_MAX,
        outbox_bytes_max=ECHO_BYTES_MAX,
    )


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """Serve echoes; gives the URL."""
    edge = echo_edge()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(edge), "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    finally:
        server.close()
        for connection in list(edge.connections):
            connection.transport.abort()
