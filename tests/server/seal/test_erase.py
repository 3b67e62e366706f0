"""An account erased: what goes, what stays, and what is in the way of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from protocol.errors import Code
from server.commands.backup import _backup
from server.erasure import erasing, steps
from server.ledger.audit import audit
from server.ledger.entries import TIME_DIGITS, split
from server.ledger.posts import pack_call
from server.seal.keys import DESTROYED, KEY_BYTES, KeysError
from server.seal.seal import Seal
from server.store.client import redis_client
from server.store.connection import Lost
from tests.server.seal.conftest import bytes_of, texts
from tests.support import PASSWORD, Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]
MakeHubs = Callable[..., Awaitable[list[Hub]]]
SECRET = "hippopotamus"


async def erase(client: Client, password: str = PASSWORD, id: str = "bye") -> dict[str, Any]:
    return await client.ask("erase", id=id, password=password)


async def closed(client: Client) -> tuple[int, str]:
    """How the connection ended."""
    with suppress(ConnectionClosed):
        while True:
            await client.receive()
    return client.socket.close_code or 0, client.socket.close_reason or ""


async def erased(hub: Hub, name: str = "@alice") -> None:
    """Wait until all of the erasure is done."""
    keyspace = hub.app.services.keyspace
    partition = keyspace.partition_of(name)
    channel = hub.app.services.channel(partition)

    async def done() -> bool:
        left = await channel.request("HEXISTS", keyspace.erasing(partition), name)
        gone = await channel.request("SISMEMBER", keyspace.erased(partition), name)
        return (left, gone) == (0, 1)

    await until(done)


async def town(hub: Hub) -> tuple[Client, Client]:
    """Alice and Bob, who have talked, and Alice has nothing left."""
    alice, bob = await hub.register("alice"), await hub.register("bob")
    said = [
        await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}"),
        await bob.ask("message", id="re", to="@alice", text="I see"),
        await alice.ask("profile", id="me", name=f"The {SECRET}", about=f"likes a {SECRET}"),
        await bob.ask("create", room="#zoo"),
        await alice.ask("join", room="#zoo"),
        await alice.ask("message", id="zoo", to="#zoo", text=f"{SECRET}es"),
        await alice.ask("payment", id="p", to="@bob", amount=10_000, currency="USD", text=SECRET),
    ]
    assert {one["type"] for one in said} == {"ack"}, said
    return alice, bob


async def test_all_words_go_and_the_books_stay(make_hub: MakeHub, tmp_path: Path) -> None:
    hub = await make_hub()
    alice, bob = await town(hub)
    phone = await hub.login("alice")
    before = tmp_path / "before"
    await _backup(hub.data, before)
    bye = await erase(alice)
    assert (bye["type"], "box" in bye) == ("ack", False)
    assert await closed(alice) == await closed(phone) == (4500, "the account was erased")
    await erased(hub)
    page = (await bob.ask("history", box="@bob"))["entries"]
    shown = {one["id"]: (one.get("text"), one.get("gone")) for one in page}
    assert shown["dm"] == ("", "erased")
    assert shown["p"] == (None, "erased")
    assert shown["re"] == ("I see", None)
    paid = next(one for one in page if one["id"] == "p")
    assert (paid["from"], paid["amount"], paid["state"]) == ("@alice", 10_000, "settled")
    assert ("", "erased") in await texts(bob, "#zoo")
    members = await bob.ask("members", room="#zoo")
    assert [one["who"] for one in members["members"]] == ["@bob"]
    assert (await bob.ask("profiles", who=["@alice"]))["profiles"] == []
    await hub.stop()
    for folder in (hub.data, before):
        assert SECRET.encode() not in bytes_of(folder)


async def test_no_bytes_of_the_data_open_the_words(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, _ = await town(hub)
    hers, his = await _words(hub, 1), await _words(hub, 2)
    assert _opens(bytes_of(hub.data / "keys"), hers) == f"a {SECRET}"
    await erase(alice)
    await erased(hub)
    await hub.stop()
    kept = bytes_of(hub.data / "keys")
    assert _opens(kept, his) == "I see"
    assert _opens(kept, hers) is None


async def _words(hub: Hub, place: int) -> tuple[bytes, bytes]:
    """The public part and the sealed words of an entry of Bob's."""
    stored = await hub.store("LINDEX", "{p0}m:@bob", place)
    return split(stored[TIME_DIGITS:])


