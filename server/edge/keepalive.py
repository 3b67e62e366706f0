"""Pings, idle time-outs and slow clocks: what has to happen every second.

The hub pings, clients answer; any traffic counts as life. The connections are gone through in
slices, so that a hundred thousand of them do not stop the loop at once.
"""

from __future__ import annotations

import asyncio
from itertools import islice

from protocol.errors import Close

from ..peer import Peer
from ..regions.tunnel import Tunnel
from ..services import Services
from .edge import Edge
from .garbage import search
from .transport import Connection
from .wire import PING


async def keep_alive(edge: Edge, services: Services) -> None:
    """Run until cancelled."""
    interval = services.settings.ping_interval_s
    round_: list[Connection] = []
    while True:
        await asyncio.sleep(1.0)
        edge.tick += 1
        services.ages.update(services.store_now())
        waiting = services.entrance.turnstile.waiting or services.aside.waiting
        search(len(edge.connections), busy=bool(waiting))
        if not round_:
            services.forget_full_buckets()
            round_ = list(edge.connections)
            share = -(-len(round_) // interval) if round_ else 0
        now, round_ = list(islice(round_, share)), round_[share:]
        for connection in now:
            try:
                _visit(connection, edge, services)
            except Exception:  # one connection's trouble must not end the care for the others
                services.log.exception("a connection could not be looked after")


def _visit(connection: Connection, edge: Edge, services: Services) -> None:
    if connection.closing or connection.guest is None:
        return
    if edge.tick - connection.seen > services.settings.idle_timeout_s:
        services.counters.idle += 1
        if isinstance(connection.guest, Peer | Tunnel):
            connection.guest.goodbye(Close.IDLE, "idle")
        return
    connection.outbox.put(PING)
