"""Words of a running hub: readable for those who may, and for nobody who has only the data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server.app import App
from server.config import Settings
from server.ledger.audit import audit
from server.ledger.entries import TIME_DIGITS, read_entry, restated
from server.store.client import redis_client
from server.store.endpoint import StoreError
from tests.server.seal.conftest import bytes_of, texts
from tests.store.conftest import PlainServer
from tests.support import CHEAP, Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]
MakeHubs = Callable[..., Awaitable[list[Hub]]]
SECRET = "hippopotamus"
WORDS = (SECRET.encode(), b"opening balance")


async def talk(alice: Client) -> None:
    """Say the secret in every way that there is. Everything is acknowledged."""
    said = [
        await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}"),
        await alice.ask("message", id="note", to="@alice", text=f"buy a {SECRET}"),
        await alice.ask("create", room="#zoo"),
        await alice.ask("message", id="zoo", to="#zoo", text=f"{SECRET}es everywhere"),
        await alice.ask("payment", id="pay", to="@bob", amount=5, currency="USD", text=SECRET),
        await alice.ask("profile", id="me", name=f"The {SECRET}", about=f"I like a {SECRET}"),
        await alice.ask(
            "edit", id="ed", to="@bob", ref={"from": "@alice", "id": "dm"}, text=f"two {SECRET}es"
        ),
    ]
    assert [one["type"] for one in said] == ["ack"] * len(said), said


async def test_no_words_are_in_the_data(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, bob = await hub.register("alice"), await hub.register("bob")
    operator = await hub.operator()
    await talk(alice)
    paid = await operator.ask(
        "deposit", id="gift", to="@alice", amount=5, currency="USD", text=f"for a {SECRET}"
    )
    assert paid["type"] == "ack"
    assert (f"a {SECRET}", None) in await texts(bob, "@bob")
    assert not [word for word in WORDS if word in bytes_of(hub.data)]
    await hub.store("CONFIG", "SET", "rdbcompression", "no")
    await hub.store("BGREWRITEAOF")
    await until(lambda: _at_rest(hub))
    await talk_again(alice)
    assert not [word for word in WORDS if word in bytes_of(hub.data)]
    await hub.stop()
    assert not [word for word in WORDS if word in bytes_of(hub.data)]


async def talk_again(alice: Client) -> None:
    assert (await alice.ask("message", to="@bob", text=f"no {SECRET} any more"))["type"] == "ack"


async def _at_rest(hub: Hub) -> bool:
    return b"aof_rewrite_in_progress:0" in await hub.store("INFO", "persistence")


async def test_words_are_there_after_a_restart_and_a_retry_is_known(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, _ = await hub.register("alice"), await hub.register("bob")
    await talk(alice)
    await hub.stop()
    hub = await make_hub()
    alice = await hub.login("alice")
    again = await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}")
    assert (again["type"], again["replayed"]) == ("ack", True)
    paid = await alice.ask("payment", id="pay", to="@bob", amount=5, currency="USD", text=SECRET)
    assert (paid["type"], paid["replayed"]) == ("ack", True)
    for id, kind, field, fields in (
        ("dm", "message", "text", {"to": "@bob", "text": "other words"}),
        ("dm", "message", "to", {"to": "@alice", "text": f"a {SECRET}"}),
        ("pay", "payment", "text", {"to": "@bob", "amount": 5, "currency": "USD", "text": "x"}),
        ("pay", "payment", "amount", {"to": "@bob", "amount": 6, "currency": "USD"}),
    ):
        refused = await alice.ask(kind, id=id, **fields)
        assert (refused["code"], refused["details"]) == ("id_reused", {"field": field})
    cat = await hub.login("bob")
    assert (f"a {SECRET}", None) in await texts(cat, "@bob")
    assert hub.app.embedded is not None
    async with redis_client(hub.app.embedded.endpoint) as client:
        assert (await audit(client, hub.app.services.keyspace)).findings == []


async def test_the_audit_sees_without_keys_that_a_payment_with_words_was_altered(
    make_hub: MakeHub,
) -> None:
    hub = await make_hub()
    alice, _ = await hub.register("alice"), await hub.register("bob")
    await talk(alice)
    assert hub.app.embedded is not None
    async with redis_client(hub.app.embedded.endpoint) as client:
        keyspace = hub.app.services.keyspace
        assert (await audit(client, keyspace)).findings == []
        for box, place in (("@alice", -3), ("@bob", -2)):
            key = f"{{p0}}m:{box}"
            stored = await hub.store("LINDEX", key, place)
            entry: Any = read_entry(stored, box, 1)
            assert (entry.id, entry.to) == ("pay", "@bob")
            altered = restated(
                stored[TIME_DIGITS:], replace(entry, room="#zoo", box="", seq=0, at=0)
            )
            await hub.store("LSET", key, place, stored[:TIME_DIGITS] + altered)
        findings = (await audit(client, keyspace)).findings
        assert any("is not what was posted" in one for one in findings), findings


async def test_a_hub_without_the_right_keys_does_not_start(
    make_hub: MakeHub, tmp_path: Path
) -> None:
    hub = await make_hub()
    await hub.register("alice")
    assert hub.app.embedded is not None
    store = str(hub.app.embedded.endpoint)
    other = App(Settings(data=tmp_path / "other", store=store, **CHEAP))
    with pytest.raises(StoreError, match=r"sealed with other keys.*restore-keys"):
        await other.start()
    await hub.stop()
    (hub.data / "keys" / "keys.db").unlink()
    with pytest.raises(StoreError, match="sealed with other keys"):
        await make_hub()


@pytest.mark.parametrize("partitions", [1, 4])
async def test_another_hub_shows_words_live_and_later(make_hubs: MakeHubs, partitions: int) -> None:
    first, second = await make_hubs(2, partitions=partitions)
    names = [f"person{number}" for number in range(6)]
    people = [
        await hub.register(name) for name, hub in zip(names, [first, second] * 3, strict=True)
    ]
    await people[0].ask("create", room="#zoo")
    for one in people[1:]:
        await one.ask("join", room="#zoo")
    for place, one in enumerate(people):
        to = names[(place + 1) % len(names)]
        await one.ask("message", id=f"dm{place}", to=f"@{to}", text=f"{SECRET} {place}")
        await one.ask("message", id=f"room{place}", to="#zoo", text=f"all {SECRET} {place}")
    for place, one in enumerate(people):
        before = (place - 1) % len(names)
        got = await one.until(partial(_is, f"dm{before}"))
        assert got["text"] == f"{SECRET} {before}"
        assert (f"{SECRET} {before}", None) in await texts(one, f"@{names[place]}")
        wanted = [(f"all {SECRET} {number}", None) for number in range(len(names))]
        assert await texts(one, "#zoo") == wanted
    assert SECRET.encode() not in bytes_of(first.data)


def _is(id: str, frame: dict[str, Any]) -> bool:
    return frame.get("id") == id


async def test_who_resumes_gets_words(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.close()
    await alice.ask("message", id="m", to="@bob", text="while you were out")
    seq = bob.welcome["boxes"]["@bob"]["seq"]
    back = await hub.hello(bob.welcome["token"], {"@bob": seq})
    assert (await back.receive())["text"] == "while you were out"


async def test_a_box_that_is_read_after_a_lost_relay_has_words(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 0.2)
    monkeypatch.setattr("server.telling.catchup.SUSPICION_S", 0.02)
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    monkeypatch.setattr("server.telling.relay.LOSES", True)
    await alice.ask("message", id="m", to="@bob", text="found by position")
    got = await bob.until(lambda frame: frame.get("id") == "m")
    assert got["text"] == "found by position"
    assert second.app.services.counters.relay_gaps == 1


class Keys:
    """A hub whose keys are in a server of their own, which can be paused."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.store: Any = hub.app.services.seals.keys

    def lose(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on the server of the keys does not answer."""
        gone = type(self.store._endpoint)(unix_path="/nowhere/at/all")
        monkeypatch.setattr(self.store, "_client", redis_client(gone, timeout=0.5))


@pytest.fixture
async def far(make_hub: MakeHub, plain_server: PlainServer) -> Keys:
    endpoint = await plain_server("--appendonly", "yes", "--appendfsync", "always")
    return Keys(await make_hub(keys=str(endpoint)))


async def test_keys_in_a_server_of_their_own(far: Keys) -> None:
    alice, bob = await far.hub.register("alice"), await far.hub.register("bob")
    await talk(alice)
    far.hub.app.services.seals.look_again()
    assert (f"a {SECRET}", None) in await texts(bob, "@bob")
    said = await bob.ask("profiles", who=["@alice"])
    assert said["profiles"][0]["name"] == f"The {SECRET}"
    assert not (far.hub.data / "keys").exists()
    assert SECRET.encode() not in bytes_of(far.hub.data)


async def test_while_the_keys_cannot_be_had_words_are_locked_and_money_goes_on(
    far: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.seal.seals.LOCKED_S", 0.2)
    alice, bob = await far.hub.register("alice"), await far.hub.register("bob")
    await talk(alice)
    client = far.store._client
    far.lose(monkeypatch)
    far.hub.app.services.seals.look_again()
    assert set(await texts(bob, "@bob")) == {("", "locked")}
    paid = await alice.ask("payment", to="@bob", amount=5, currency="USD", text="still works")
    assert paid["type"] == "ack"
    cat = await far.hub.connect()
    login = await cat.ask("login", handle="bob", password="correct horse")
    assert (login["code"], login["retry"]) == ("unavailable", "same_id")
    monkeypatch.setattr(far.store, "_client", client)

    async def open_again() -> bool:
        return ("", "locked") not in await texts(bob, "@bob")

    await until(open_again)
    assert ("still works", None) in await texts(bob, "@bob")
