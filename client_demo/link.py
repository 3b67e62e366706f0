"""A connection that survives: reconnects, resumes, and sends again what has no answer.

The link only says `hello` with a token; getting a token is `signin`'s work. It calls `on_event`
for everything that happens, in order, from the event loop that runs it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from . import events
from .backoff import Backoff
from .events import Event, Frame
from .session import Session
from .wire import Wire, WireError


class Link:
    """Our end of the conversation with a hub; `run` keeps it up until it is closed or stopped."""

    def __init__(
        self,
        url: str,
        token: str,
        on_event: Callable[[Event], None],
        context: ssl.SSLContext | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.session = Session()
        self._url = url
        self._token = token
        self._on_event = on_event
        self._context = context
        self._backoff = backoff or Backoff()
        self._wire: Wire | None = None
        self._outgoing: asyncio.Queue[Frame] | None = None
        self._holds = 0
        """How many frames wait until the hub takes frames again."""
        self._closing = asyncio.Event()
        self._retry_after: float | None = None
        """How many seconds the last goodbye asked us to stay away."""

    def post(self, frame: Frame) -> str:
        """Send a frame now, or as soon as there is a connection; returns its id."""
        frame = self.session.post(frame)
        self._on_event(events.Posted(frame))
        self._queue(frame)
        return str(frame["id"])

    def notice(self, frame: Frame) -> None:
        """Send something that nobody keeps, if there is a connection now."""
        self._queue(frame)

    def cut(self) -> None:
        """Drop the connection, as a broken network does; `run` connects again by itself."""
        if self._wire:
            self._wire.cut()

    def leave(self) -> None:
        """Have `run` end in good order, soon. What has no answer yet stays unknown."""
        self._closing.set()

    async def close(self) -> None:
        """Like `leave`, and wait until the connection is closed."""
        self.leave()
        if self._wire:
            await self._wire.close()

    async def run(self) -> events.Stopped:
        """Stay connected until `close`, or until the hub says not to come back."""
        while True:
            stopped = await self._connection()
            if stopped:
                self._on_event(stopped)
                return stopped

    async def _connection(self) -> events.Stopped | None:
        """One connection from dial to end, and the pause after it."""
        try:
            wire = await Wire.dial(self._url, self._context)
            try:
                await self._converse(wire)
            finally:
                self._outgoing = self._wire = None
                await wire.close()
        except WireError as error:
            return await self._after(error)
        except _RefusedError as refused:
            return events.Stopped(refused.code, str(refused))
        return None

    async def _converse(self, wire: Wire) -> None:
        await self._enter(wire)
        self._wire, self._outgoing = wire, asyncio.Queue()
        for frame in self.session.unanswered:
            self._queue(frame)
        if self._closing.is_set():
            await wire.close()
        writing = asyncio.create_task(self._write(wire, self._outgoing))
        try:
            async for frame in wire.frames():
                self._take(frame)
        finally:
            writing.cancel()

    async def _enter(self, wire: Wire) -> None:
        """Log in and resume."""
        welcome = await wire.ask(self.session.hello(self._token))
        if welcome["type"] == "error":
            if welcome["retry"] == "same_id":
                raise WireError(welcome["message"])
            raise _RefusedError(welcome["code"], welcome["message"])
        self._backoff.reset()
        for event in self.session.receive(welcome):
            self._on_event(event)
        self.session.wanted()  # they are unanswered, so they go out with the rest

    async def _write(self, wire: Wire, outgoing: asyncio.Queue[Frame]) -> None:
        while True:
            frame = await outgoing.get()
            kept = "id" in frame
            if self._holds or (kept and not self.session.waits(frame["id"])):
                continue
            if kept:
                self.session.sent(frame)
            try:
                await wire.send(frame)
            except WireError:
                return  # the reading side sees it too, and says so
            if kept:
                self._on_event(events.Sent(frame))

    def _take(self, frame: Frame) -> None:
        for event in self.session.receive(frame):
            if isinstance(event, events.Again):
                self._pause(event)
            elif isinstance(event, events.Farewell):
                wait = event.retry_after_ms
                self._retry_after = None if wait is None else wait / 1000
            self._on_event(event)
        for wanted in self.session.wanted():
            self._queue(wanted)

    def _queue(self, frame: Frame) -> None:
        if self._outgoing is not None:
            self._outgoing.put_nowait(frame)

    def _pause(self, event: events.Again) -> None:
        """Send again later. If the hub takes nothing now, later frames wait behind this one, so
        that what was said first stands first; a mistake about one frame holds up no other."""
        if event.code != "internal":
            self._holds += 1
        asyncio.get_running_loop().call_later(event.pause, self._go_on, event.code)

    def _go_on(self, code: str) -> None:
        if code != "internal":
            self._holds -= 1
        for frame in self.session.unanswered:
            self._queue(frame)  # the writer skips what is on the wire already

    async def _after(self, error: WireError) -> events.Stopped | None:
        """The connection ended: stop, or tell what is unknown now and wait for the next try."""
        for event in self.session.lost():
            self._on_event(event)
        if self._closing.is_set():
            return events.Stopped("closed", "closed")
        if error.final:
            return events.Stopped(str(error.code or "refused"), str(error))
        at_least = self._retry_after if error.retry_after is None else error.retry_after
        self._retry_after = None
        pause = self._backoff.next(at_least)
        self._on_event(events.Disconnected(str(error), pause))
        try:
            async with asyncio.timeout(pause):
                await self._closing.wait()
        except TimeoutError:
            return None
        return events.Stopped("closed", "closed")


class _RefusedError(Exception):
    """The hub does not take our token."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
