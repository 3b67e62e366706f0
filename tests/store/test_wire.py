"""The connection to one server: replies find their callers, whatever comes between them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from server.store.connection import Down, Listener, Lost, Refused, Wire, dial
from server.store.discovery import open_stores
from server.store.embedded import EmbeddedStore
from server.store.endpoint import Endpoint, StoreError
from server.store.link import LinkEvents, StoreLink
from tests.cluster import SharedCluster
from tests.support import PATIENCE_S, until

from .conftest import PlainServer
from .posters import Town, assert_whole, town

NAMES = [f"{{p0}}m:@{number}".encode() for number in range(2_500)]
"""More than go into one command."""


class Ear(Listener):
    """Notes what a wire tells."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, bytes]] = []
        self.ended: list[bytes] = []
        self.agains: list[str] = []
        self.failures: list[Refused] = []
        self.gone = False

    def lost(self) -> None:
        self.gone = True

    def refused(self, refused: Refused) -> None:
        self.agains.append(refused.code)

    def message(self, name: bytes, payload: bytes) -> None:
        if payload == b"bad":
            raise ValueError(payload)
        self.heard.append((name, payload))

    def unsubscribed(self, name: bytes) -> None:
        self.ended.append(name)


@asynccontextmanager
async def wire_to(endpoint: Endpoint) -> AsyncIterator[tuple[Wire, Ear]]:
    ear = Ear()
    wire = await dial(endpoint, ear)
    try:
        yield wire, ear
    finally:
        wire.abort()


async def echoes(wire: Wire) -> None:
    """Every reply still finds its caller."""
    words = [f"word{number}".encode() for number in range(20)]
    assert await asyncio.gather(*(wire.request("ECHO", word) for word in words)) == words


async def test_messages_and_confirmations_come_between_replies(plain_server: PlainServer) -> None:
    async with wire_to(await plain_server()) as (wire, ear):
        replies: list[object] = []
        for number in range(3):
            wire.send(("INCR", "before"), replies.append)
            wire.subscribe(NAMES, ear.failures.append)
            wire.send(("SPUBLISH", NAMES[number], b"%d" % number), replies.append)
            wire.unsubscribe(NAMES)
            wire.send(("SPUBLISH", NAMES[number], b"unheard"), replies.append)
        await echoes(wire)
        assert replies == [1, 1, 0, 2, 1, 0, 3, 1, 0]
        assert ear.heard == [(NAMES[number], b"%d" % number) for number in range(3)]
        assert ear.ended == NAMES * 3
        assert ear.failures == []


async def test_a_subscription_that_is_refused_keeps_its_place(plain_server: PlainServer) -> None:
    locked = await plain_server("--user", "ann", "on", ">pw", "~*", "+@all", "resetchannels")
    ann = Endpoint(unix_path=locked.unix_path, username="ann", password="pw")
    async with wire_to(ann) as (wire, ear):
        replies: list[object] = []
        wire.send(("INCR", "count"), replies.append)
        wire.subscribe(NAMES, ear.failures.append)
        wire.send(("INCR", "count"), replies.append)
        await echoes(wire)
        assert replies == [1, 2]
        assert [refused.code for refused in ear.failures] == ["NOPERM"] * 3
        assert not any(refused.again for refused in ear.failures)


async def test_subscriptions_at_the_wrong_node_keep_their_places(cluster: SharedCluster) -> None:
    for endpoint in await cluster.primary_endpoints():
        async with wire_to(endpoint) as (wire, ear):
            replies: list[object] = []
            wire.unsubscribe([b"{p0}never"])
            wire.subscribe([b"{p0}a"], ear.failures.append)
            wire.unsubscribe([b"{p0}a"])
            wire.send(("ECHO", b"after"), replies.append)
            await echoes(wire)
            assert replies == [b"after"]
            here = not ear.failures
            assert ear.agains == ([] if here else ["MOVED"] * 3)
            assert ear.ended == ([b"{p0}never", b"{p0}a"] if here else [])


async def test_a_message_that_cannot_be_read_costs_only_itself(plain_server: PlainServer) -> None:
    async with wire_to(await plain_server()) as (wire, ear):
        wire.subscribe(NAMES[:1], ear.failures.append)
        for payload in (b"bad", b"good"):
            await wire.request("SPUBLISH", NAMES[0], payload)
        assert ear.heard == [(NAMES[0], b"good")]


async def test_what_has_no_reply_is_lost_after_the_owner_knows(plain_server: PlainServer) -> None:
    async with wire_to(await plain_server()) as (wire, ear):
        told: list[tuple[object, bool]] = []
        wire.send(("BLPOP", "nothing", 0), lambda reply: told.append((reply, ear.gone)))
        wire.subscribe(NAMES, ear.failures.append)
        wire.unsubscribe(NAMES)
        wire.abort()
        await until(lambda: told)
        assert isinstance(told[0][0], Lost)
        assert told[0][1]
        with pytest.raises(Lost):
            await wire.request("PING")


