"""A connection to one server of the store that is made again whenever it breaks."""

from __future__ import annotations

import asyncio

import structlog

from .connection import Callback, Command, Down, Listener, Lost, Refused, Wire, dial
from .endpoint import Endpoint

CONNECT_TIMEOUT_S = 5.0
"""For connecting and preparing."""
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Pauses between attempts to connect; the last one repeats."""
SLOW_S = 1.0
"""A reply that takes longer is worth a look at who leads."""


class LinkEvents:
    """What a `StoreLink` tells of itself; this one does not care."""

    async def prepare_node(self, wire: Wire) -> None:
        """Make a new connection ready; nothing else is sent before it returns."""

    def link_up(self, link: StoreLink) -> None:
        """The link is there, again."""

    def link_down(self, link: StoreLink) -> None:
        """The link is gone; what has no reply will be told `Lost` right after."""

    def link_slow(self, link: StoreLink) -> None:
        """A reply is late."""

    def refused(self, link: StoreLink, refused: Refused) -> None:
        """A command must be sent again. Comes before its callback."""

    def unsubscribed(self, link: StoreLink, name: bytes) -> None:
        """A subscription has ended."""

    def message(self, name: bytes, payload: bytes) -> None:
        """Somebody published `payload` to the channel `name`."""


class StoreLink(Listener):
    """Keeps a pipelined connection to one server, and connects again when it breaks."""

    def __init__(self, endpoint: Endpoint, events: LinkEvents) -> None:
        self.endpoint = endpoint
        self.wire: Wire | None = None
        """The prepared connection."""
        self.error: BaseException | None = None
        """Why the last attempt to connect failed."""
        self._events = events
        self._task: asyncio.Task[None] | None = None
        self._ends = False
        self._broken = asyncio.Event()
        self._log = structlog.get_logger("store")
        self.message = events.message  # type: ignore[method-assign]  # one call less per message

    @property
    def up(self) -> bool:
        """Whether commands can be sent now."""
        return self.wire is not None

    def send(self, command: Command, callback: Callback) -> None:
        """Send `command`; `callback` gets the reply, a `Refused` or a `Lost`, in order.

        Raises:
            Down: if there is no connection, or it is not prepared yet; nothing was sent.
        """
        if self.wire is None:
            raise Down
        self.wire.send(command, callback)

    async def request(self, *command: bytes | str | int) -> object:
        """The reply to one command.

        Raises:
            Down: nothing was sent.
            Lost: the outcome is unknown.
            Refused: the store answered with an error.
        """
        if self.wire is None:
            raise Down
        return await self.wire.request(*command)

    execute_command = request

    def renew(self) -> None:
        """Break the connection, to make and prepare a new one."""
        if self.wire is not None:
            self.wire.abort()

    async def start(self) -> None:
        """Connect, and stay connected until `stop`.

        Raises:
            OSError, Lost, Refused, TimeoutError: if the first connection cannot be made, and what
                the preparation raises.
        """
        await self._connect()
        self.begin()

    def begin(self) -> None:
        """Connect in the background, and stay connected until `stop`."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Close the connection; commands without a reply are told `Lost`."""
        self._ends = True  # what prepares a server may swallow the cancellation, as wait_for did
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.renew()
        await asyncio.sleep(0)

    async def _connect(self) -> None:
        self._broken.clear()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            wire = await dial(self.endpoint, self)
            try:
                await self._events.prepare_node(wire)
                if wire.transport is None:
                    raise Lost
            except BaseException:
                wire.abort()
                raise
        self.wire = wire
        self._events.link_up(self)

    async def _stay_connected(self) -> None:
        attempt = 0
        while not self._ends:
            if self.wire is not None:
                attempt = 0
                await self._watch()
                self._log.warning("store connection lost", endpoint=str(self.endpoint))
            try:
                await self._connect()
                self._log.info("store connected", endpoint=str(self.endpoint), attempts=attempt + 1)
            except Exception as error:  # whatever it is, the next attempt may go well
                self.error = error
                if attempt % 10 == 0:
                    self._log.warning(
                        "store unreachable", endpoint=str(self.endpoint), error=_words(error)
                    )
                await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1

    async def _watch(self) -> None:
        """Until the connection breaks; breaks it when a reply is overdue."""
        while (wire := self.wire) is not None:
            slow_s = min(wire.trust_s or SLOW_S, SLOW_S)
            try:
                # Twice as often as a reply may be late, so that no longer standstill is missed.
                async with asyncio.timeout(slow_s / 2):
                    await self._broken.wait()
            except TimeoutError:
                if wire.overdue():
                    wire.abort()
                elif wire.overdue(slow_s):
                    self._events.link_slow(self)
                elif wire.trust_s:
                    wire.beat()

    # What the wire tells.

    def lost(self) -> None:
        self._broken.set()
        if self.wire is not None:
            self.wire = None
            self._events.link_down(self)

    def refused(self, refused: Refused) -> None:
        self._events.refused(self, refused)

    def unsubscribed(self, name: bytes) -> None:
        self._events.unsubscribed(self, name)


def _words(error: BaseException) -> str:
    return str(error) or repr(error)
