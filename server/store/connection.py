"""The pipelined connection that carries posts and ordered reads.

One socket, first in first out: replies come back in the order of the commands, which is what makes
announcement order equal commit order. It never sends a command again by itself: when the socket
breaks, every command without a reply has an *unknown* outcome and says so (`Lost`). The general
client of redis-py keeps one command in flight per connection and, by default, repeats it after a
time-out; `docs/performance.md` has the measurements that made this file.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

import hiredis
import structlog

from .endpoint import Endpoint

REPLY_TIMEOUT_S = 10.0
"""A reply that takes longer means that the store, or the way to it, is broken."""
CONNECT_TIMEOUT_S = 5.0
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Pauses between attempts to connect; the last one repeats."""

Command = Sequence[bytes | str | int]


class Lost(Exception):
    """The connection broke before the reply: the outcome is unknown."""


class Down(Exception):
    """There is no connection: the command was not sent and nothing happened."""


class Refused(Exception):
    """The store answered with an error."""


Reply = object
Callback = Callable[[Reply], None]
"""Takes the reply: a value, a `Refused`, or a `Lost`."""


class Channel(Protocol):
    """What handlers and the pipeline see of the store."""

    @property
    def up(self) -> bool: ...

    def send(self, command: Command, callback: Callback) -> None: ...

    async def request(self, *command: bytes | str | int) -> object: ...

    def renew(self) -> None: ...


class Wire(asyncio.Protocol):
    """One socket's life: packs commands, parses replies, matches them in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[], None]) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, Callback]] = deque()
        self._unsent: list[bytes] = []
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def send(self, command: Command, callback: Callback) -> None:
        """Queue a command; all of a tick's commands leave in one write."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type]
        self._waiting.append((self._loop.time(), callback))

    async def request(self, *command: bytes | str | int) -> object:
        """The reply to one command.

        Raises:
            Lost: the outcome is unknown.
            Refused: the store answered with an error.
        """
        if self.transport is None:
            raise Lost
        future: asyncio.Future[object] = self._loop.create_future()

        def settle(reply: object) -> None:
            if future.done():
                return
            if isinstance(reply, (Lost, Refused)):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        self.send(command, settle)
        return await future

    execute_command = request

    def _flush(self) -> None:
        if self._unsent and self.transport is not None:
            self.transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        reader.feed(data)
        waiting = self._waiting
        while (reply := reader.gets()) is not False:
            _, callback = waiting.popleft()
            callback(Refused(str(reply)) if isinstance(reply, hiredis.ReplyError) else reply)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        waiting, self._waiting = self._waiting, deque()
        self._on_lost()
        for _, callback in waiting:
            callback(Lost())

    def overdue(self, now: float) -> bool:
        """Whether the oldest command waits for longer than it may."""
        return bool(self._waiting) and now - self._waiting[0][0] > REPLY_TIMEOUT_S


class StoreLink:
    """Keeps a pipelined connection to the store, and connects again when it breaks.

    `prepare` runs on every new connection before anything else is sent (it loads and verifies the
    function library); `on_up` and `on_down` tell the hub.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        prepare: Callable[[Wire], Awaitable[None]],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._prepare = prepare
        self._on_up = on_up
        self._on_down = on_down
        self._wire: Wire | None = None
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._log = structlog.get_logger("store")
        self.up = False
        """Whether commands can be sent now."""

    def send(self, command: Command, callback: Callback) -> None:
        """Send `command`; `callback` gets the reply, a `Refused` or a `Lost`, in order.

        Raises:
            Down: if there is no connection, or it is not prepared yet; nothing was sent.
        """
        if not self.up or self._wire is None:
            raise Down
        self._wire.send(command, callback)

    async def request(self, *command: bytes | str | int) -> object:
        """The reply to one command.

        Raises:
            Down: nothing was sent.
            Lost: the outcome is unknown.
            Refused: the store answered with an error.
        """
        if not self.up or self._wire is None:
            raise Down
        return await self._wire.request(*command)

    execute_command = request

    def renew(self) -> None:
        """Break the connection, to make and prepare a new one."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.abort()

    async def start(self) -> None:
        """Connect, and stay connected until `stop`.

        Raises:
            OSError, Refused, LibraryError: if the first connection cannot be made or prepared.
        """
        await self._connect()
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Close the connection; commands without a reply are told `Lost`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.abort()
            await asyncio.sleep(0)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self._broken.clear()
        end = self._endpoint
        wire = Wire(loop, self._lost)
        context = ssl.create_default_context() if end.tls else None
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if end.unix_path is not None:
                await loop.create_unix_connection(lambda: wire, str(end.unix_path))
            else:
                await loop.create_connection(lambda: wire, end.host, end.port, ssl=context)
            self._wire = wire
            try:
                await self._greet(wire)
                await self._prepare(wire)
                if wire.transport is None:
                    raise Lost
            except BaseException:
                if wire.transport is not None:
                    wire.transport.abort()
                self._wire = None
                raise
        self.up = True
        self._on_up()

    async def _greet(self, wire: Wire) -> None:
        end = self._endpoint
        if end.password is not None:
            user = (end.username,) if end.username else ()
            await wire.request("AUTH", *user, end.password)
        if end.database:
            await wire.request("SELECT", end.database)

    def _lost(self) -> None:
        self._wire = None
        self._broken.set()
        if self.up:
            self.up = False
            self._on_down()

    async def _stay_connected(self) -> None:
        while True:
            await self._watch()
            self._log.warning("store connection lost", endpoint=str(self._endpoint))
            attempt = 0
            while not self.up:
                await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1
                try:
                    await self._connect()
                except Exception as error:  # whatever it is, the next attempt may go well
                    if attempt % 10 == 1:
                        self._log.warning("store unreachable", error=str(error) or repr(error))
            self._log.info("store connection restored", attempts=attempt)

    async def _watch(self) -> None:
        """Until the connection breaks; breaks it when a reply is overdue."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._broken.wait()
                return
            except TimeoutError:
                wire = self._wire
                if wire is None:
                    return
                if wire.overdue(loop.time()) and wire.transport is not None:
                    wire.transport.abort()
