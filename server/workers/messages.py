"""What a parent and its workers say to each other, and the pipe that carries it.

A parent lives longer than its workers, and a worker may be of a newer version (rolling restart):
fields that one does not know are ignored, and new ones need a default.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec

from ..config import Settings


class Family(msgspec.Struct):
    """One metric of a worker, with its samples."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, dict[str, str], float]]


class Start(msgspec.Struct, tag=True):
    """Parent: serve with these settings."""

    settings: Settings


class Ready(msgspec.Struct, tag=True):
    """Worker: clients can connect."""


class Failed(msgspec.Struct, tag=True):
    """Worker: it cannot start, and why."""

    message: str


class Look(msgspec.Struct, tag=True):
    """Parent: tell me your figures."""

    number: int


class Figures(msgspec.Struct, tag=True):
    """Worker: the answer to a `Look`; the last ones of a worker that ends have number 0."""

    number: int
    store_up: bool
    families: list[Family]


class Ask(msgspec.Struct, tag=True):
    """Worker: somebody wants the page `path`, which is about all workers."""

    number: int
    path: str


class Page(msgspec.Struct, tag=True):
    """Parent: the answer to an `Ask`."""

    number: int
    status: int
    kind: str
    body: str


Message = Start | Ready | Failed | Look | Figures | Ask | Page


def _revive(kind: type[Any], value: Any) -> Any:
    """Paths travel as text."""
    return kind(value)


_encoder = msgspec.msgpack.Encoder(enc_hook=str)
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message, dec_hook=_revive)


class Pipe:
    """One end of the line between a parent and a worker: messages with their length before."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Pipe:
        """The pipe over one end of a socket pair."""
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end))

    def send(self, message: Message) -> None:
        """Send; where the other end is gone, nobody misses it."""
        if not self._writer.is_closing():
            data = _encoder.encode(message)
            self._writer.write(len(data).to_bytes(4) + data)

    async def receive(self) -> Message | None:
        """The next message; None when the other end is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(4))
            return _decoder.decode(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def close(self) -> None:
        """Send what waits, then close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return
