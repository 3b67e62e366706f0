"""A worker's own side: its listening sockets, and its line to the parent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from .messages import Ask, Failed, Figures, Look, Message, Page, Ready
from .pipe import Pipe

if TYPE_CHECKING:
    from ..edge.handshake import Reply
    from ..metrics import Site

PageText = tuple[int, str, str]
"""Status, media type and body."""

PARENT_PATIENCE_S = 2.0
"""Seconds that a page about all workers may take; longer than the parent waits for a worker."""


class Worker:
    """One of several hub processes on a port."""

    def __init__(self, pipe: Pipe[Message], sockets: list[socket.socket]) -> None:
        self.sockets = sockets
        """Bound sockets to listen on."""
        self._pipe = pipe
        self._asked: dict[int, Callable[[Page | None], None]] = {}
        self._asks = 0

    def ready(self) -> None:
        """Tell the parent that clients can connect."""
        self._pipe.send(Ready())

    def failed(self, error: Exception) -> None:
        """Tell the parent why there is no hub here."""
        self._pipe.send(Failed(str(error)))

    def page(self, path: str, reply: Reply, alone: Callable[[], PageText]) -> None:
        """Get the page `path` about all workers from the parent, and `reply` with it.

        Where the parent does not answer in time, reply with what `alone` gives.
        """
        self._asks += 1
        number = self._asks

        def answer(page: Page | None) -> None:
            if self._asked.pop(number, None) is not None:
                timer.cancel()
                reply(*((page.status, page.kind, page.body) if page else alone()))

        timer = asyncio.get_running_loop().call_later(PARENT_PATIENCE_S, answer, None)
        self._asked[number] = answer
        self._pipe.send(Ask(number, path))

    async def obey(self, site: Site) -> None:
        """Do what the parent says; returns when it is gone."""
        while (message := await self._pipe.receive()) is not None:
            if isinstance(message, Look):
                self.tell(site, message.number)
            elif isinstance(message, Page) and message.number in self._asked:
                self._asked[message.number](message)

    def tell(self, site: Site, number: int = 0) -> None:
        """Send the parent our figures."""
        self._pipe.send(Figures(number, site.store_up, site.families()))

    async def leave(self) -> None:
        """Close the line, when all that was said has left."""
        await self._pipe.close()
