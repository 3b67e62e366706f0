"""Which hubs are on this store: they greet each other, and show now and then that they live.

A hub that starts says hello, and listens for clients only when all hubs that live have answered, or
after a second: from then on they tell it what it must hear. Each also writes the store's time into
a hash, so that a new one knows whom to wait for. Hubs of a store without others publish nothing
else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from ..store.connection import Down, Lost, Refused

if TYPE_CHECKING:
    from ..services import Services

BEAT_S = 1.0
SILENCE_S = 5.0
"""A hub that was not heard for so long is gone."""
WELCOME_S = 1.0
"""How long a new hub waits for the others' answers."""
FORGET_MS = 60_000
"""Hubs that left no other trace for so long are deleted from the hash."""
HELLO, WELCOME, BEAT, BYE, EPOCH = b"hello", b"welcome", b"beat", b"bye", b"epoch"
ERASED = b"erased"


class Hubs:
    """The hubs that live, by their ids."""

    def __init__(
        self, services: Services, new_epoch: Callable[[int, int], None] = lambda p, epoch: None
    ) -> None:
        """`new_epoch` is told, of a partition, what another hub tells."""
        self._services = services
        self._new_epoch = new_epoch
        self._relay = services.relay
        self._relay.on_hub = self._heard
        self._seen: dict[bytes, float] = {}
        self._welcomed: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.changed: Callable[[], None] = lambda: None
        """Called when a hub has come or gone."""
        tag = services.keyspace.tag(0)
        self._key = f"{tag}hubs".encode()
        self._log = structlog.get_logger("hubs")

    @property
    def live(self) -> list[bytes]:
        """The ids of all hubs that live, with our own, ascending: the same at every hub."""
        return sorted([*self._seen, self._relay.id])

    async def start(self) -> None:
        """Greet the others; returns when all have answered, or after a second."""
        services = self._services
        channel = services.channel(0)
        try:
            self.partition_up()
            found = await channel.request("HGETALL", self._key)
            assert isinstance(found, dict)
            awaited = await self._fresh(found)
            await self._write()
            if awaited:
                self._relay.met()  # they are there, answered or not
                self._seen.update(dict.fromkeys(awaited - self._seen.keys(), services.now()))
                await self._await(awaited)
        except (Down, Lost, Refused) as error:
            self._log.warning("the other hubs cannot be greeted now", error=repr(error))

    def partition_up(self) -> None:
        """The connection to our partition is new: listen, and greet the others again.

        Raises:
            Down: it is gone again.
        """
        self._services.channel(0).subscribe([self._key])
        self._relay.say(self._key, 0, HELLO)

    async def beat(self) -> None:
        """Show that we live, see who does; run until cancelled."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                self._relay.say(self._key, 0, BEAT)
                await self._write()
                self._forget_silent()
            except (Down, Lost, Refused):  # whoever cannot be heard may well live
                self._heard_all()
            except Exception:  # one mistake must not make this hub deaf for good
                self._log.exception("the other hubs could not be told")

    def tell_epoch(self, partition: int, epoch: int) -> None:
        """Tell the others that a partition is in another state than it was."""
        with suppress(Down):  # they find it when they connect again
            self._relay.say(self._key, 0, b"%b %d %d" % (EPOCH, partition, epoch))

    def tell_erased(self, name: str) -> None:
        """Tell the others that the key of an account was destroyed."""
        with suppress(Down):  # they look again when they connect again
            self._relay.say(self._key, 0, b"%b %b" % (ERASED, name.encode()))

    async def stop(self) -> None:
        """Say goodbye."""
        for task in self._tasks:
            task.cancel()
        try:
            self._relay.say(self._key, 0, BYE)
            await self._services.channel(0).request("HDEL", self._key, self._relay.id.hex())
        except (Down, Lost, Refused):
            pass  # the others find out

    # What hubs say.

    def _heard(self, hub: bytes, word: bytes) -> None:
        if word == BYE:
            self._gone([hub])
            return
        if word.startswith(EPOCH):
            _, partition, epoch = word.split()
            self._new_epoch(int(partition), int(epoch))
            return
        if word.startswith(ERASED):
            self._services.erasing.heard(word.split()[1].decode())
            return
        new = hub not in self._seen
        self._seen[hub] = self._services.now()
        if word == WELCOME:
            self._welcomed.add(hub)
        if new:
            self._relay.met()
            self.changed()
        if word == HELLO:
            task = asyncio.create_task(self._welcome())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _welcome(self) -> None:
        """Answer a hello, once all our subscriptions are made."""
        services = self._services
        try:
            for partition in range(services.keyspace.partitions):
                await services.channel(partition).request(
                    "EXISTS", services.keyspace.meta(partition)
                )
            self._relay.say(self._key, 0, WELCOME)
        except (Down, Lost, Refused):
            pass  # the subscriptions are made when the store is back

    async def _await(self, hubs: set[bytes]) -> None:
        try:
            async with asyncio.timeout(WELCOME_S):
                while not hubs <= self._welcomed:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        except TimeoutError:
            silent = [hub.hex() for hub in hubs - self._welcomed]
            self._log.warning("some hubs did not answer", hubs=silent)

    # Who lives.

    async def _write(self) -> None:
        now = self._services.store_now()
        await self._services.channel(0).request("HSET", self._key, self._relay.id.hex(), now)

    async def _fresh(self, found: dict[bytes, bytes]) -> set[bytes]:
        """Hubs of the hash that live as far as is known; forgets those that died long ago."""
        now = self._services.store_now()
        ages = {hub: now - int(at) for hub, at in found.items()}
        old = [hub for hub, age in ages.items() if age > FORGET_MS]
        if old:
            await self._services.channel(0).request("HDEL", self._key, *old)
        live = [hub.decode() for hub, age in ages.items() if age < SILENCE_S * 1000]
        return {bytes.fromhex(hub) for hub in live} - {self._relay.id}

    def _forget_silent(self) -> None:
        until = self._services.now() - SILENCE_S
        self._gone([hub for hub, seen in self._seen.items() if seen < until])

    def _heard_all(self) -> None:
        now = self._services.now()
        self._seen = dict.fromkeys(self._seen, now)

    def _gone(self, hubs: list[bytes]) -> None:
        for hub in hubs:
            self._seen.pop(hub, None)
        if hubs:
            self._relay.others = bool(self._seen)
            self.changed()
