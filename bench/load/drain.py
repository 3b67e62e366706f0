"""The end of a window: what is still out comes in, and who was cut off comes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic_ns
from typing import TYPE_CHECKING

from .accounts import LOOK_SECONDS
from .dialects.base import RefusedError

if TYPE_CHECKING:
    from .connection import Connection
    from .window import Window

LATE_SECONDS = 0.05
"""What comes twice comes a little later."""


async def drain(window: Window) -> None:
    """Wait for the answers still out; bring back who went away meanwhile. A delivery too many does
    not end the wait."""
    deadline = monotonic_ns() + window.plan.drain * 1e9
    routes, copies = window.router.routes, window.router.copies
    every = sum(copies(routes[one]) * n for one, n in Counter(window.route_of).items())
    while monotonic_ns() < deadline:
        refused = [routes[window.route_of[op - window.first]] for op in window.refused]
        sent, due = len(window.sent_at) - len(refused), every - sum(map(copies, refused))
        away, window.away = window.away, set()
        await asyncio.gather(*(_bring_back(window, number) for number in away))
        mark = window.mark()
        acked = window.ends_with_delivery or mark.acked >= sent
        acked &= not window.settles or mark.settled >= sent
        if acked and mark.delivered >= due and not window.away:
            break
        await asyncio.sleep(LOOK_SECONDS)
    await asyncio.sleep(LATE_SECONDS)


async def _bring_back(window: Window, number: int) -> None:
    gone = window.connections[number]
    try:
        back = window.connections[number] = await window.revive(window, gone)
    except (RefusedError, OSError, TimeoutError) as error:
        window.errors.append(f"{gone.name} could not come back: {error}")
    else:
        back.window = window
        window.returned += 1


def seen_by(connection: Connection, window: Window, room: str) -> dict[str, int]:
    """Its cursors, after what it got in the window so far."""
    box, name = connection.dialect.box, connection.name
    boxes = {kind: box(kind, name, room) for kind in window.router.kinds}
    logs = (connection.acks, connection.deliveries, connection.settlements)
    ops = [op for log in logs for op in log.ops()]
    kinds = Counter(map(window.kind, ops))
    seen = dict(connection.cursors)
    for kind, number in kinds.items():
        if kind and boxes[kind]:
            seen[boxes[kind]] = seen.get(boxes[kind], 0) + number
    return seen
