"""One partition of the store as a channel, on whichever server it lies at the time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from .connection import Callback, Command, Down, Lost, Refused, Wire, ignore
from .link import StoreLink
from .topology import ASK

PAUSES_S = (0.05, 0.1, 0.2, 0.5)
"""Pauses between attempts to enter a partition, or to send a request again; the last repeats."""
DRAIN_S = 2.0
"""How long the old server may take to answer what is in flight, before the new one is used."""
SETTLED_S = 1.0
"""A partition that falls sooner than that after it rose waits a little before it rises again."""


class Watch(Protocol):
    """What the hub does when the store comes and goes. All but the preparations return at once."""

    async def prepare_node(self, wire: Wire) -> None:
        """Check a server and load the functions, on every new connection to one."""

    async def prepare_partition(self, partition: int, wire: Wire) -> None:
        """Make a partition ready, whenever it is found on a connection; may run again."""

    def on_up(self, partition: int) -> None:
        """Commands can be sent. Subscriptions are to be made anew, and missed entries read."""

    def on_down(self, partition: int) -> None:
        """No commands can be sent; subscriptions are gone."""

    def on_message(self, name: bytes, payload: bytes) -> None:
        """Somebody published `payload` to the channel `name`."""


class Partition:
    """A `Channel`. It keeps the order of its commands also when it moves to another server: the new
    one gets nothing before the old one has answered all, or is lost.

    With a `patience_s`, a request waits as long for the partition to be found again.
    """

    def __init__(
        self, number: int, watch: Watch, doubt: Callable[[], None], patience_s: float
    ) -> None:
        self.number = number
        self.up = False
        """Whether commands can be sent now."""
        self.error: BaseException | None = None
        """Why the last attempt to enter it failed."""
        self.link: StoreLink | None = None
        """The server that is believed to have it."""
        self.elsewhere: Callable[[Refused, Wire], Wire | None] = lambda refused, wire: None
        """Where to go by an ``ASK`` from a wire."""
        self._watch = watch
        self._doubt = doubt
        self._patience_s = patience_s
        self._wire: Wire | None = None
        self._left: Wire | None = None
        self._names: set[bytes] = set()
        self._stir = asyncio.Event()
        self._rose_at = float("-inf")
        self._log = structlog.get_logger("store")

    def send(self, command: Command, callback: Callback) -> None:
        """Send `command`; `callback` gets the reply, a `Refused` or a `Lost`, in order.

        Raises:
            Down: if the partition cannot be reached now; nothing was sent.
        """
        if self._wire is None:
            raise Down
        self._wire.send(command, callback)

    async def request(self, *command: bytes | str | int) -> object:
        """The reply to one command; one that must be sent again, is, while patience lasts.

        Raises:
            Down: nothing was sent.
            Lost: the outcome is unknown.
            Refused: the store answered with an error.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_s
        attempt = 0
        while True:
            try:
                return await self._request(command)
            except (Down, Refused) as error:
                final = isinstance(error, Refused) and not error.again
                if final or loop.time() >= until:
                    raise
            await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1

    execute_command = request

    async def _request(self, command: Command) -> object:
        wire = self._wire
        if wire is None:
            raise Down
        try:
            return await wire.request(*command)
        except Refused as refused:
            other = self.elsewhere(refused, wire) if refused.code == ASK else None
            if other is None:
                raise
        other.send((b"ASKING",), ignore)
        return await other.request(*command)

    def subscribe(self, names: Iterable[bytes]) -> None:
        """Listen to sharded channels of this partition; messages go to `Watch.on_message`.

        A read that is sent behind sees everything of which no message will come. If the store
        refuses, the partition goes down and up, and the hub subscribes anew.

        Raises:
            Down: if the partition cannot be reached now.
        """
        if self._wire is None:
            raise Down
        new = list(names)
        self._names.update(new)
        self._wire.subscribe(new, self._subscription_failed)

    def unsubscribe(self, names: Iterable[bytes]) -> None:
        """Listen no more. Where the partition is down there is nothing to end."""
        gone = list(names)
        self._names.difference_update(gone)
        if self._wire is not None:
            self._wire.unsubscribe(gone)

    def renew(self) -> None:
        """Break the connection, to make and prepare a new one."""
        if self._wire is not None:
            self._wire.abort()

    # Where it lies.

    def assign(self, link: StoreLink) -> None:
        """The partition lies at `link` now."""
        if link is not self.link:
            self.fall()
            self.link = link
        if not self.up:
            self._stir.set()

    def fall(self) -> None:
        """Take no commands until it was entered again."""
        self._names.clear()
        if self._wire is not None:
            self._left, self._wire = self._wire, None
            self.up = False
            self._watch.on_down(self.number)

    def unsubscribed(self, name: bytes) -> bool:
        """Whether a subscription that is wanted has ended: the slot has moved away."""
        if name not in self._names:
            return False
        self.fall()
        return True

    def _subscription_failed(self, refused: Refused) -> None:
        if refused.again:
            self.fall()
            self._stir.set()
        else:
            self._log.error("the store refuses a subscription", error=str(refused))

    async def enter(self) -> None:
        """Prepare the partition at its server, then take commands.

        Raises:
            Down, Lost, Refused: if it cannot be reached there; and what the preparation raises.
        """
        link = self.link
        if link is None or link.wire is None:
            raise Down
        wire = link.wire
        if self._left is not None:
            await drain(self._left)
            self._left = None
        await self._watch.prepare_partition(self.number, wire)
        if link is not self.link or wire is not link.wire:
            raise Down
        self._wire, self.up, self.error = wire, True, None
        self._rose_at = asyncio.get_running_loop().time()
        self._watch.on_up(self.number)

    async def keep_up(self) -> None:
        """Enter the partition again whenever it has fallen and its server is there."""
        loop = asyncio.get_running_loop()
        while True:
            await self._stir.wait()
            self._stir.clear()
            attempt = 0
            if loop.time() - self._rose_at < SETTLED_S:
                await asyncio.sleep(PAUSES_S[0])
            while not self.up and self.link is not None and self.link.up:
                try:
                    await self.enter()
                except Exception as error:  # whatever it is, the next attempt may go well
                    self._failed(error, attempt)
                    await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
                    attempt += 1

    def _failed(self, error: Exception, attempt: int) -> None:
        self.error = error
        if attempt % 10 == 0:
            self._log.warning(
                "partition cannot be entered",
                partition=self.number,
                error=str(error) or repr(error),
            )
        self._doubt()


async def drain(wire: Wire) -> None:
    """Return when everything sent on `wire` was answered, or is lost."""
    limit_s = min(wire.trust_s or DRAIN_S, DRAIN_S)
    with contextlib.suppress(Lost, Refused):
        try:
            async with asyncio.timeout(0 if wire.overdue(limit_s) else limit_s):
                await wire.request("PING")
        except TimeoutError:
            wire.abort()
            await asyncio.sleep(0)