async def test_who_fails_to_take_a_loss_costs_nobody_else_theirs(
    plain_server: PlainServer,
) -> None:
    def stumble(reply: object) -> None:
        raise Down

    async with wire_to(await plain_server()) as (wire, _):
        told: list[object] = []
        wire.send(("BLPOP", "nothing", 0), stumble)
        wire.send(("PING",), told.append)
        wire.abort()
        await until(lambda: told)
        assert isinstance(told[0], Lost)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("MOVED 1 10.0.0.7:6379", True),
        ("ASK 1 10.0.0.7:6379", True),
        ("TRYAGAIN Multiple keys request during rehashing of slot", True),
        ("CLUSTERDOWN The cluster is down", True),
        ("LOADING Valkey is loading the dataset in memory", True),
        ("READONLY You can't write against a read only replica.", True),
        ("READONLY You can't write. script: teller_post, on @user_function:7.", False),
        ("ERR MOVED is only a word here", False),
        ("NOPERM No permissions to access a channel", False),
        ("UNBLOCKED force unblock from blocking operation", False),
    ],
)
def test_what_may_be_sent_again(text: str, again: bool) -> None:
    assert Refused(text).again is again


async def test_several_partitions_on_one_server(store: EmbeddedStore) -> None:
    async with town(str(store.endpoint).replace("?db=0", "")) as one:
        assert type(one.stores).__name__ == "Stores"
        one.post()
        await one.progress()
        one.stores.links()[0].renew()
        await one.progress()
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)
        assert all(poster.lost for poster in one.posters)
        assert one.hub.downs == list(range(16)) * 2
        assert sorted(one.hub.ups) == sorted(list(range(16)) * 3)


async def test_where_there_is_no_store_a_request_fails_at_once(store: EmbeddedStore) -> None:
    async with town(str(store.endpoint).replace("?db=0", "")) as one:
        channel = one.stores.channel(3)
        await store.stop()
        await until(lambda: not one.stores.up)
        with pytest.raises(Down):
            await channel.request("PING")
        with pytest.raises(Down):
            channel.send(("PING",), print)
        with pytest.raises(Down):
            channel.subscribe([b"x"])
        channel.unsubscribe([b"x"])
        channel.renew()


async def test_a_partition_that_cannot_be_prepared_is_no_start(plain_server: PlainServer) -> None:
    one = Town(await plain_server())

    async def refuse(partition: int, wire: Wire) -> None:
        if partition == 3:
            raise StoreError("another layout")

    one.hub.prepare_partition = refuse  # type: ignore[method-assign]
    stores = await open_stores(one.endpoint, one.slots, one.hub)
    with pytest.raises(StoreError, match="another layout"):
        await stores.start()
    assert stores.links() == []


async def test_several_hosts_must_be_a_cluster(plain_server: PlainServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    await plain_server("--port", str(port))
    one = Town(Endpoint("127.0.0.1", 1, others=(("127.0.0.1", port),)))
    with pytest.raises(StoreError, match="is no cluster; name one host only"):
        await open_stores(one.endpoint, one.slots, one.hub)


async def test_nobody_at_any_host() -> None:
    one = Town(Endpoint("127.0.0.1", 1, others=(("127.0.0.1", 2),)))
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2"):
        await open_stores(one.endpoint, one.slots, one.hub)


class Suspicious(LinkEvents):
    """Believes no reply that took longer than a fifth of a second."""

    async def prepare_node(self, wire: Wire) -> None:
        wire.trust_s = 0.2


async def test_a_reply_after_a_standstill_is_not_believed(store: EmbeddedStore) -> None:
    """Not even one that was quick itself: it may have been asked for late in the standstill."""
    link = StoreLink(store.endpoint, Suspicious())
    await link.start()
    assert await link.request("INCR", "count") == 1
    wire = link.wire
    told: list[object] = []
    assert wire is not None
    assert store.pid is not None
    os.kill(store.pid, signal.SIGSTOP)
    try:
        await until(lambda: wire.overdue(wire.trust_s))
        link.send(("INCR", "count"), told.append)
    finally:
        os.kill(store.pid, signal.SIGCONT)
    await until(lambda: told)
    assert isinstance(told[0], Lost)
    await until(lambda: link.up and link.wire is not wire)
    assert await link.request("INCR", "count") in (2, 3)
    await link.stop()


class Deaf(LinkEvents):
    """Prepares the second connection for ever, and swallows the cancellation of that: so may
    `asyncio.wait_for` before Python 3.12, which the library of the preparation uses."""

    def __init__(self) -> None:
        self.begun = 0

    async def prepare_node(self, wire: Wire) -> None:
        self.begun += 1
        if self.begun == 2:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()


async def test_a_link_stops_though_its_cancellation_was_swallowed(store: EmbeddedStore) -> None:
    events = Deaf()
    link = StoreLink(store.endpoint, events)
    await link.start()
    link.renew()
    await until(lambda: events.begun == 2)
    async with asyncio.timeout(PATIENCE_S):
        await link.stop()
    assert not link.up
