"""Stands before the handlers: a frame that names somebody is handled when their home is known.

Mostly it is, and nothing is asked. Else the frame waits, with all later ones of its connection, so
that their order is kept. Nobody else waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from protocol.errors import Code, FrameError
from protocol.frames import (
    Accept,
    Ban,
    Block,
    Create,
    Decline,
    Delete,
    Delivered,
    Edit,
    Forward,
    Invite,
    Join,
    Kick,
    Leave,
    Members,
    Message,
    Mute,
    Payment,
    Pin,
    React,
    Read,
    Role,
    Topic,
    Unblock,
)

from .link import Unreachable

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services
    from .directory import Directory

FIND_S = 3.0
"""How long a frame waits for the directory; then it is `unavailable`. The longest way round the
earth and back takes less than half a second."""
HELD_MAX = 1_000
"""Frames of one connection that may wait; more are `busy`."""

Handler = Callable[..., None]
_TO = (Message, Read, Delivered, Payment, Edit, Delete, React, Pin, Forward)
_ROOM = (Join, Leave, Members)
_IN_ROOM = (Invite, Kick, Ban, Mute, Role, Topic, Accept, Decline)
_WHO = (Block, Unblock)


def names_in(frame: Any) -> list[str]:
    """Whose home must be known before `frame` can be handled."""
    if isinstance(frame, _ROOM):
        return [frame.room]
    if isinstance(frame, _IN_ROOM):
        named = getattr(frame, "room", None), getattr(frame, "who", None)
        return [name for name in named if isinstance(name, str)]
    if isinstance(frame, _WHO):
        return [frame.who]
    if not isinstance(frame, _TO):
        return []
    room = getattr(frame, "box", getattr(frame, "room", None))
    return [frame.to, room] if isinstance(room, str) else [frame.to]


class Homes:
    """Holds frames until the homes of those they name are known."""

    def __init__(self, services: Services, directory: Directory) -> None:
        self._services = services
        self._directory = directory
        self._handlers: dict[type[Any], Handler] = {}
        self._held: dict[Peer, deque[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def before(self, handlers: dict[type[Any], Handler]) -> dict[type[Any], Handler]:
        """`handlers`, with this before each of them."""
        self._handlers = handlers
        return dict.fromkeys(handlers, self.take)

    def take(self, services: Services, peer: Peer, frame: Any) -> None:
        """Handle `frame` now, or when its turn comes."""
        queue = self._held.get(peer)
        if queue is None:
            if self._all_known(frame):
                self._handle(services, peer, frame)
                return
            queue = self._held[peer] = deque()
            task = asyncio.create_task(self._work(peer, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(queue) >= HELD_MAX:
            raise FrameError(Code.BUSY, getattr(frame, "id", None))
        queue.append(frame)

    # Private.

    def _all_known(self, frame: Any) -> bool:
        known = self._directory.known
        if isinstance(frame, Create):
            return known(frame.room) is not None
        return all(known(name) is not None for name in names_in(frame))

    async def _work(self, peer: Peer, queue: deque[Any]) -> None:
        """Handle the frames of `queue` in order."""
        while queue and not peer.gone:
            frame = queue[0]
            try:
                async with asyncio.timeout(FIND_S):
                    await self._ask(frame)
            except (Unreachable, TimeoutError):
                peer.refuse(Code.UNAVAILABLE, getattr(frame, "id", None))
            else:
                peer.dispatch(self._handle, frame)
            queue.popleft()
        del self._held[peer]

    async def _ask(self, frame: Any) -> None:
        if isinstance(frame, Create):
            await self._directory.claim(frame.room)
            return
        for name in names_in(frame):
            await self._directory.find(name)

    def _handle(self, services: Services, peer: Peer, frame: Any) -> None:
        abroad = services.keyspace.abroad
        if isinstance(frame, Create) and frame.room in abroad:
            raise FrameError(Code.NAME_TAKEN, frame.id)
        if isinstance(frame, _ROOM) and frame.room in abroad:
            assert services.world is not None
            home = abroad[frame.room].label.partition(".")[0]
            services.world.rooms.ask(peer, frame, home)
            return
        self._handlers[type(frame)](services, peer, frame)
