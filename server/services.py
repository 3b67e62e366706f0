"""What handlers work with: the parts of a running hub, by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from protocol.session import Phase

from .config import Settings
from .edge.aside import Aside
from .edge.limits import Bucket
from .entering.passwords import Passwords
from .ledger.ids import Ages
from .ledger.keys import Keyspace
from .telling.hub import Hub, Party

if TYPE_CHECKING:
    from protocol.frames import Entry

    from .commit.durability import Promise
    from .commit.pipeline import Pipeline
    from .courier.courier import Courier
    from .entering.entrance import Entrance
    from .erasure.erasing import Erasing
    from .ledger.posts import Mode, Post
    from .peer import Peer
    from .people.contacts import Contacts
    from .people.cutter import Cutter
    from .people.receipts import Receipts
    from .people.requests import Requests
    from .people.strangers import Strangers
    from .people.trail import Trail
    from .presence.presence import People
    from .regions.world import World
    from .rooms.rosters import Rosters
    from .seal.seals import Seals
    from .search.desk import SearchDesk
    from .store.connection import Channel
    from .store.stores import Stores
    from .telling.catchup import CatchUp
    from .telling.delivery import Delivery
    from .telling.hubs import Hubs
    from .telling.relay import Relay


@dataclass
class Counters:
    """What the metrics show; plain numbers, because they are counted on the hot path."""

    frames_in: int = 0
    nonsense: int = 0
    rate_limited: int = 0
    slow: int = 0
    shed: int = 0
    presence: int = 0
    """What those who watch were told of others' coming and going."""
    idle: int = 0
    logins: int = 0
    store_losses: int = 0
    relay_gaps: int = 0
    """Entries that no other hub told and that were read from the store."""


@dataclass
class Services:
    """The parts of a running hub. Made by `app`, used by handlers."""

    settings: Settings
    keyspace: Keyspace
    hub: Hub
    passwords: Passwords
    now: Callable[[], float]
    """The loop's clock, in seconds."""
    aside: Aside = field(default_factory=Aside)
    """What waits for those who talk."""
    stores: Stores = field(init=False)
    erasing: Erasing = field(init=False)
    seals: Seals = field(init=False)
    """Seals and opens words."""
    pipelines: list[Pipeline] = field(default_factory=list)
    """One for each partition."""
    relay: Relay = field(init=False)
    hubs: Hubs = field(init=False)
    catch_up: CatchUp = field(init=False)
    promise: Promise = field(init=False)
    """How durable posts are."""
    contacts: Contacts = field(init=False)
    receipts: Receipts = field(init=False)
    requests: Requests = field(init=False)
    """What becomes of strangers' money."""
    modes: dict[type[Entry], Mode] = field(init=False)
    """How entries from one person to another are to be looked at."""
    courier: Courier = field(init=False)
    delivery: Delivery = field(init=False)
    rosters: Rosters = field(init=False)
    """Who is in the rooms that are served here."""
    entrance: Entrance = field(init=False)
    search: SearchDesk = field(init=False)
    presence: People = field(init=False)
    """Who is there, for those who want to know."""
    strangers: Strangers | None = None
    """How many strangers people may address; None: as many as they like."""
    cutter: Cutter = field(init=False)
    """Cuts off whoever may not be here any more."""
    trail: Trail = field(init=False)
    """Writes down when devices were there."""
    world: World | None = None
    """The other regions, if there are any."""
    handlers: dict[Phase, dict[type[Any], Callable[..., None]]] = field(init=False)
    ages: Ages = field(default_factory=Ages)
    counters: Counters = field(default_factory=Counters)
    first_tokens: dict[Peer, str] = field(default_factory=dict)
    """Tokens of registrations that are on their way."""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    """How fast accounts may post; kept over reconnects."""
    store_ahead_ms: int = 0
    """The store's clock minus ours, as of the last connection."""
    epochs: dict[int, int] = field(default_factory=dict)
    """Of each partition; changes when it was restored from a backup, or lost posts."""
    log: Any = field(default_factory=lambda: structlog.get_logger("hub"))

    def channel(self, partition: int) -> Channel:
        """The connection to a partition of the store."""
        return self.stores.channel(partition)

    def pipeline_of(self, partition: int) -> Pipeline:
        """The pipeline that takes posts and ordered reads to a partition."""
        return self.pipelines[partition]

    def post(self, peer: Peer, post: Post) -> None:
        """Take a post of `peer` to its partition, behind all earlier ones of that connection."""
        strangers, pair = self.strangers, post.pair
        if strangers and pair and pair not in strangers.known and strangers.unknown(post):
            self.contacts.hold(peer, post.id, lambda done: strangers.judge(peer, post, done))
        elif post.lookups or self.contacts.parked:
            self.contacts.post(peer, post)
        else:
            self.pipelines[post.partition].post(post)

    @property
    def idle(self) -> bool:
        """Whether every post given so far was answered."""
        return not self.contacts.parked and all(pipeline.idle for pipeline in self.pipelines)

    async def close(self) -> None:
        """Leave the other regions and the store, and end the threads."""
        if self.world is not None:
            await self.world.stop()
        if hasattr(self, "erasing"):
            await self.erasing.stop()
        if hasattr(self, "courier"):
            self.courier.close()
        if hasattr(self, "stores"):
            await self.stores.stop()
        if hasattr(self, "seals"):
            await self.seals.close()
        self.passwords.close()

    def epoch_of(self, partition: int) -> int:
        """The epoch of a partition's boxes."""
        return self.epochs[partition]

    def store_now(self) -> int:
        """The store's clock, in ms, as far as we know it."""
        return int(time.time() * 1000) + self.store_ahead_ms

    def enter(self, peer: Peer, name: str, seq: int) -> Party:
        """Connect `peer` to the hub, with the rates that apply."""
        party = self.hub.enter(peer, name, seq)
        self.counters.logins += 1
        if self.settings.rate_limits and party.bucket is None:
            party.bucket = self.buckets.get(name)
            if party.bucket is None:
                party.bucket = Bucket(self.settings.posts_per_s, self.settings.posts_burst)
                self.buckets[name] = party.bucket
        return party

    def forget_full_buckets(self) -> None:
        """Drop the rates of accounts that have not posted for a while; call it now and then."""
        now = self.now()
        self.buckets = {name: one for name, one in self.buckets.items() if not one.full(now)}
