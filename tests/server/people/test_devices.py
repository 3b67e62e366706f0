"""Devices: which are logged in, and how one is cut off at once, on every hub."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

import server.entering.entrance
from server.entering.passwords import token_field
from server.people.devices import DEVICES_MAX, UNUSED_MS_MAX, in_the_way, tokens_in
from server.store.connection import Down, Lost
from tests.server.people.conftest import stored
from tests.server.relay.conftest import MakeHub, MakeHubs
from tests.support import PASSWORD, Client, Hub, until


async def cut_off(client: Client) -> int:
    """The code of the close that ends `client`."""
    await client.until(lambda frame: frame["type"] == "goodbye")
    with pytest.raises(ConnectionClosed) as closed:
        await client.receive()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def refusal(hub: Hub, token: str) -> str:
    back = await hub.hello(token, {})
    return str(back.welcome.get("code"))


def device_of(client: Client) -> str:
    return token_field(client.welcome["token"])[:16]


async def test_devices_have_names_and_say_when_they_were_there(hubs: list[Hub]) -> None:
    first, second = hubs
    alice = await first.register("alice")
    phone = await second.connect()
    phone.welcome = await phone.ask("login", handle="alice", password=PASSWORD, device="my phone")
    page = await alice.ask("devices")
    now = (await alice.ask("profile"))["at"]
    by_name = {one["name"]: one for one in page["devices"]}
    assert by_name.keys() == {"unnamed", "my phone"}
    mine, other = by_name["unnamed"], by_name["my phone"]
    assert (mine["device"], mine["current"]) == (device_of(alice), True)
    assert (other["device"], "current" in other) == (device_of(phone), False)
    assert 0 < mine["since"] <= mine["seen"] <= now
    await phone.close()
    field = f"{token_field(phone.welcome['token'])}~"
    before = other["seen"]

    async def later() -> bool:
        last = await stored(first, "HGET", "tokens", "@alice", field)
        return last is not None and int(last) > before

    await until(later)


async def test_a_revoked_device_is_cut_off_on_every_hub(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, phone = await first.register("alice"), await second.login("alice", binary=True)
    tablet = await first.login("alice")
    ack = await alice.ask("revoke", device=device_of(phone))
    assert (ack["type"], ack["box"]) == ("ack", "@alice")
    assert await refusal(second, phone.welcome["token"]) == "token_invalid"
    assert await cut_off(phone) == 4500
    assert (await tablet.ask("balance"))["type"] == "balance"
    assert [one["device"] for one in (await alice.ask("devices"))["devices"]].count(
        device_of(phone)
    ) == 0


async def test_all_others_are_cut_off(hubs: list[Hub]) -> None:
    first, second = hubs
    alice = await first.register("alice")
    others = [await hub.login("alice") for hub in (first, second, second)]
    await alice.ask("revoke", id="r")
    assert [await cut_off(one) for one in others] == [4500] * 3
    (left,) = (await alice.ask("devices"))["devices"]
    assert left["device"] == device_of(alice)
    page = await alice.ask("history", box="@alice", limit=1)
    assert (page["entries"][0]["type"], "device" in page["entries"][0]) == ("revoke", False)


async def test_one_may_revoke_the_device_in_ones_hand(hub: Hub) -> None:
    alice = await hub.register("alice")
    ack = await alice.ask("revoke", device=device_of(alice))
    assert ack["type"] == "ack"
    assert await cut_off(alice) == 4500


async def test_a_revocation_sent_again_is_answered_again(hub: Hub) -> None:
    alice, phone = await hub.register("alice"), await hub.login("alice")
    ack = await alice.ask("revoke", id="r", device=device_of(phone))
    again = await alice.ask("revoke", id="r", device=device_of(phone))
    assert again == {**ack, "replayed": True}
    altered = await alice.ask("revoke", id="r", device=device_of(alice))
    assert (altered["code"], altered["details"]["field"]) == ("id_reused", "device")
    assert (await alice.ask("balance"))["type"] == "balance"


async def test_a_device_that_is_not_there_or_anothers(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    for device in ("0123456789abcdef", device_of(bob)):
        refused = await alice.ask("revoke", device=device)
        assert (refused["code"], refused["retry"]) == ("unknown_device", "new_id")
    assert (await alice.ask("revoke", device="short"))["code"] == "malformed"
    assert (await bob.ask("balance"))["type"] == "balance"
    operator = await hub.operator()
    assert (await operator.ask("revoke"))["code"] == "forbidden"
    assert (await operator.ask("devices"))["code"] == "forbidden"


async def test_a_hub_that_missed_the_word_finds_it(
    make_hubs: MakeHubs, quick_rounds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await make_hubs(2, partitions=4)
    alice, phone = await first.register("alice"), await second.login("alice")
    monkeypatch.setattr("server.telling.relay.LOSES", True)
    await alice.ask("revoke", device=device_of(phone))
    assert await cut_off(phone) == 4500


async def test_a_hub_whose_store_is_away_looks_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.people.cutter.AGAIN_S", 0.05)
    alice, phone = await hub.register("alice"), await hub.login("alice")
    pipeline = hub.app.services.pipeline_of(0)
    read, answers = pipeline.read_ahead, [Down(), Lost()]

    def away(commands: Any, take: Any) -> None:
        if not answers:
            read(commands, take)
        elif isinstance(answers[0], Down):
            raise answers.pop(0)
        else:
            take([answers.pop(0)] * len(commands))

    monkeypatch.setattr(pipeline, "read_ahead", away)
    await alice.ask("revoke", device=device_of(phone))
    assert await cut_off(phone) == 4500
    assert answers == []


async def test_nobody_slips_in_while_their_token_is_revoked(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token was there when it was looked for, and is gone when the state is read."""
    alice, phone = await hub.register("alice"), await hub.login("alice")
    token = phone.welcome["token"]
    await phone.close()
    read = server.entering.entrance.read_snapshot

    def late(services: Any, name: str, cursors: Any, visitor: Any) -> None:
        keys = services.keyspace.of(name)
        command = ("HDEL", keys.tokens, token_field(token))
        services.channel(keys.partition).send(command, lambda reply: None)
        read(services, name, cursors, visitor)

    monkeypatch.setattr(server.entering.entrance, "read_snapshot", late)
    assert await refusal(hub, token) == "token_invalid"
    assert hub.app.services.entrance.turnstile.inside == 0
    assert (await alice.ask("balance"))["type"] == "balance"


