"""Coming in: passwords and tokens checked, and the account's state sent without a gap.

The connection joins the hub in the same callback that reads where its boxes stand. Replies come in
order, so every entry committed before is in the snapshot and every later one is announced live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import structlog
from msgspec import UNSET

from protocol.errors import Close, Code, FrameError
from protocol.frames import Ack, Hello, Login, Logout, Register, Welcome
from protocol.session import Phase

from .ledger.entries import encode_entry, entry_of
from .ledger.keys import WORLD
from .ledger.posts import Kind, Post
from .limits import Bucket
from .passwords import new_token, token_field, token_owner
from .snapshot import Snapshot, read_snapshot
from .store.connection import Down, Lost, Refused

if TYPE_CHECKING:
    from .peer import Peer
    from .services import Services

FAILURES_PER_S = 0.2
FAILURES_BURST = 10
"""Wrong passwords for one handle: ten at once, then one in five seconds."""
FAILURES_KEPT = 10_000
_DEVICE = "unnamed"


class Entrance:
    """Lets people, and the operator, in."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._failures: dict[str, Bucket] = {}
        self._tasks: set[asyncio.Task[None]] = set()
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
        token = self._services.first_tokens.pop(peer, None)
        if token is not None and not peer.gone:
            self._welcome(peer, frame.id, f"@{frame.handle}", {}, token)

    def register_again(self, peer: Peer, frame: Any) -> None:
        """The same registration was answered before, perhaps into a broken connection."""
        self._services.first_tokens.pop(peer, None)
        self._run(peer, frame.id, self._login(peer, frame.handle, frame.password, frame))

    def refuse(self, peer: Peer, code: Code, id: str, **details: str | int) -> None:
        """Nobody came in; the connection may try again."""
        self.turned_away(peer)
        peer.refuse(code, id, **details)

    def turned_away(self, peer: Peer) -> None:
        """Whoever asked did not come in."""
        self._services.first_tokens.pop(peer, None)
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
        except Lost:  # nobody came in; but a token may be revoked, or not
            self.refuse(peer, Code.UNAVAILABLE if entering else Code.OUTCOME_UNKNOWN, id)
        except Refused as error:
            self._log.error("the store refused a login step", error=str(error)[:200])
            self.refuse(peer, Code.UNAVAILABLE, id)
        except Exception:
            self._log.exception("an entrance failed")
            self.refuse(peer, Code.INTERNAL, id)

    async def _register(self, peer: Peer, frame: Register) -> None:
        services = self._services
        name = f"@{frame.handle}"
        keys = services.keyspace.of(name)
        hashed = await services.passwords.hash(frame.password)
        token = new_token(name)
        digest = b"register".ljust(16)  # a password leaves no trace but its argon2 hash
        post = Post(frame, frame.id, peer, name, keys.marks + frame.id.encode(), digest)
        post.kind = Kind.REGISTER
        post.to = keys
        post.box = name
        device = _DEVICE if frame.device is UNSET else frame.device
        post.extra = (keys.secret, hashed, keys.tokens, token_field(token), device)
        opening = services.settings.opening_deposit(name)
        if opening is not None:
            world = services.keyspace.world(keys.partition)
            post.sender = world
            post.amount, post.currency = opening.amount, opening.currency
            post.total = services.keyspace.total(opening.currency, keys.partition)
            post.boxes, post.names = (keys.box, world.box), (name, world.name)
            post.body = encode_entry(entry_of(opening, world.name))
        services.first_tokens[peer] = token
        services.pipeline.post(post)

    async def _login(self, peer: Peer, handle: str, password: str, frame: Login | Register) -> None:
        name = f"@{handle}"
        self._throttle(name)
        services = self._services
        keys = services.keyspace.of(name)
        channel = services.channel(keys.partition)
        stored = await channel.request("GET", keys.secret)
        secret = stored.decode() if isinstance(stored, bytes) else None
        if not await services.passwords.verify(secret, password):
            again = isinstance(frame, Register)
            self.refuse(peer, Code.NAME_TAKEN if again else Code.LOGIN_FAILED, frame.id)
            peer.blunder()
            return
        self._failures.pop(name, None)
        token = new_token(name)
        device = _DEVICE if frame.device is UNSET else frame.device
        await channel.request("HSET", keys.tokens, token_field(token), device)
        self._welcome(peer, frame.id, name, {}, token)

    async def _hello(self, peer: Peer, frame: Hello) -> None:
        name = token_owner(frame.token)
        if not name:
            raise FrameError(Code.TOKEN_INVALID, frame.id)
        field = token_field(frame.token)
        keys = self._services.keyspace.of(name)
        channel = self._services.channel(keys.partition)
        device = await channel.request("HGET", keys.tokens, field)
        if device is None:
            raise FrameError(Code.TOKEN_INVALID, frame.id)
        if name == WORLD:
            self._welcome_operator(peer, frame.id, field)
            return
        cursors = {} if frame.cursors is UNSET else frame.cursors
        peer.token_field = field
        self._welcome(peer, frame.id, name, cursors, None)

    async def _logout(self, peer: Peer, frame: Logout) -> None:
        services = self._services
        channel = services.channel(peer.keys.partition)
        await channel.request("HDEL", peer.keys.tokens, peer.token_field)
        peer.send(Ack(frame.id, services.store_now(), services.settings.durable))
        peer.goodbye(Close.LOGGED_OUT, "logged out")

    def _throttle(self, name: str) -> None:
        """Take a try for `name` before the password is looked at; a right one gives all back."""
        bucket = self._failures.pop(name, None) or Bucket(FAILURES_PER_S, FAILURES_BURST)
        self._failures[name] = bucket  # now the newest
        if len(self._failures) > FAILURES_KEPT:
            del self._failures[next(iter(self._failures))]
        if wait := bucket.take(self._services.now()):
            raise FrameError(Code.RATE_LIMITED, retry_after_ms=int(wait * 1000) + 1)

    # Private: the welcome.

    def _welcome(
        self, peer: Peer, id: str, name: str, cursors: dict[str, int], token: str | None
    ) -> None:
        if token is not None:
            peer.token_field = token_field(token)

        def enter(snapshot: Snapshot) -> None:
            if peer.gone:
                return
            rooms = {box: seq for box, seq in snapshot.seqs.items() if box != name}
            peer.party = self._services.enter(peer, name, snapshot.seqs[name], rooms)
            peer.at_home(Phase.READY, name)
            peer.send(
                Welcome(
                    id,
                    name.removeprefix("@"),
                    snapshot.boxes,
                    snapshot.record.balances,
                    snapshot.record.version,
                    self._services.settings.announced_limits(),
                    UNSET if token is None else token,
                )
            )
            for entry in snapshot.missed:
                peer.send(entry)

        def fail(code: Code) -> None:
            self.refuse(peer, code, id)

        read_snapshot(self._services, name, cursors, enter, fail)

    def _welcome_operator(self, peer: Peer, id: str, field: str) -> None:
        if peer.gone:
            return
        peer.token_field = field
        peer.at_home(Phase.OPERATOR, WORLD)
        peer.send(Welcome(id, WORLD, {}, {}, 0, self._services.settings.announced_limits()))
