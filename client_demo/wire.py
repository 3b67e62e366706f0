"""Frames over a WebSocket, as MessagePack: the only module that knows both libraries."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from .events import Frame

SUBPROTOCOL = Subprotocol("teller.v1.msgpack")
FRAME_BYTES_MAX = 16 * 1024 * 1024
"""Largest frame taken from the hub, in bytes; a page of long messages is the largest there is."""
UNAVAILABLE = 503
"""The HTTP status with which a hub takes no more connections now."""
_SECONDS = re.compile(r"[0-9]{1,4}")
RECONNECT_MAX = 4500
"""Close codes of Teller from here on mean: do not connect again by yourself."""


class WireError(Exception):
    """There is no connection. `final`: trying again cannot help. `code` is the close code.
    `retry_after`: how many seconds the hub asks us to stay away, if it does."""

    def __init__(
        self,
        reason: str,
        final: bool = False,
        code: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.final = final
        self.code = code
        self.retry_after = retry_after


def tls(url: str, ca: Path | None) -> ssl.SSLContext | None:
    """The TLS context for a `wss://` URL, trusting the authority in the file `ca` if given."""
    if not url.startswith("wss:"):
        return None
    return ssl.create_default_context(cafile=ca)


class Wire:
    """One connection. Made by `dial`; both directions raise `WireError` when it ends."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @classmethod
    async def dial(cls, url: str, context: ssl.SSLContext | None) -> Wire:
        """Connect to the hub at `url`.

        Raises:
            WireError: if there is no hub, or it does not speak our protocol.
        """
        try:
            socket = await connect(
                url,
                ssl=context,
                subprotocols=[SUBPROTOCOL],
                compression=None,
                max_size=FRAME_BYTES_MAX,
                close_timeout=2,
                proxy=None,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            wait = _retry_after(error)
            raise WireError(_reason(error), _is_final(error), retry_after=wait) from error
        if socket.subprotocol != SUBPROTOCOL:
            await socket.close()
            raise WireError(f"{url} does not speak {SUBPROTOCOL}", final=True)
        return cls(socket)

    async def send(self, frame: Frame) -> None:
        """Write one frame to the socket."""
        try:
            await self._socket.send(msgpack.packb(frame))
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def receive(self) -> Frame:
        """The next frame from the hub."""
        try:
            payload = await self._socket.recv(decode=False)
        except ConnectionClosed as closed:
            raise _ended(closed) from None
        try:
            frame = msgpack.unpackb(payload)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            raise WireError("the hub sent something that is no frame")
        return frame

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame until the connection ends, which raises `WireError`."""
        while True:
            yield await self.receive()

    async def ask(self, frame: Frame, seconds: float = 20.0) -> Frame:
        """Send `frame` and return its answer; what comes before the answer is skipped.

        For the frames that log in: before the answer to them the hub sends nothing else.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.send(frame)
                while (answer := await self.receive()).get("id") != frame["id"]:
                    if answer.get("type") == "error":
                        break
                return answer
        except TimeoutError:
            raise WireError("the hub does not answer") from None

    def cut(self) -> None:
        """Drop the connection without a word, as a broken network does."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Close the connection in good order."""
        await self._socket.close()


def _ended(closed: ConnectionClosed) -> WireError:
    code = closed.rcvd.code if closed.rcvd else None
    reason = (closed.rcvd.reason if closed.rcvd else "") or "the connection broke"
    return WireError(reason, final=code is not None and code >= RECONNECT_MAX, code=code)


def _is_final(error: Exception) -> bool:
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    return process_exception(error) is not None


def _retry_after(error: Exception) -> int | None:
    """The seconds of a `Retry-After`; a date, which no hub sends, is not looked at."""
    if not isinstance(error, InvalidStatus):
        return None
    seconds = error.response.headers.get("Retry-After", "")
    return int(seconds) if _SECONDS.fullmatch(seconds) else None


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, InvalidStatus) and error.response.status_code == UNAVAILABLE:
        return "the hub takes no more connections now"
    return str(error) or type(error).__name__