def _opens(data: bytes, entry: tuple[bytes, bytes]) -> str | None:
    """What is sealed, if any bytes of `data` are the key to it."""
    public, sealed = entry
    for start in range(len(data) - KEY_BYTES + 1):
        key = data[start : start + KEY_BYTES]
        if key.count(0) > 8:  # no random key
            continue
        try:
            return Seal(key).show(sealed, public)
        except ValueError:
            continue
    return None


async def test_it_is_acknowledged_when_the_key_is_gone(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other devices are cut off at once; the one that asked hears first that it is done."""
    hub = await make_hub()
    alice, _ = await town(hub)
    phone, keys = await hub.login("alice"), hub.app.services.seals.keys
    gate, destroy = asyncio.Event(), keys.destroy

    async def slowly(name: str) -> None:
        await gate.wait()
        await destroy(name)

    monkeypatch.setattr(keys, "destroy", slowly)
    await alice.send({"type": "erase", "id": "bye", "password": PASSWORD})
    assert await closed(phone) == (4500, "the account was erased")
    assert (await alice.ask("status", of="bye"))["outcome"] == "stored"  # and nothing came before
    assert not [one for one in alice.pushed if "bye" in (one.get("id"), one["type"])]
    gate.set()
    assert (await alice.answer("bye"))["type"] == "ack"
    assert await keys.find(["@alice"]) == {"@alice": DESTROYED}
    assert await closed(alice) == (4500, "the account was erased")


async def test_a_key_that_cannot_be_destroyed_now_is_told_and_destroyed_later(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "ROUND_S", 0.1)
    hub = await make_hub()
    alice, _ = await town(hub)
    with monkeypatch.context() as broken:
        _break(broken, hub, "destroy")
        told = await erase(alice)
        assert (told["code"], told["retry"]) == ("outcome_unknown", "same_id")
        assert await closed(alice) == (4500, "the account was erased")
    await erased(hub)
    assert await hub.app.services.seals.keys.find(["@alice"]) == {"@alice": DESTROYED}


async def test_the_name_is_never_free_again(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, bob = await town(hub)
    await erase(alice)
    await erased(hub)
    for again in range(2):
        other = await hub.connect()
        answers = [
            await other.ask("register", handle="alice", password=PASSWORD),
            await other.ask("login", handle="alice", password=PASSWORD),
            await other.ask("hello", token=alice.welcome["token"]),
        ]
        assert [one["code"] for one in answers] == ["name_taken", "login_failed", "token_invalid"]
        words = await bob.ask("message", to="@alice", text="are you there?")
        money = await bob.ask("payment", to="@alice", amount=1, currency="USD")
        assert words["code"] == money["code"] == "account_closed"
        if not again:
            await hub.stop()
            hub = await make_hub()
            bob = await hub.login("bob")
    assert hub.app.embedded is not None
    async with redis_client(hub.app.embedded.endpoint) as client:
        assert (await audit(client, hub.app.services.keyspace)).findings == []


async def test_what_is_in_the_way_changes_nothing(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("create", room="#hers")
    await bob.ask("join", room="#hers")
    refused = await erase(alice, "wrong password", "bye1")
    assert refused["code"] == "login_failed"
    refused = await erase(alice, id="bye2")
    assert (refused["code"], refused["details"]) == ("owner_stays", {"room": "#hers"})
    await alice.ask("role", room="#hers", who="@bob", role="owner")
    refused = await erase(alice, id="bye3")
    assert (refused["code"], refused["retry"]) == ("not_empty", "new_id")
    await alice.ask("payment", to="@bob", amount=10_000, currency="USD")
    sent = await alice.ask("message", id="dm", to="@bob", text="still here")
    assert sent["type"] == "ack"
    assert ("still here", None) in await texts(bob, "@bob")
    assert (await erase(alice, id="bye4"))["type"] == "ack"
    await erased(hub)


async def test_an_id_that_was_used_is_not_used_again(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, _ = await town(hub)
    refused = await erase(alice, id="dm")
    assert refused["code"] == "id_reused"
    assert (await alice.ask("message", to="@bob", text="still here"))["type"] == "ack"


async def test_two_devices_erase_at_once(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, _ = await town(hub)
    phone = await hub.login("alice")
    for one in (alice, phone):
        await one.send({"type": "erase", "id": "bye", "password": PASSWORD})
    assert {(await closed(one))[0] for one in (alice, phone)} == {4500}
    await erased(hub)


async def test_passwords_cannot_be_tried_for_ever(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await make_hub()
    monkeypatch.setattr(hub.app.services.entrance._throttle, "_now", lambda: 0.0)  # no time passes
    alice, _ = await town(hub)
    codes = [(await erase(alice, f"wrong {n}", f"bye{n}"))["code"] for n in range(15)]
    assert codes[0] == "login_failed"
    assert codes[-1] == "rate_limited"


@pytest.mark.parametrize("partitions", [1, 4])
async def test_other_hubs_know_at_once(make_hubs: MakeHubs, partitions: int) -> None:
    first, second = await make_hubs(2, partitions=partitions)
    alice, bob = await town(first)
    away, phone = await second.login("bob"), await second.login("alice")
    assert (f"a {SECRET}", None) in await texts(away, "@bob")  # its hub has the key now
    await bob.until(lambda frame: frame.get("type") == "payment")
    assert (await erase(alice))["type"] == "ack"
    assert await closed(phone) == (4500, "the account was erased")
    await erased(first)
    gone = [why for text, why in await texts(away, "@bob") if why]
    assert gone == ["erased", "erased"]
    assert SECRET not in str(await texts(away, "#zoo"))


async def test_a_hub_that_was_cut_off_looks_again(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await make_hubs(2)
    alice, _ = await town(first)
    away = await second.login("bob")
    assert (f"a {SECRET}", None) in await texts(away, "@bob")
    monkeypatch.setattr(first.app.services.hubs, "tell_erased", lambda name: None)
    assert (await erase(alice))["type"] == "ack"
    await erased(first)
    assert (f"a {SECRET}", None) in await texts(away, "@bob")  # the word was lost
    losses = second.app.services.counters.store_losses
    await first.store("CLIENT", "KILL", "TYPE", "pubsub")

    async def gone() -> bool:
        page = await away.ask("history", box="@bob")
        return page["type"] == "history" and SECRET not in str(page)

    await until(lambda: second.app.services.counters.store_losses > losses)
    await until(gone)


STEPS = ("destroy", "leave_rooms", "delete_all", "SADD", "HDEL")


@pytest.mark.parametrize("step", STEPS)
async def test_what_was_interrupted_is_finished_after_the_next_start(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    hub = await make_hub()
    alice, bob = await town(hub)
    with monkeypatch.context() as broken:
        _break(broken, hub, step)
        assert (await erase(alice))["type"] == ("error" if step == "destroy" else "ack")
        await until(lambda: not hub.app.services.erasing._under_way)
        assert await hub.store("HKEYS", "{p0}y") == [b"@alice"]
        refused = await bob.ask("message", to="@alice", text="already closed")
        assert refused["code"] == "account_closed"
        await hub.stop()
    hub = await make_hub()
    await erased(hub)
    bob = await hub.login("bob")
    assert ("", "erased") in await texts(bob, "@bob")
    assert len((await bob.ask("members", room="#zoo"))["members"]) == 1
    left = await hub.store("EXISTS", *(f"{{p0}}{kind}:@alice" for kind in "stqceuj"))
    assert left == 0
    await hub.stop()
    assert SECRET.encode() not in bytes_of(hub.data)


def _break(monkeypatch: pytest.MonkeyPatch, hub: Hub, step: str) -> None:
    """Let one step of every erasure fail."""

    async def fail(*_: Any) -> None:
        raise KeysError("planted") if step == "destroy" else Lost()

    if step == "destroy":
        monkeypatch.setattr(hub.app.services.seals.keys, "destroy", fail)
    elif step in ("leave_rooms", "delete_all"):
        monkeypatch.setattr(erasing, step, fail)
    else:
        channel: Any = hub.app.services.channel(0)
        request = type(channel).request

        async def ask(self: Any, *command: Any) -> Any:
            if command[0] == step and command[1] in (b"{p0}y", b"{p0}z"):
                raise Lost
            return await request(self, *command)

        monkeypatch.setattr(type(channel), "request", ask)


async def test_a_room_that_somebody_came_into_meanwhile_gets_another_owner(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await make_hub()
    alice, bob = await town(hub)
    carol, phone = await hub.register("carol"), await hub.login("alice")
    await alice.ask("create", room="#hers")
    await alice.ask("create", room="#lonely")

    async def nothing(*_: Any) -> None:
        for one in (bob, carol):
            await one.ask("join", room="#hers")
        await phone.ask("role", room="#hers", who="@carol", role="admin")

    monkeypatch.setattr(erasing, "owned_with_others", nothing)
    assert (await erase(alice))["type"] == "ack"
    await erased(hub)
    members = (await bob.ask("members", room="#hers"))["members"]
    assert [(one["who"], one["role"]) for one in members] == [
        ("@bob", "member"),
        ("@carol", "owner"),
    ]
    assert (await bob.ask("join", room="#lonely"))["code"] == "unknown_room"


async def test_an_old_copy_of_the_keys_does_not_bring_words_back(make_hub: MakeHub) -> None:
    hub = await make_hub()
    await town(hub)
    await hub.stop()
    shutil.copytree(hub.data / "keys", hub.data / "old")
    hub = await make_hub()
    assert (await erase(await hub.login("alice")))["type"] == "ack"
    await erased(hub)
    await hub.stop()
    shutil.rmtree(hub.data / "keys")
    (hub.data / "old").rename(hub.data / "keys")
    hub = await make_hub()
    bob = await hub.login("bob")

    async def gone() -> bool:
        hub.app.services.seals.look_again()
        return ("", "erased") in await texts(bob, "@bob")

    await until(gone)
    assert SECRET not in str(await texts(bob, "@bob"))


async def test_a_lost_answer_is_unknown_and_the_erasure_goes_on(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "ROUND_S", 0.1)
    hub = await make_hub()
    alice, _ = await town(hub)
    services = hub.app.services

    def lose(post: Any) -> None:
        """As if the connection broke after the store took it."""
        services.channel(0).send(tuple(pack_call([post])), lambda reply: None)
        services.delivery.failed(post, Code.OUTCOME_UNKNOWN)

    monkeypatch.setattr(services.pipelines[0], "post", lose)
    answer = await erase(alice)
    assert answer["code"] == "outcome_unknown"
    await erased(hub)
    assert (await closed(alice))[0] == 4500


async def test_steps_find_all_pairs(make_hub: MakeHub) -> None:
    hub = await make_hub(partitions=4, strangers="ask")
    names = ["alice", *(f"friend{number}" for number in range(6))]
    people = {name: await hub.register(name) for name in names}
    alice = people["alice"]
    for name in names[1:]:
        assert (await alice.ask("message", to=f"@{name}", text="hello"))["type"] == "ack"
        assert (await alice.ask("block", who=f"@{name}"))["type"] == "ack"
    await alice.ask("payment", to="@friend0", amount=10_000, currency="USD")
    await steps.delete_all(hub.app.services, "@alice")
    for partition in range(4):
        tag = hub.app.services.keyspace.tag(partition)
        found: Any = await hub.app.services.channel(partition).request(
            "SCAN", "0", "MATCH", f"{tag}f:*@alice*", "COUNT", "10000"
        )
        assert found == [b"0", []]
