"""`erase`: an account closed for ever, and its words with it.

The password is checked, and that nothing is in the way. Then one post closes the account and lists
it as being erased; that post is the decision. When the key is destroyed, it is acknowledged. All
else follows, and is done to its end by whichever hub finds it undone (see `steps`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from protocol.errors import Code, FrameError
from protocol.frames import Ack, Erase, HubFrame

from ..ledger import routing
from ..ledger.conditions import Change, Op
from ..ledger.posts import Post
from ..ledger.records import CLOSED
from ..peer import Peer
from ..regions.link import Unreachable
from ..seal.keys import DESTROYED, KeysError
from ..store.connection import Down, Lost, Refused
from ..telling.envoy import Envoy
from .steps import Unfinished, delete_all, leave_rooms, owned_with_others

if TYPE_CHECKING:
    from ..services import Services

ROUND_S = 30.0
"""How often erasures that were interrupted are looked for."""
_DIGEST = b"erase".ljust(16)
"""A password leaves no trace but its argon2 hash."""
_TROUBLE = (Unfinished, KeysError, Down, Lost, Refused, Unreachable)


class Erasing:
    """Erases accounts, and finishes what was begun."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._under_way: set[str] = set()
        self.answering: set[Peer] = set()
        """Connections that are told in a moment what became of their `erase`: they stay so long."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("erasure")

    def erase(self, peer: Peer, frame: Erase) -> None:
        """Close the account of `peer`, if nothing is in the way, and erase it."""
        self._run(self._guard(peer, frame))

    async def run(self) -> None:
        """Finish interrupted erasures, until cancelled; first, see that keys which were destroyed
        have not come back with an old copy of the keys."""
        checked = False
        while True:
            with suppress(*_TROUBLE):
                checked = checked or await self._destroy_again()
            for partition in sorted(self._services.courier.mine):
                with suppress(*_TROUBLE):
                    await self._look(partition)
            await asyncio.sleep(ROUND_S)

    async def finish(self, name: str) -> bool:
        """Do all that is left to do of an erasure; whether that could be done."""
        if name in self._under_way:
            return False
        self._under_way.add(name)
        try:
            await self._finish(name)
        except _TROUBLE as error:
            why = str(error) or repr(error)
            self._log.warning("an erasure is not finished yet", account=name, why=why)
            return False
        finally:
            self._under_way.discard(name)
        return True

    def heard(self, name: str) -> None:
        """The key of an account was destroyed: forget what this hub knows of it."""
        self._services.seals.forget(name)
        self._services.cutter.look(name)
        self._run(self._services.search.forget(name))

    async def stop(self) -> None:
        """What is not finished is done after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Private.

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, peer: Peer, frame: Erase) -> None:
        try:
            await self._erase(peer, frame)
        except FrameError as error:
            peer.refuse(error.code, frame.id, **error.details)
        except (Down, Lost, Refused):  # nothing was posted yet
            peer.refuse(Code.UNAVAILABLE, frame.id)
        except Exception:
            self._log.exception("an erasure failed")
            peer.refuse(Code.INTERNAL, frame.id)

    async def _erase(self, peer: Peer, frame: Erase) -> None:
        services, name = self._services, peer.handle
        if not await services.entrance.knows(peer, frame.password):
            peer.refuse(Code.LOGIN_FAILED, frame.id)
            peer.blunder()
            return
        room = await owned_with_others(services, name)
        if room is not None:
            raise FrameError(Code.OWNER_STAYS, frame.id, room=room)
        self.answering.add(peer)
        try:
            told = await self._close(peer, frame.id)
        finally:
            self.answering.discard(peer)
        if isinstance(told, Ack):
            services.cutter.look(name)
            await self.finish(name)

    async def _close(self, peer: Peer, id: str) -> HubFrame:
        """Close the account and destroy its key; only then the answer goes. What the store said."""
        services = self._services
        envoy = Envoy(services, peer.keys)
        services.pipeline_of(peer.keys.partition).post(self._closing(envoy, id))
        told = await envoy.answer
        if isinstance(told, Ack) and not await self._is_destroyed(peer.handle):
            peer.refuse(Code.OUTCOME_UNKNOWN, id)  # it is closed; a round destroys the key
        else:
            peer.send(told)
        return told

    async def _is_destroyed(self, name: str) -> bool:
        """Destroy the key of an account; whether that is certain."""
        try:
            await self._destroy(name)
        except _TROUBLE as error:
            self._log.warning("a key cannot be destroyed now", account=name, why=repr(error))
            return False
        return True

    async def _destroy(self, name: str) -> None:
        """Destroy the key of an account, and let every hub forget it."""
        await self._services.seals.destroy(name)
        self._services.hubs.tell_erased(name)
        self.heard(name)

    def _closing(self, envoy: Envoy, id: str) -> Post:
        """The post that decides it."""
        keyspace, keys = self._services.keyspace, envoy.keys
        post = Post(None, id, envoy, keys.name, keys.marks + id.encode(), _DIGEST)
        routing.flag(keyspace, post, keys, keys.name, CLOSED, on=True)
        post.changes = (Change(keyspace.erasing(keys.partition), Op.PUT, keys.name, "1"),)
        return post

    async def _finish(self, name: str) -> None:
        services = self._services
        partition = services.keyspace.partition_of(name)
        channel = services.channel(partition)
        await self._destroy(name)
        await leave_rooms(services, name)
        await delete_all(services, name)
        await channel.request("SADD", services.keyspace.erased(partition), name)
        await channel.request("HDEL", services.keyspace.erasing(partition), name)
        self._log.info("an account was erased", account=name)

    async def _look(self, partition: int) -> None:
        key = self._services.keyspace.erasing(partition)
        found: Any = await self._services.channel(partition).request("HKEYS", key)
        for name in found:
            await self.finish(name.decode())

    async def _destroy_again(self) -> bool:
        """Destroy the keys of all accounts that were erased, if they are there; True, when done."""
        services = self._services
        for partition in range(services.keyspace.partitions):
            cursor: Any = b"0"
            while True:
                key = services.keyspace.erased(partition)
                found: Any = await services.channel(partition).request("SSCAN", key, cursor)
                cursor, names = found[0], [one.decode() for one in found[1]]
                keys = await services.seals.keys.find(names)
                for name in names:
                    if keys.get(name) != DESTROYED:
                        await services.seals.destroy(name)
                if cursor == b"0":
                    break
        return True
