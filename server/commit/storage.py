"""The hub's side of the store: makes it ready, and does what has to be done when it comes back."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from typing import TYPE_CHECKING

import structlog

from protocol.errors import Close

from ..entering.passwords import token_field
from ..faults import FAULT
from ..ledger import library
from ..ledger.keys import META, WORLD, Keyspace, slot_of
from ..ledger.records import ISSUER, Record, format_record
from ..peer import Peer
from ..store.check import check_store
from ..store.client import redis_client
from ..store.connection import Down, Lost, Refused, Wire
from ..store.discovery import ask_at, is_cluster
from ..store.endpoint import Endpoint, StoreError
from ..store.partition import Watch

if TYPE_CHECKING:
    from ..services import Services

SCHEMA = "4"
"""Layout of the keys and of what they hold; a store of another layout is refused."""
_CHANGING = -1
PARTITIONS_OF_A_CLUSTER = 16
"""Unless the operator says otherwise: enough for as many primaries."""


async def open_keyspace(endpoint: Endpoint, wanted: int | None) -> Keyspace:
    """The keyspace of the store at `endpoint`, which is initialised if it is new.

    A new store gets the `wanted` number of partitions; None: 1 on a single server, more on a
    cluster. It never changes afterwards.

    Raises:
        StoreError: if the store cannot be used, has another layout or other partitions.
    """
    slot = slot_of(META)
    if wanted is None:
        number = PARTITIONS_OF_A_CLUSTER if await is_cluster(endpoint) else 1
    else:
        number = wanted
    await ask_at(endpoint, slot, "HSETNX", META, "schema", SCHEMA)
    await ask_at(endpoint, slot, "HSETNX", META, "partitions", number)
    found = await ask_at(endpoint, slot, "HMGET", META, "schema", "partitions")
    partitions = _partitions(found)
    if wanted not in (None, partitions):
        raise StoreError(
            f"the store has {partitions} partitions, not {wanted}: fixed when it was first "
            "used. Leave --partitions out, or write it so into regions.toml"
        )
    return Keyspace(partitions)


def _partitions(found: object) -> int:
    assert isinstance(found, list)
    schema = found[0].decode()
    if schema != SCHEMA:
        raise StoreError(f"the store has layout {schema}; this hub knows layout {SCHEMA}")
    return int(found[1])


class Storage(Watch):
    """Prepares servers and partitions, and knows in which state they were last seen."""

    def __init__(self, services: Services, operator_token: str) -> None:
        self._services = services
        self._operator_token = operator_token
        self._known: dict[int, int] = {}
        """The epoch of each partition when it was last up."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("storage")

    async def prepare_node(self, wire: Wire) -> None:
        """Check a server's settings, load the function library."""
        client = redis_client(wire.endpoint)
        try:
            blind = FAULT == "skip-fsync"  # a hub that believes in what its store does not do
            wanted = "memory" if blind else self._services.settings.durability
            facts = await check_store(client, wanted)
        finally:
            await client.aclose()
        promise = self._services.promise
        promise.learn(str(wire.endpoint), facts.appendonly, facts.replicas)
        promise.late_s = facts.node_timeout_s
        await library.ensure(wire)
        await self._describe(wire)

    async def _describe(self, wire: Wire) -> None:
        """Say again what the store was initialised with: one in memory may have lost it."""
        partitions = self._services.keyspace.partitions
        try:
            await wire.request("HSETNX", META, "schema", SCHEMA)
            await wire.request("HSETNX", META, "partitions", partitions)
            found = await wire.request("HMGET", META, "schema", "partitions")
            await self._see_keys(wire)
        except Refused as refused:
            if not refused.again:
                raise
            return  # another server has it
        if _partitions(found) != partitions:
            raise StoreError(f"the store now has other partitions than {partitions}: start again")

    async def _see_keys(self, wire: Wire) -> None:
        """See that the words in this store were sealed with the keys that this hub has."""
        keys = self._services.seals.keys
        await wire.request("HSETNX", META, "keys", keys.id)
        if await wire.request("HGET", META, "keys") != keys.id.encode():
            raise StoreError(
                f"the words in this store were sealed with other keys than those in {keys.where}. "
                "Hubs of one store share their keys: see --keys. If they were lost, bring them "
                "back from the newest backup: teller admin restore-keys"
            )

    async def prepare_partition(self, partition: int, wire: Wire) -> None:
        """Its epoch, its `$world`, the operator's token; and how far its clock is ahead."""
        services = self._services
        meta, world = services.keyspace.meta(partition), services.keyspace.world(partition)
        await wire.request("HSETNX", meta, "epoch", int(time.time()))
        found = await wire.request("HGET", meta, "epoch")
        assert isinstance(found, bytes)
        services.epochs[partition] = int(found)
        await wire.request("SETNX", world.record, format_record(Record(ISSUER, 0)))
        if partition == services.keyspace.partition_of(WORLD):
            await self._admit_operator(world.tokens, wire)
        at = await wire.request("TIME")
        assert isinstance(at, list)
        services.store_ahead_ms = int(at[0]) * 1000 + int(at[1]) // 1000 - int(time.time() * 1000)
        services.ages.update(services.store_now())

    async def _admit_operator(self, tokens: bytes, wire: Wire) -> None:
        """Let the token of this data directory in; an older one of the same directory ends."""
        field = token_field(self._operator_token)
        name = f"operator {socket.gethostname()}:{self._services.settings.data.resolve()}"
        found = await wire.request("HGETALL", tokens)
        assert isinstance(found, dict)
        for old, owner in found.items():
            if owner == name.encode() and old != field.encode():
                await wire.request("HDEL", tokens, old)
        await wire.request("HSET", tokens, field, name)

    def on_up(self, partition: int) -> None:
        """A partition is there: announce what was missed; or, if it is another state of it than
        before (restored, or lost with its memory), let everyone come in anew."""
        services = self._services
        epoch = services.epochs[partition]
        before = self._known.get(partition, epoch)
        self._known[partition] = epoch
        if (pulse := services.pipeline_of(partition).pulse) is not None:
            pulse.risen()
        try:
            services.relay.partition_up(partition)
            if partition == 0:
                services.hubs.partition_up()
                services.seals.look_again()
            services.presence.afar.begin(partition)
            if before != epoch:
                self._begin(partition, epoch, "the store was restored")
            else:
                services.catch_up.partition_up(partition)
            services.courier.partition_up(partition)
            services.entrance.partition_up(partition)
        except Down:
            self._log.warning("the store went away again", partition=partition)

    def on_down(self, partition: int) -> None:
        """A partition cannot be reached now."""
        del partition
        self._services.counters.store_losses += 1

    def on_message(self, name: bytes, payload: bytes) -> None:
        """Another hub has published something."""
        try:
            if name in self._services.courier.channels:
                self._services.courier.heard(name, payload)
            elif name == self._services.presence.afar.channel:
                self._services.presence.afar.heard(payload)
            else:
                self._services.relay.hear(name, payload)
        except Exception:  # it is only a wake-up: what it told is found by position
            self._log.exception("a publication cannot be read", channel=name)

    # Another state of a partition.

    def posts_lost(self, partition: int) -> None:
        """The store has less than it announced (it did not sync every post): a new epoch."""
        if self._known[partition] == _CHANGING:
            return
        self._known[partition] = _CHANGING
        self._log.error("the store lost posts that were acknowledged", partition=partition)
        task = asyncio.create_task(self._change_epoch(partition))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def new_epoch(self, partition: int, epoch: int) -> None:
        """Another hub tells that a partition is in another state than it was."""
        if epoch > self._services.epochs[partition]:
            self._begin(partition, epoch, "the store was restored")

    async def _change_epoch(self, partition: int) -> None:
        services = self._services
        channel, meta = services.channel(partition), services.keyspace.meta(partition)
        known = services.epochs[partition]
        epoch = max(known + 1, int(time.time()))
        try:
            stored = await channel.request("HGET", meta, "epoch")
            if isinstance(stored, bytes) and int(stored) > known:
                epoch = int(stored)  # another hub was quicker
            else:
                await channel.request("HSET", meta, "epoch", epoch)
        except (Down, Lost, Refused) as error:
            self._log.error("the new epoch is not in the store", error=repr(error))
        services.hubs.tell_epoch(partition, epoch)
        self._begin(partition, epoch, "the store lost posts")

    def _begin(self, partition: int, epoch: int, reason: str) -> None:
        """Let everyone who listens to a box of `partition` come in anew, spread over a while."""
        self._known[partition] = self._services.epochs[partition] = epoch
        of = self._services.keyspace.partition_of
        boxes = [box for box in self._services.hub.boxes() if of(box.name) == partition]
        listeners = {one for box in boxes for one in box.everyone()}
        spread = max(1_000, len(listeners))
        for listener in listeners:
            if isinstance(listener, Peer):
                wait = secrets.randbelow(spread)
                listener.goodbye(Close.RESYNC, reason, retry_after_ms=wait)
        for box in boxes:  # nobody finds what was told, or what waits, of another state of them
            self._services.hub.forget(box)
