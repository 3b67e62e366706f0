"""What handlers work with: the parts of a running hub, by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from protocol.session import Phase

from .config import Settings
from .hub import Hub, Party
from .ledger.ids import Ages
from .ledger.keys import Keyspace
from .limits import Bucket
from .passwords import Passwords

if TYPE_CHECKING:
    from .entrance import Entrance
    from .peer import Peer
    from .pipeline import Pipeline
    from .store.connection import Channel


@dataclass
class Counters:
    """What the metrics show; plain numbers, because they are counted on the hot path."""

    frames_in: int = 0
    nonsense: int = 0
    rate_limited: int = 0
    slow: int = 0
    shed: int = 0
    idle: int = 0
    logins: int = 0
    store_losses: int = 0


@dataclass
class Services:
    """The parts of a running hub. Made by `app`, used by handlers."""

    settings: Settings
    hub: Hub
    passwords: Passwords
    now: Callable[[], float]
    """The loop's clock, in seconds."""
    keyspace: Keyspace = field(init=False)
    store: Channel = field(init=False)
    pipeline: Pipeline = field(init=False)
    entrance: Entrance = field(init=False)
    handlers: dict[Phase, dict[type[Any], Callable[..., None]]] = field(init=False)
    ages: Ages = field(default_factory=Ages)
    counters: Counters = field(default_factory=Counters)
    first_tokens: dict[Peer, str] = field(default_factory=dict)
    """Tokens of registrations that are on their way."""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    """How fast accounts may post; kept over reconnects."""
    epoch: int = 1
    """Changes when the store was restored from a backup."""
    log: Any = field(default_factory=lambda: structlog.get_logger("hub"))

    def channel(self, partition: int) -> Channel:
        """The connection to a partition of the store."""
        del partition
        return self.store

    def pipeline_of(self, partition: int) -> Pipeline:
        """The pipeline that takes posts and ordered reads to a partition."""
        del partition
        return self.pipeline

    def store_now(self) -> int:
        """The store's clock, in ms, as far as we know it."""
        return int(time.time() * 1000) + self.pipeline.store_ahead_ms

    def enter(self, peer: Peer, name: str, seq: int, rooms: dict[str, int]) -> Party:
        """Connect `peer` to the hub, with the rates that apply."""
        party = self.hub.enter(peer, name, seq, rooms)
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
