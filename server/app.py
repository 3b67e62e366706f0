"""The composition root: makes the parts of a hub, joins them, starts and stops them."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import secrets
import ssl
import time

import structlog

from protocol.codec import Codec
from protocol.errors import Close

from . import handlers
from .catchup import catch_up
from .config import Settings, SettingsError
from .delivery import Delivery
from .entrance import Entrance
from .hub import Hub
from .keepalive import keep_alive
from .ledger import library
from .ledger.keys import META, WORLD, Keyspace
from .ledger.records import ISSUER, Record, format_record
from .ledger.sweep import sweep_marks
from .limits import Bucket
from .metrics import HubCollector, Site
from .outbox import Flusher
from .passwords import Passwords, token_field
from .peer import Peer
from .pipeline import Pipeline
from .services import Services
from .store.check import check_store
from .store.client import redis_client
from .store.connection import Down, Lost, Refused, StoreLink, Wire
from .store.embedded import EmbeddedStore
from .store.endpoint import Endpoint, StoreError, parse_url
from .transport import Connection, Edge

SCHEMA = "2"
"""Layout of the keys; a store of another layout is refused."""
OPERATOR_TOKEN = "operator.token"


class App:
    """A running hub."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.embedded: EmbeddedStore | None = None
        self.port = settings.port
        self._log = structlog.get_logger("hub")
        self._tasks: list[asyncio.Task[None]] = []
        self._epoch: int | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        scheme = "wss" if self.settings.tls_cert else "ws"
        return f"{scheme}://{self.settings.host}:{self.port}/ws"

    async def start(self) -> None:
        """Start store and hub; returns when clients can connect.

        Raises:
            StoreError, SettingsError, LibraryError: with a message for people.
        """
        raise_open_file_limit()
        try:
            endpoint = await self._start_store()
            await self._start_hub(endpoint)
        except BaseException:
            await self.stop()
            raise
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Drain: no new connections, finish posts, say goodbye, stop the store."""
        if hasattr(self, "server"):
            self.server.close()
            await self._drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "services"):
            await self.link.stop()
            self.services.passwords.close()
        if self.embedded is not None:
            await self.embedded.stop()

    # Starting.

    async def _start_store(self) -> Endpoint:
        settings = self.settings
        if settings.store is not None:
            return parse_url(settings.store)
        self.embedded = EmbeddedStore(settings.data, settings.durability)
        await self.embedded.start()
        return self.embedded.endpoint

    async def _check(self, endpoint: Endpoint) -> None:
        client = redis_client(endpoint)
        try:
            await check_store(client, self.settings.durability)
        finally:
            await client.aclose()

    async def _start_hub(self, endpoint: Endpoint) -> None:
        settings = self.settings
        loop = asyncio.get_running_loop()
        passwords = Passwords(settings.argon2_time_cost, settings.argon2_memory_kib)
        services = Services(settings, Hub(), passwords, loop.time)
        services.keyspace = Keyspace()
        self.services = services
        self.delivery = Delivery(services.hub, settings.durable)
        self._endpoint = endpoint
        self.link = StoreLink(endpoint, self._prepare, self._store_up, self._store_down)
        services.store = self.link
        services.pipeline = Pipeline(self.link, self.delivery)
        services.entrance = Entrance(services)
        services.handlers = handlers.by_phase()
        self.operator_token = self._operator_token()
        await self._connect_store(endpoint)
        self.edge = self._edge(Flusher(loop))
        self.server = await self._listen()
        self._tasks.append(asyncio.create_task(keep_alive(self.edge, services)))
        self._tasks.append(asyncio.create_task(sweep_marks(self.link)))

    async def _connect_store(self, endpoint: Endpoint) -> None:
        try:
            await self.link.start()
        except (Down, Lost, Refused, OSError, TimeoutError) as error:
            raise StoreError(f"{endpoint} cannot be used: {error or repr(error)}") from error

    def _edge(self, flusher: Flusher) -> Edge:
        settings, services = self.settings, self.services
        edge = Edge(
            flusher,
            self._meet,
            lambda path: self.site.answer(path),  # noqa: PLW0108 (made below, with the edge)
            settings.origin or None,
            settings.frame_bytes_max,
            settings.outbox_bytes_max,
            settings.connections_max,
        )
        self.site = Site(services, HubCollector(services, self.delivery, edge))
        if settings.rate_limits:
            bucket = Bucket(settings.connects_per_s, max(1, int(settings.connects_per_s)))
            edge.admit = lambda: int(bucket.take(services.now()) * 1000)
        return edge

    def _meet(self, connection: Connection, codec: Codec) -> Peer:
        connection.expect_login(self.settings.login_timeout_s)
        return Peer(self.services, connection, codec)

    async def _listen(self) -> asyncio.Server:
        settings = self.settings
        context = None
        if settings.tls_cert is not None and settings.tls_key is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            try:
                context.load_cert_chain(settings.tls_cert, settings.tls_key)
            except (OSError, ssl.SSLError) as error:
                raise SettingsError(f"the TLS certificate cannot be used: {error}") from None
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: Connection(self.edge),
                settings.host,
                settings.port,
                ssl=context,
                backlog=4_096,
            )
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}"
            ) from None
        self.port = server.sockets[0].getsockname()[1]
        return server

    # The store comes and goes.

    async def _prepare(self, store: Wire) -> None:
        """Make a new connection ready: settings, function library, `$world`, operator's token."""
        await self._check(self._endpoint)
        await library.ensure(store)
        await store.request("HSETNX", META, "schema", SCHEMA)
        await store.request("HSETNX", META, "partitions", self.services.keyspace.partitions)
        await store.request("HSETNX", META, "epoch", int(time.time()))
        found = await store.request("HMGET", META, "schema", "partitions", "epoch")
        assert isinstance(found, list)
        if found[0].decode() != SCHEMA or int(found[1]) != self.services.keyspace.partitions:
            raise StoreError(
                f"the store has layout {found[0].decode()} with {int(found[1])} partitions; "
                f"this hub knows layout {SCHEMA} with {self.services.keyspace.partitions}"
            )
        self.services.epoch = int(found[2])
        world = self.services.keyspace.of(WORLD)
        await store.request("SETNX", world.record, format_record(Record(ISSUER, 0)))
        await store.request("DEL", world.tokens)  # an older operator's token ends here
        await store.request("HSET", world.tokens, token_field(self.operator_token), "operator")
        at = await store.request("TIME")
        assert isinstance(at, list)
        ahead = int(at[0]) * 1000 + int(at[1]) // 1000 - int(time.time() * 1000)
        self.services.pipeline.store_ahead_ms = ahead
        self.services.ages.update(self.services.store_now())

    def _store_up(self) -> None:
        """The store is there: announce what was missed; or, if it is another state of the store
        than before (restored, or lost with its memory), let everyone come in anew."""
        epoch, self._epoch = self._epoch, self.services.epoch
        if epoch not in (None, self._epoch):
            self._farewell(Close.RESYNC, "the store was restored")
            return
        try:
            services = self.services
            catch_up(services.hub, services.keyspace, services.pipeline, self._posts_lost)
        except Down:
            self._log.warning("the store went away again")

    def _posts_lost(self) -> None:
        """The store has less than it announced (it did not sync every post): a new epoch."""
        self._log.error("the store lost posts that were acknowledged; the epoch changes")
        self._tasks.append(asyncio.create_task(self._change_epoch()))

    async def _change_epoch(self) -> None:
        epoch = max(self.services.epoch + 1, int(time.time()))
        await self.link.request("HSET", META, "epoch", epoch)
        self._epoch = self.services.epoch = epoch
        self._farewell(Close.RESYNC, "the store lost posts")

    def _store_down(self) -> None:
        self.services.counters.store_losses += 1

    def _operator_token(self) -> str:
        """The operator's token: read, or made, in the data directory."""
        path = self.settings.data / OPERATOR_TOKEN
        try:
            if path.exists():
                return path.read_text().strip()
            path.parent.mkdir(parents=True, exist_ok=True)
            token = f"{WORLD}.{secrets.token_urlsafe(32)}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(token + "\n")
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}") from None
        return token

    # Stopping.

    async def _drain(self) -> None:
        """Read nothing more, let posts finish, then say goodbye to everyone."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.settings.drain_timeout_s
        self._read(False)
        while not self.services.pipeline.idle and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self._farewell(Close.GOING_AWAY, "the hub stops")
        self._read(True)
        while self.edge.connections and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for connection in list(self.edge.connections):
            connection.transport.abort()

    def _read(self, wanted: bool) -> None:
        """Read from the clients' sockets, or leave what they send where it is."""
        for connection in self.edge.connections:
            transport = connection.transport
            if not transport.is_closing():
                if wanted:
                    transport.resume_reading()
                else:
                    transport.pause_reading()

    def _farewell(self, code: Close, reason: str) -> None:
        """Say goodbye to everyone; they are asked to come back spread over a while."""
        spread = max(1_000, len(self.edge.connections))
        for connection in list(self.edge.connections):
            if isinstance(connection.guest, Peer):
                wait = secrets.randbelow(spread)
                connection.guest.goodbye(code, reason, retry_after_ms=wait)
            else:
                connection.close(1001)


def raise_open_file_limit() -> None:
    """Allow as many sockets as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            structlog.get_logger("hub").warning("open-file limit stays as it is", limit=soft)