async def test_tokens_of_older_hubs_still_count(hub: Hub) -> None:
    alice = await hub.register("alice")
    field = token_field(alice.welcome["token"])
    await stored(hub, "HSET", "tokens", "@alice", field, "my old, old phone")
    (mine,) = (await alice.ask("devices"))["devices"]
    assert (mine["name"], mine["since"], mine["current"]) == ("my old, old phone", 0, True)
    back = await hub.hello(alice.welcome["token"], {})
    assert back.welcome["type"] == "welcome"
    await back.ask("revoke", device=mine["device"])
    assert await cut_off(back) == 4500


async def test_one_device_too_many_puts_out_the_one_that_was_away_longest(hub: Hub) -> None:
    alice = await hub.register("alice")
    many: list[Any] = []
    at = (await alice.ask("profile"))["at"] - 1_000_000
    for n in range(DEVICES_MAX - 1):
        many += (f"{n:064x}", f"\x1f{at + n} phone {n}")
    await stored(hub, "HSET", "tokens", "@alice", *many)
    await hub.login("alice")
    kept = tokens_in(await stored(hub, "HGETALL", "tokens", "@alice"))
    assert len(kept) == DEVICES_MAX
    assert "phone 0" not in {one.name for one in kept}
    assert (await alice.ask("balance"))["type"] == "balance"


async def test_a_device_that_was_away_too_long_is_logged_out(hub: Hub) -> None:
    alice = await hub.register("alice")
    field = token_field(alice.welcome["token"])
    at = (await alice.ask("profile"))["at"] - UNUSED_MS_MAX - 60_000
    await alice.close()
    await until(lambda: stored(hub, "HEXISTS", "tokens", "@alice", f"{field}~"))
    await stored(hub, "HSET", "tokens", "@alice", field, f"\x1f{at} old", f"{field}~", at)
    assert await refusal(hub, alice.welcome["token"]) == "token_invalid"
    assert await stored(hub, "HEXISTS", "tokens", "@alice", field) == 0


def test_what_is_left_of_revoked_tokens_goes() -> None:
    kept = {b"a" * 64: b"\x1f5 phone", b"a" * 64 + b"~": b"9", b"b" * 64 + b"~": b"9"}
    assert in_the_way(kept, 10) == ["b" * 64 + "~"]
    assert tokens_in(kept)[0].last == 9


async def test_a_late_word_brings_no_revoked_token_back(make_hub: MakeHub) -> None:
    """The hub notes when a device left; by then its token may be gone."""
    hub = await make_hub()
    alice, phone = await hub.register("alice"), await hub.login("alice")
    await alice.ask("revoke", device=device_of(phone))
    assert await cut_off(phone) == 4500
    field = token_field(phone.welcome["token"])
    await until(lambda: stored(hub, "HEXISTS", "tokens", "@alice", f"{field}~"))
    assert await refusal(hub, phone.welcome["token"]) == "token_invalid"
    assert len((await alice.ask("devices"))["devices"]) == 1
