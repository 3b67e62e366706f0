"""The composition root: makes the parts of a hub, joins them, starts and stops them."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import secrets
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from urllib.parse import quote

import structlog
from msgspec import UNSET

from protocol.codec import Codec
from protocol.frames import (
    AcceptEntry,
    BlockEntry,
    DeclineEntry,
    ProfileEntry,
    RevokeEntry,
    UnblockEntry,
)
from protocol.session import Phase

from . import handlers
from .commit.durability import Promise
from .commit.outcomes import Load
from .commit.pipeline import RETRY_MAX_S, Pipeline
from .commit.pulse import keep_pulse
from .commit.storage import Storage, open_keyspace
from .config import Settings, SettingsError
from .courier.courier import Courier
from .courier.ends import End
from .courier.ways import Ways
from .edge.admission import Admission
from .edge.drain import drain
from .edge.edge import Edge
from .edge.garbage import hold_back
from .edge.keepalive import keep_alive
from .edge.listening import listen
from .edge.outbox import Flusher
from .edge.transport import Connection
from .entering.entrance import Entrance
from .entering.passwords import Passwords
from .erasure.erasing import Erasing
from .ledger.blanking import sweep_words
from .ledger.keys import WORLD, slot_of
from .ledger.pairs import modes
from .ledger.sweep import sweep_marks
from .metrics import HubCollector, Site
from .peer import Peer
from .people.contacts import Contacts
from .people.cutter import Cutter
from .people.receipts import Receipts
from .people.requests import Requests
from .people.strangers import Strangers
from .people.trail import Trail
from .presence.presence import People
from .regions.places import Places, read_places
from .regions.world import World
from .rooms.pace import learn_pace
from .rooms.rosters import Rosters
from .seal.opening import key_store
from .seal.seals import Seals
from .search.desk import SearchDesk
from .services import Services
from .store.connection import Down, Lost, Refused
from .store.discovery import open_stores
from .store.embedded import EmbeddedStore
from .store.endpoint import Endpoint, StoreError, parse_url
from .telling.announcer import Announcer
from .telling.catchup import CatchUp
from .telling.delivery import Delivery
from .telling.hearing import Hearing
from .telling.hub import Hub, Listener, Party
from .telling.hubs import Hubs
from .telling.membership import Membership
from .telling.relay import Relay
from .workers.worker import Worker

OPERATOR_TOKEN = "operator.token"


class App:
    """A running hub: alone, or as one `worker` of several on one port."""

    def __init__(self, settings: Settings, worker: Worker | None = None) -> None:
        self.settings = settings
        self.worker = worker
        self.servers: list[asyncio.Server] = []
        self.embedded: EmbeddedStore | None = None
        self.port = settings.port
        self.places: Places | None = None
        """The regions, if there are any."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"{self.settings.scheme}://{self.settings.host}:{self.port}/ws"

    async def start(self) -> None:
        """Start store and hub; returns when clients can connect.

        Raises:
            StoreError, SettingsError, LibraryError: with a message for people.
        """
        raise_open_file_limit()
        self._read_regions()
        try:
            await self._start_hub(await self._start_store())
        except BaseException:
            await self.stop()
            raise
        gc.collect()
        gc.freeze()
        hold_back()

    async def stop(self) -> None:
        """Drain: no new connections, finish posts, say goodbye, stop the store."""
        for server in self.servers:
            server.close()
        if self.servers:
            await drain(self.services, self.edge)
            await self.services.hubs.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "services"):
            await self.services.close()
        if self.embedded is not None:
            await self.embedded.stop()

    # Starting.

    def _read_regions(self) -> None:
        settings = self.settings
        if settings.region is None or settings.regions is None:
            return
        places = self.places = read_places(settings.regions, settings.region)
        if settings.partitions not in (None, places.here.partitions):
            raise SettingsError(
                f"--partitions is {settings.partitions}, but {settings.regions} says that region "
                f"{places.own} has {places.here.partitions}"
            )

    async def _start_store(self) -> Endpoint:
        settings = self.settings
        if settings.store is not None:
            return parse_url(settings.store)
        self.embedded = EmbeddedStore(settings.data, settings.durability)
        await self.embedded.start()
        return self.embedded.endpoint

    def _store_url(self) -> str:
        """Where another process of ours finds the store."""
        if self.embedded is None:
            assert self.settings.store is not None
            return self.settings.store
        return f"unix://{quote(self.embedded.endpoint.unix_path or '')}"

    async def _start_hub(self, endpoint: Endpoint) -> None:
        await self._make_services(endpoint)
        services, settings = self.services, self.settings
        try:
            await services.stores.start()
        except (Down, Lost, Refused, OSError, TimeoutError) as error:
            raise StoreError(f"{endpoint} cannot be used: {error or repr(error)}") from error
        if services.promise.weakest:
            servers = ", ".join(services.promise.weakest)
            raise StoreError(
                f"no replica is connected to {servers}, so --durability {settings.durability} "
                "cannot be kept. Add a replica with an append-only file, and set "
                "min-replicas-to-write 1, so that the primary refuses what it cannot pass on; "
                "or choose --durability disk"
            )
        await services.hubs.start()
        self._hubs_changed()
        self.edge = self._edge(Flusher(asyncio.get_running_loop()))
        self.servers = await self._listen()
        self._run(keep_alive(self.edge, services))
        self._run(sweep_marks(services.stores.links))
        self._run(sweep_words(services.stores.links))
        self._run(services.catch_up.rounds())
        self._run(services.hubs.beat())
        self._run(services.cutter.rounds())
        self._run(services.presence.rounds())
        self._run(services.courier.run())
        self._run(services.requests.rounds())
        self._run(services.erasing.run())
        self._run(keep_pulse(services.pipelines, services.promise))
        self._run(services.search.run())
        if services.world is not None:
            services.world.start()

    async def _make_services(self, endpoint: Endpoint) -> None:
        """Everything that answers clients, joined but at rest."""
        settings = self.settings
        hub = Hub()
        places = self.places
        partitions = settings.partitions if places is None else places.here.partitions
        keyspace = await open_keyspace(endpoint, partitions)
        passwords = Passwords(settings.argon2_time_cost, settings.argon2_memory_kib)
        loop = asyncio.get_running_loop()
        services = self.services = Services(settings, keyspace, hub, passwords, loop.time)
        services.seals = Seals(key_store(settings.keys, settings.data))
        await services.seals.keys.open()
        services.search = SearchDesk(services, self._store_url())
        operator_token = operator_token_in(settings.data)
        storage = Storage(services, operator_token)
        slots = [slot_of(keyspace.tag(p).encode()) for p in range(keyspace.partitions)]
        services.stores = await open_stores(endpoint, slots, storage)
        announcer = Announcer(hub)
        services.relay = relay = Relay(keyspace, services.channel, hub)
        membership = Membership(keyspace, services.pipeline_of, hub, announcer, relay)
        relay.ear = hearing = Hearing(hub, announcer, membership, services.counters)
        services.catch_up = CatchUp(services, announcer, storage.posts_lost)
        announcer.missing = hub.behind = services.catch_up.missing
        relay.on_listen = services.catch_up.check
        services.hubs = Hubs(services, storage.new_epoch)
        self.delivery = services.delivery = Delivery(
            hub, announcer, membership, relay, services.seals
        )
        services.delivery.again = lambda post: services.pipeline_of(post.partition).post(post)
        announcer.heeds[AcceptEntry] = membership.accepted
        hub.opened = partial(learn_pace, services)
        services.rosters = Rosters(services)
        self._make_pipelines()
        self._make_people(announcer, hearing)
        services.contacts = Contacts(services)
        services.receipts = Receipts(services)
        services.requests = Requests(services)
        services.delivery.answered = services.requests.look
        services.modes = modes(settings.asks)
        services.entrance = Entrance(services)
        services.erasing = Erasing(services)
        services.handlers = handlers.by_phase()
        if services.world is not None:
            ready = services.handlers[Phase.READY]
            services.handlers[Phase.READY] = services.world.homes.before(ready)

    def _make_pipelines(self) -> None:
        services, settings = self.services, self.settings
        load = Load()
        services.aside.talking = lambda: load.posts > 0
        promise = services.promise = Promise.of(settings.durability)
        ways = Ways(
            services.keyspace,
            services.pipeline_of,
            services.channel,
            promise,
            settings.asks,
            self._end_abroad,
        )
        if self.places is not None:
            services.world = World(services, self.places, ways)
        lanes = services.keyspace.partitions > 1 or services.world is not None
        hubs = services.hubs
        services.courier = Courier(ways, services.relay.id, lambda: hubs.live)
        hubs.changed = self._hubs_changed
        patience_s = RETRY_MAX_S if services.stores.patience_s else 0.0
        for partition in range(services.keyspace.partitions):
            pipeline = Pipeline(
                services.channel(partition),
                self.delivery,
                load=load,
                promise=promise,
                fence=services.keyspace.fence(partition),
                carrier=services.courier if lanes else None,
                patience_s=patience_s,
            )
            services.pipelines.append(pipeline)

    def _make_people(self, announcer: Announcer, hearing: Hearing) -> None:
        """Who is there, and who may not be any more."""
        services, hub = self.services, self.services.hub
        presence = services.presence = People(services)
        cutter = services.cutter = Cutter(services)
        trail = services.trail = Trail(services)
        if self.settings.rate_limits and self.settings.strangers == "ask":
            services.strangers = Strangers(services)
        hub.came = presence.came

        def went(party: Party, listener: Listener) -> None:
            presence.went(party, listener)
            trail.went(party, listener)

        def said(party: Party, entry: ProfileEntry) -> None:
            if entry.receipts is not UNSET:
                party.receipts = entry.receipts
            if entry.seen is not UNSET:
                presence.shown(party, entry.seen)

        hub.went = went
        hearing.on_look = cutter.look
        services.delivery.flagged = cutter.everywhere
        announcer.heed(ProfileEntry, said)
        announcer.heed(RevokeEntry, lambda party, entry: cutter.look(party.name))
        for kind in (AcceptEntry, BlockEntry, DeclineEntry, UnblockEntry):
            announcer.heed(kind, presence.thought)

    def _hubs_changed(self) -> None:
        services = self.services
        services.courier.elect()
        services.presence.afar.hubs_changed(services.hubs.live)

    def _end_abroad(self, source: int, dest: str) -> End:
        assert self.services.world is not None
        return self.services.world.end(source, dest)

    def _edge(self, flusher: Flusher) -> Edge:
        settings, services = self.settings, self.services
        edge = Edge(
            flusher,
            self._meet,
            lambda path, reply: self.site.serve(path, reply),  # noqa: PLW0108 (made below)
            settings.origin or None,
            settings.frame_bytes_max,
            settings.outbox_bytes_max,
            settings.connections_max,
        )
        if services.world is not None:
            edge.link = services.world.meet
        self.site = Site(services, HubCollector(services, self.delivery, edge), self.worker)
        if settings.rate_limits:
            edge.admit = Admission(settings.connects_per_s, services.now).wait_ms
        edge.proxies = frozenset(settings.proxies)
        edge.aside = services.aside
        return edge

    def _meet(self, connection: Connection, codec: Codec) -> Peer:
        peer = Peer(self.services, connection, codec)
        connection.expect_login(self.settings.login_timeout_s, peer)
        return peer

    async def _listen(self) -> list[asyncio.Server]:
        bound = self.worker.sockets if self.worker is not None else ()
        servers = await listen(self.settings, lambda: Connection(self.edge), bound)
        self.port = servers[0].sockets[0].getsockname()[1]
        return servers

    def _run(self, work: Coroutine[None, None, None]) -> None:
        """Do `work` in the background until the hub stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def operator_token_in(data: Path) -> str:
    """The operator's token: read, or made, in the data directory.

    Raises:
        SettingsError: if the directory cannot be used.
    """
    path = data / OPERATOR_TOKEN
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


def raise_open_file_limit() -> None:
    """Allow as many sockets as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            structlog.get_logger("hub").warning("open-file limit stays as it is", limit=soft)
