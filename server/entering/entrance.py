"""Coming in: passwords and tokens checked, and the account's state sent without a gap.

The connection begins to listen to a box in the same callback that reads where the box stands.
Replies come in order, so every entry committed before is in the snapshot and every later one is
announced live. Where the boxes lie in several partitions, what is announced waits until all have
answered and the welcome is said. A room whose partition does not answer is left out of it: whoever
comes in hears the others meanwhile, and is asked to resume when that partition is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import structlog
from msgspec import UNSET

from protocol.errors import Close, Code, FrameError
from protocol.frames import Ack, Hello, Login, Logout, Register, Welcome
from protocol.session import Phase

from ..commit.durability import RANK, confirm
from ..ledger import routing
from ..ledger.conditions import Change, Op
from ..ledger.entries import entry_of
from ..ledger.keys import WORLD, AccountKeys
from ..ledger.posts import Kind, Post
from ..people.devices import in_the_way, is_over, last_field, read_token, token_value
from ..regions.link import Unreachable
from ..seal.keys import KeysError
from ..seal.words import sealed_body
from ..store.connection import Channel, Down, Lost, Refused
from .newcomer import Newcomer
from .passwords import new_token, token_field, token_owner
from .snapshot import Snapshot, read_snapshot
from .throttle import Throttle
from .turnstile import Turn, Turnstile

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services

BACK_S = 0.5
"""When whoever came in without a room is asked to come in anew, if its partition is back already:
not at once, as it may not have settled."""
RESERVED = frozenset({"all"})
"""Handles that nobody gets: `@all` calls everybody in a room."""
_DEVICE = "unnamed"


class Entrance:
    """Lets people, and the operator, in."""

    def __init__(self, services: Services) -> None:
        self.services = services
        settings = services.settings
        self._throttle = Throttle(
            services.now, settings.registrations_per_h, rates=settings.rate_limits
        )
        self.turnstile = Turnstile(aside=services.aside)
        self._tasks: set[asyncio.Task[None]] = set()
        self._missing: dict[int, WeakSet[Peer]] = {}
        """Who came in without a room, by the room's partition."""
        self._log = structlog.get_logger("entrance")

    # Called by the handlers.

    def register(self, peer: Peer, frame: Register) -> None:
        """Open an account; the welcome follows once it exists."""
        self._run(peer, frame.id, self._register(peer, frame))

    def login(self, peer: Peer, frame: Login) -> None:
        """Check a password, hand out a token, and welcome."""
        self._run(peer, frame.id, self._login(peer, frame.handle, frame.password, frame))

    def hello(self, peer: Peer, frame: Hello) -> None:
        """Check a token, and welcome with what was missed."""
        self._run(peer, frame.id, self._hello(peer, frame))

    def logout(self, peer: Peer, frame: Logout) -> None:
        """Revoke the token of this connection, and close."""
        self._run(peer, frame.id, self._logout(peer, frame), entering=False)

    # Called by delivery, through the peer, when a registration was answered.

    def registered(self, peer: Peer, frame: Any) -> None:
        """The account exists; its first token was stored with it."""
        token = self.services.first_tokens.pop(peer, None)
        if token is not None and not peer.gone:
            work = self._welcome(peer, frame.id, f"@{frame.handle}", {}, token)
            self._run(peer, frame.id, work)

    def register_again(self, peer: Peer, frame: Any) -> None:
        """The same registration was answered before, perhaps into a broken connection."""
        self.services.first_tokens.pop(peer, None)
        self._run(peer, frame.id, self._login(peer, frame.handle, frame.password, frame))

    async def knows(self, peer: Peer, password: str) -> bool:
        """Whether `password` is that of the account of `peer`. Tries count as those of a login.

        Raises:
            FrameError: too many tries, or too many who wait.
            Down, Lost, Refused: there is no store.
        """
        self._throttle.password(peer.handle, peer.address)
        channel = self.services.channel(peer.keys.partition)
        stored = await channel.request("GET", peer.keys.secret)
        secret = stored.decode() if isinstance(stored, bytes) else None
        right = await self.services.passwords.verify(secret, password)
        if right:
            self._throttle.right(peer.handle, peer.address)
        return right

    def refuse(self, peer: Peer, code: Code, id: str, **details: str | int) -> None:
        """Nobody came in; the connection may try again."""
        self.turned_away(peer)
        peer.refuse(code, id, **details)

    def miss(self, peer: Peer, snapshot: Snapshot) -> None:
        """`peer` came in without some of their rooms, because their partition did not answer. They
        stay a member, and are asked to come in anew when it does."""
        for room in snapshot.absent:
            assert peer.party is not None
            if room in snapshot.joined:
                peer.party.rooms.add(room)
            peer.party.lacking.add(peer)
            partition = self.services.keyspace.partition_of(room)
            self._missing.setdefault(partition, WeakSet()).add(peer)
            if self.services.channel(partition).up:  # since its answer was lost it has come back
                asyncio.get_running_loop().call_later(BACK_S, self.partition_up, partition)

    def partition_up(self, partition: int) -> None:
        """A partition is there, again."""
        for peer in self._missing.pop(partition, ()):
            peer.resync()

    def came(self, peer: Peer) -> None:
        """Somebody is in."""
        self._throttle.right(peer.handle, peer.address, guessed=False)
        self.services.trail.came(peer)

    def turned_away(self, peer: Peer) -> None:
        """Whoever asked did not come in."""
        self.services.first_tokens.pop(peer, None)
        if peer.phase is Phase.ENTERING:
            peer.phase = Phase.NEW

    # Private: each raises FrameError for a refusal.

    def _run(
        self, peer: Peer, id: str, work: Coroutine[Any, Any, None], entering: bool = True
    ) -> None:
        if entering:
            peer.phase = Phase.ENTERING
        task = asyncio.create_task(self._guard(peer, id, work, entering))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(
        self, peer: Peer, id: str, work: Coroutine[Any, Any, None], entering: bool
    ) -> None:
        try:
            await work
        except FrameError as error:
            self.refuse(peer, error.code, id, **error.details)
        except Down:
            self.refuse(peer, Code.UNAVAILABLE, id)
        except KeysError as error:
            self._log.error("the keys cannot be used", error=str(error))
            self.refuse(peer, Code.UNAVAILABLE, id)
        except Lost:  # nobody came in; but a token may be revoked, or not
            self.refuse(peer, Code.UNAVAILABLE if entering else Code.OUTCOME_UNKNOWN, id)
        except Refused as error:
            self._log.error("the store refused a login step", error=str(error)[:200])
            self.refuse(peer, Code.UNAVAILABLE, id)
        except Exception:
            self._log.exception("an entrance failed")
            self.refuse(peer, Code.INTERNAL, id)

    async def _register(self, peer: Peer, frame: Register) -> None:
        services = self.services
        name = f"@{frame.handle}"
        if frame.handle in RESERVED:
            raise FrameError(Code.NAME_TAKEN, frame.id)
        self._throttle.opening(peer.address)
        await self._claim(name, frame.id)
        keys = services.keyspace.of(name)
        hashed = await services.passwords.hash(frame.password)
        token = new_token(name)
        digest = b"register".ljust(16)  # a password leaves no trace but its argon2 hash
        post = Post(frame, frame.id, peer, name, keys.marks + frame.id.encode(), digest)
        post.kind = Kind.REGISTER
        post.partition = keys.partition
        post.to = keys
        post.box = name
        device = _DEVICE if frame.device is UNSET else frame.device
        value = token_value(device, services.store_now())
        post.extra = (keys.secret, hashed, keys.tokens, token_field(token), value)
        post.changes = (Change(keys.profile, Op.UNTIL, "created", "0"),)
        opening = services.settings.opening_deposit(name)
        if opening is not None:
            seal = await services.seals.prepare(WORLD)
            body = sealed_body(seal, entry_of(opening, WORLD))
            routing.opening(services.keyspace, post, keys, opening, body)
        peer.seal = await services.seals.prepare(name)
        services.first_tokens[peer] = token
        services.pipeline_of(post.partition).post(post)

    async def _claim(self, name: str, id: str) -> None:
        """Make sure that `name` lives in no other region, and will not."""
        world = self.services.world
        if world is None:
            return
        try:
            home = await world.directory.claim(name)
        except Unreachable:
            raise FrameError(Code.UNAVAILABLE, id) from None
        if home != world.own:
            raise FrameError(Code.NAME_TAKEN, id)

    async def _login(self, peer: Peer, handle: str, password: str, frame: Login | Register) -> None:
        name = f"@{handle}"
        self._throttle.password(name, peer.address)
        services = self.services
        keys = services.keyspace.of(name)
        channel = services.channel(keys.partition)
        stored = await channel.request("GET", keys.secret)
        if stored is None and isinstance(frame, Login) and await self._roam(peer, name, frame):
            return
        secret = stored.decode() if isinstance(stored, bytes) else None
        if not await services.passwords.verify(secret, password):
            again = isinstance(frame, Register)
            self.refuse(peer, Code.NAME_TAKEN if again else Code.LOGIN_FAILED, frame.id)
            peer.blunder()
            return
        self._throttle.right(name, peer.address)
        peer.seal = await services.seals.prepare(name)
        token = new_token(name)
        device = _DEVICE if frame.device is UNSET else frame.device
        await self._keep(channel, keys, token, device)
        await self._welcome(peer, frame.id, name, {}, token)

    async def _keep(self, channel: Channel, keys: AccountKeys, token: str, device: str) -> None:
        """Store a new token, in place of those that are too old or too many."""
        now = self.services.store_now()
        stored = await channel.request("HGETALL", keys.tokens)
        assert isinstance(stored, dict)
        await channel.request("HSET", keys.tokens, token_field(token), token_value(device, now))
        if dropped := in_the_way(stored, now):
            await channel.request("HDEL", keys.tokens, *dropped)
            self.services.cutter.everywhere(keys.name)

    async def _hello(self, peer: Peer, frame: Hello) -> None:
        name = token_owner(frame.token)
        if not name:
            raise FrameError(Code.TOKEN_INVALID, frame.id)
        turn = await self.turnstile.turn(frame.id)
        try:
            await self._hello_in_turn(peer, frame, name, turn)
        except BaseException:
            turn.end()
            raise

    async def _hello_in_turn(self, peer: Peer, frame: Hello, name: str, turn: Turn) -> None:
        if peer.gone:
            turn.end()
            return
        field = token_field(frame.token)
        keys = self.services.keyspace.of(name)
        channel = self.services.channel(keys.partition)
        found = await channel.request("HMGET", keys.tokens, field, last_field(field))
        assert isinstance(found, list)
        device, last = found
        if device is not None and is_over(read_token(field, device, last), self._now()):
            await channel.request("HDEL", keys.tokens, field, last_field(field))
            raise FrameError(Code.TOKEN_INVALID, frame.id)
        if device is None:
            there = await channel.request("EXISTS", keys.secret)
            turn.end()  # another region takes its time, and nobody else has to wait for it
            if not there and await self._roam(peer, name, frame):
                return
            raise FrameError(Code.TOKEN_INVALID, frame.id)
        peer.seal = await self.services.seals.prepare(name)
        if name == WORLD:
            turn.end()
            self._welcome_operator(peer, frame.id, field)
            return
        cursors = {} if frame.cursors is UNSET else frame.cursors
        peer.token_field = field
        await self._welcome(peer, frame.id, name, cursors, None, turn)

    async def _roam(self, peer: Peer, name: str, frame: Login | Hello) -> bool:
        """Whether `name` lives in another region, so that the connection is carried on there, or
        was refused there."""
        world = self.services.world
        if world is None or name[0] != "@":
            return False
        try:
            taken = await world.roaming.take_home(peer, name, frame)
        except FrameError as error:
            if error.code is not Code.LOGIN_FAILED:
                raise
            self.refuse(peer, error.code, frame.id)
            peer.blunder()
            return True
        if taken and isinstance(frame, Login):
            self._throttle.right(name, peer.address)
        return taken

    async def _logout(self, peer: Peer, frame: Logout) -> None:
        services = self.services
        partition, promise = peer.keys.partition, services.promise
        channel = services.channel(partition)
        await channel.request("HDEL", peer.keys.tokens, peer.token_field)
        durable = await confirm(channel, promise, services.keyspace.fence(partition))
        if RANK[durable] < RANK[promise.least]:
            raise FrameError(Code.OUTCOME_UNKNOWN, frame.id)
        peer.send(Ack(frame.id, services.store_now(), durable))
        peer.goodbye(Close.LOGGED_OUT, "logged out")
        services.cutter.everywhere(peer.handle)  # others may be here with the same token

    def _now(self) -> int:
        return self.services.store_now()

    # Private: the welcome.

    async def _welcome(
        self,
        peer: Peer,
        id: str,
        name: str,
        cursors: dict[str, int],
        token: str | None,
        turn: Turn | None = None,
    ) -> None:
        if token is not None:
            peer.token_field = token_field(token)
        if turn is None:
            turn = await self.turnstile.turn(id)
        try:
            newcomer = Newcomer(self, peer, id, name, token, turn)
            read_snapshot(self.services, name, cursors, newcomer)
        except BaseException:
            turn.end()
            raise

    def _welcome_operator(self, peer: Peer, id: str, field: str) -> None:
        if peer.gone:
            return
        peer.token_field = field
        peer.at_home(Phase.OPERATOR, WORLD)
        peer.send(Welcome(id, WORLD, {}, {}, 0, self.services.settings.announced_limits()))
