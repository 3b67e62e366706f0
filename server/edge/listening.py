"""Opens the port: plain or with TLS, on an address or on sockets that are bound already."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial

from ..config import Settings, SettingsError

BACKLOG = 4_096
"""Connections that may wait to be accepted."""


async def listen(
    settings: Settings,
    connection: Callable[[], asyncio.Protocol],
    bound: Sequence[socket.socket] = (),
) -> list[asyncio.Server]:
    """Make a `connection` of whatever connects to the sockets `bound`, or else to host and port.

    Raises:
        SettingsError: if the port or the certificate cannot be used.
    """
    host, port = settings.host, settings.port
    loop = asyncio.get_running_loop()
    create = partial(loop.create_server, connection, ssl=_tls(settings), backlog=BACKLOG)
    try:
        if bound:
            return [await create(sock=one) for one in bound]
        return [await create(host=host, port=port)]
    except OSError as error:
        raise cannot_listen(host, port, error) from None


def cannot_listen(host: str, port: int, error: OSError) -> SettingsError:
    """What to tell people."""
    return SettingsError(f"cannot listen on {host}:{port}: {error.strerror or error}")


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"the TLS certificate cannot be used: {error}") from None
    return context
