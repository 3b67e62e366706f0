"""The line between a parent process and its child: messages with their length before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

Heard = TypeVar("Heard")

_encoder = msgspec.msgpack.Encoder(enc_hook=str)


def revive(kind: type[Any], value: Any) -> Any:
    """Paths travel as text."""
    return kind(value)


class Pipe(Generic[Heard]):
    """One end of the line, which hears messages of the kinds `Heard`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        decode: Callable[[bytes], Heard],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decode = decode

    @classmethod
    async def over(cls, end: socket.socket, decode: Callable[[bytes], Heard]) -> Pipe[Heard]:
        """The pipe over one end of a socket pair."""
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end), decode)

    def send(self, message: msgspec.Struct) -> None:
        """Send; where the other end is gone, nobody misses it."""
        if not self._writer.is_closing():
            data = _encoder.encode(message)
            self._writer.write(len(data).to_bytes(4) + data)

    async def receive(self) -> Heard | None:
        """The next message; None when the other end is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(4))
            return self._decode(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def close(self) -> None:
        """Send what waits, then close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return
