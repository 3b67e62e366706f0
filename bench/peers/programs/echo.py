"""Sends back what it gets: bytes over bare TCP (`tcp`), or messages over the hub's own WebSocket
transport (`websocket`). It serves on a free port, which it prints, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import cast

import uvloop

from protocol.codec import Codec
from server.edge.edge import Edge
from server.edge.outbox import Flusher
from server.edge.transport import Connection
from server.edge.wire import BINARY, TEXT, header


class Tcp(asyncio.Protocol):
    """A connection without frames."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Guest:
    """Whoever sits behind a WebSocket."""

    def __init__(self, connection: Connection, codec: Codec) -> None:
        del codec
        connection.at_home()
        self._connection, self._put = connection, connection.outbox.put

    def receive(self, payload: bytes, text: bool) -> None:
        """One message: send it back."""
        self._put(header(TEXT if text else BINARY, len(payload)) + payload)

    def lost(self) -> None:
        """The socket is gone."""

    def slow(self) -> None:
        """The reader does not keep up."""
        self._connection.close(4005, "slow")


async def main(framing: str) -> None:
    """Entry of the program; `framing` is ``tcp`` or ``websocket``."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    edge = Edge(Flusher(loop), Guest, lambda path: (404, "text/plain", path))
    made = Tcp if framing == "tcp" else lambda: Connection(edge)
    server = await loop.create_server(made, "127.0.0.1", 0, backlog=4_096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
