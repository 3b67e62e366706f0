"""A client far from home: its messages are carried on to a hub of its home region, unread.

The client's connection stays where it is near; behind it stands another one, to the home region,
which speaks the same encoding. Both ways are bounded in bytes: where one side does not read, the
other is not read either.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from protocol.codec import Codec
from protocol.errors import Close
from protocol.frames import Goodbye

from ..edge.wire import BINARY, TEXT, header, pack

if TYPE_CHECKING:
    from ..edge.transport import Connection

AHEAD_BYTES_MAX = 256 * 1024
"""What may wait for the home region; beyond it the client's socket is not read."""
POLL_S = 0.01
"""How often it is looked whether a slow client has taken what was sent."""
RETRY_MS = 500
NORMAL = 1000
_NO_CODE = 1005
"""Stands for a close without a code, and is never sent (RFC 6455, section 7.4.1)."""


class Tunnel:
    """A `Guest` of the transport that knows only bytes."""

    def __init__(
        self,
        connection: Connection,
        codec: Codec,
        socket: ClientConnection,
        ended: Callable[[Tunnel], None],
    ) -> None:
        """`socket` is the connection to the home region; `ended` is told when all is over."""
        self._connection = connection
        self._codec = codec
        self._socket = socket
        self._ahead: deque[tuple[bytes, bool]] = deque()
        """What the client sent, and whether as text."""
        self._size = 0
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: ended(self))
        self._log = structlog.get_logger("regions")

    # Called by the transport.

    def receive(self, payload: bytes, text: bool) -> None:
        """Take one message of the client."""
        self._ahead.append((payload, text))
        self._size += len(payload)
        self._more.set()
        if self._size > AHEAD_BYTES_MAX:
            self._reads(False)

    def lost(self) -> None:
        """The client is gone."""
        self._task.cancel()

    async def end(self) -> None:
        """The hub stops."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def slow(self) -> None:
        """One large message waits for the client; nothing more is read for it meanwhile."""

    # Called by who looks after connections.

    def goodbye(self, code: Close, reason: str, retry_after_ms: int = RETRY_MS) -> None:
        """Close the client's connection, and ask it to come back. It knows its cursors."""
        if not self._connection.closing:
            self.put(pack(self._codec, Goodbye(reason, retry_after_ms)))
            self._connection.close(code, reason)
        self.lost()

    def put(self, data: bytes) -> None:
        """Send bytes that are framed already."""
        self._connection.outbox.put(data)

    def carry(self, data: bytes) -> None:
        """Send one message of the home region."""
        self.put(header(TEXT if self._codec.text else BINARY, len(data)) + data)

    # Private.

    async def _run(self) -> None:
        up = asyncio.create_task(self._up())
        try:
            await self._down()
        except ConnectionClosed as closed:
            self._closed(closed)
        except Exception:
            self._log.exception("a tunnel failed")
            self.goodbye(Close.GOING_AWAY, "the way to the home region broke")
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            await self._socket.close()

    async def _up(self) -> None:
        """To the home region. That it is gone is found by `_down`."""
        try:
            while True:
                while self._ahead:
                    payload, text = self._ahead.popleft()
                    await self._socket.send(payload, text=text)
                    self._size -= len(payload)
                    if self._size <= AHEAD_BYTES_MAX:
                        self._reads(True)
                self._more.clear()
                await self._more.wait()
        except WebSocketException:
            pass

    async def _down(self) -> None:
        outbox = self._connection.outbox
        while True:
            self.carry(await self._socket.recv(decode=False))
            while outbox.size:  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)

    def _closed(self, closed: ConnectionClosed) -> None:
        """The home region has closed, or does not answer any more: so do we, in the same words."""
        if closed.rcvd is None:
            self.goodbye(Close.GOING_AWAY, "the way to the home region broke")
            return
        code = NORMAL if closed.rcvd.code == _NO_CODE else closed.rcvd.code
        self._connection.close(code, closed.rcvd.reason)

    def _reads(self, wanted: bool) -> None:
        transport = self._connection.transport
        if transport.is_closing():
            return
        if wanted:
            transport.resume_reading()
        else:
            transport.pause_reading()
