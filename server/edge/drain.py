"""How a hub stops: posts finish, and clients are asked to come back elsewhere or later."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from protocol.errors import Close

from ..peer import Peer
from ..regions.tunnel import Tunnel
from ..services import Services
from .edge import Edge

SPREAD_MS_MIN = 1_000
"""They are asked to come back spread over a millisecond for each, and at least this long."""
POLL_S = 0.01
GOING_AWAY = 1001
"""The close code for whoever is no client (RFC 6455, section 7.4.1)."""


def farewell(edge: Edge) -> None:
    """Say goodbye to everyone; they are asked to come back spread over a while."""
    going = list(edge.connections)
    spread = max(SPREAD_MS_MIN, len(going))
    for connection in going:
        if isinstance(connection.guest, Peer | Tunnel):
            wait = secrets.randbelow(spread)
            connection.guest.goodbye(Close.GOING_AWAY, "the hub stops", retry_after_ms=wait)
        elif connection.guest is not None:
            connection.close(GOING_AWAY, "the hub stops")


async def drain(services: Services, edge: Edge) -> None:
    """Read nothing more, let posts finish, then say goodbye to everyone."""
    loop = asyncio.get_running_loop()
    until = loop.time() + services.settings.drain_timeout_s
    edge.admit = lambda address: 1_000  # whoever is about to come in is asked to try again
    _read(edge, False)
    await _until(lambda: services.idle, until)
    farewell(edge)
    _read(edge, True)
    await _until(lambda: not edge.connections, until)
    for connection in list(edge.connections):
        connection.transport.abort()


async def _until(done: Callable[[], bool], until: float) -> None:
    loop = asyncio.get_running_loop()
    while not done() and loop.time() < until:  # noqa: ASYNC110 (nobody tells when)
        await asyncio.sleep(POLL_S)


def _read(edge: Edge, wanted: bool) -> None:
    """Read from the clients' sockets, or leave what they send where it is."""
    for connection in edge.connections:
        transport = connection.transport
        if not transport.is_closing():
            if wanted:
                transport.resume_reading()
            else:
                transport.pause_reading()
