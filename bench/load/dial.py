"""Opening a load connection, from more than one local address where one has too few ports."""

from __future__ import annotations

import asyncio
import socket

from .connection import Connection
from .dialects.base import Dialect

Address = tuple[str, int]
"""Host and port."""
OPEN_SECONDS = 30
PER_ADDRESS = 19_000
"""Connections from one local address to one port; the kernel's default range holds 28,000."""
IP_BIND_ADDRESS_NO_PORT = 24
"""From linux/in.h: the port is chosen when the other end is known, so that more can share it."""


async def dial(
    dialect: Dialect, host: str, port: int, name: str = "", source: str = ""
) -> Connection:
    """A connection through its handshake, from the local address `source` if given.

    Raises:
        RefusedError: if the server does not upgrade.
        OSError: if nobody listens.
        TimeoutError: after 30 seconds.
    """
    loop = asyncio.get_running_loop()
    made = lambda: Connection(dialect, host, port, name)  # noqa: E731
    if source:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
            await loop.sock_connect(sock, (host, port))
        except BaseException:
            sock.close()
            raise
        _, connection = await loop.create_connection(made, sock=sock)
    else:
        _, connection = await loop.create_connection(made, host, port)
    async with asyncio.timeout(OPEN_SECONDS):
        await connection.upgraded
    return connection


def source_of(number: int, host: str) -> str:
    """The local address of connection `number` of all processes, counted from 0; the default one
    for the first of them and for a host that is not this machine's."""
    address = number // PER_ADDRESS
    return f"127.0.0.{address + 1}" if address and host.startswith("127.") else ""
