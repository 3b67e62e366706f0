"""Who tells, and is told, how far a conversation was delivered and read."""

from __future__ import annotations

import pytest

from server.ledger.keys import Keyspace
from server.people import receipts
from tests.entries.town import Town, came, name_of, new_id, ok, page, refused, say
from tests.support import Client, until


async def _no(town: Town, client: Client) -> None:
    """`client` wants no receipts any more."""
    name = name_of(client)
    await ok(client, "profile", receipts=False)
    hubs = (town.first.app.services, town.second.app.services)
    for services in hubs:
        services.receipts._wants.clear()
    parties = [hub.hub.parties[name] for hub in hubs if name in hub.hub.parties]
    await until(lambda: not any(party.receipts for party in parties))


async def _markers(client: Client) -> list[tuple[str, str]]:
    found = await page(client, name_of(client), limit=200)
    kinds = ("read", "delivered")
    return [(one["from"], one["type"]) for one in found["entries"] if one["type"] in kinds]


@pytest.mark.parametrize("type", ["read", "delivered"])
async def test_the_other_side_is_told(town: Town, type: str) -> None:
    id = await say(town.alice, "@bob", "hi")
    await came(town.bob, "message")
    await ok(town.bob, type, to="@alice", up_to=id)
    told = await came(town.alice, type)
    assert (told["from"], told["up_to"], told["box"]) == ("@bob", id, "@alice")
    assert await _markers(town.alice) == [("@bob", type)]


@pytest.mark.parametrize("who", ["reader", "writer"])
async def test_turned_off_it_is_off_both_ways(town: Town, who: str) -> None:
    alice, bob = town.alice, town.bob
    await _no(town, bob if who == "reader" else alice)
    id = await say(alice, "@bob", "hi")
    await came(bob, "message")
    for type in ("delivered", "read"):
        await ok(bob, type, to="@alice", up_to=id)
    await say(bob, "@alice", "behind it")
    frames = []
    while (frame := await alice.receive())["type"] != "message":
        frames.append(frame["type"])
    assert not {"read", "delivered"} & set(frames)
    assert await _markers(alice) == []
    assert await _markers(bob) == [("@bob", "delivered"), ("@bob", "read")]


async def test_it_is_off_at_once_for_who_is_connected_to_the_same_hub(town: Town) -> None:
    id = await say(town.alice, "@carol", "hi")
    await came(town.carol, "message")
    await ok(town.carol, "delivered", to="@alice", up_to=id)
    await ok(town.alice, "profile", receipts=False)
    await ok(town.carol, "read", to="@alice", up_to=id)
    await say(town.carol, "@alice", "behind it")
    await came(town.alice, "message")
    assert await _markers(town.alice) == [("@carol", "delivered")]


async def test_it_is_off_for_who_is_not_connected(town: Town) -> None:
    await _no(town, town.alice)
    id = await say(town.alice, "@bob", "hi")
    await came(town.bob, "message")
    token = town.alice.welcome["token"]
    await town.alice.close()
    await until(lambda: "@alice" not in town.first.app.services.hub.parties)
    await ok(town.bob, "read", to="@alice", up_to=id)
    back = await town.first.hello(token, {})
    back.welcome["handle"] = "alice"
    assert await _markers(back) == []


async def test_a_marker_sent_again_is_answered_as_before(town: Town) -> None:
    id, mark = await say(town.alice, "@bob", "hi"), new_id()
    await came(town.bob, "message")
    first = await ok(town.bob, "read", id=mark, to="@alice", up_to=id)
    await _no(town, town.bob)
    again = await ok(town.bob, "read", id=mark, to="@alice", up_to=id)
    assert again == {**first, "replayed": True}
    assert await refused(town.bob, "read", id=mark, to="@alice", up_to="x") == "id_reused"


async def test_a_small_room_is_told_at_once_and_nothing_is_kept(town: Town) -> None:
    id = await say(town.alice, "#tea", "hi")
    await came(town.bob, "message")
    before = (await page(town.alice, "#tea"))["entries"]
    await ok(town.bob, "read", to="#tea", up_to=id)
    for client in (town.alice, town.carol):
        told = await came(client, "read")
        assert told.pop("id")
        assert told == {"type": "read", "from": "@bob", "to": "#tea", "up_to": id}
    assert (await page(town.alice, "#tea"))["entries"] == before
    assert await _markers(town.bob) == [("@bob", "read")]


@pytest.mark.parametrize("who", ["reader", "other", "large room"])
async def test_not_where_it_is_off_or_the_room_is_large(
    town: Town, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if who == "reader":
        await _no(town, town.bob)
    elif who == "other":
        await _no(town, town.alice)
    else:
        monkeypatch.setattr(receipts, "MEMBERS_MAX", 2)
    id = await say(town.alice, "#tea", "hi")
    await came(town.bob, "message")
    await ok(town.bob, "read", to="#tea", up_to=id)
    if who == "other":
        await came(town.carol, "read")
    await say(town.bob, "#tea", "behind it")
    frames = []
    while (frame := await town.alice.receive())["type"] != "message":
        frames.append(frame["type"])
    assert "read" not in frames


async def test_who_is_no_member_tells_nobody(town: Town) -> None:
    await ok(town.carol, "leave", room="#tea")
    assert await refused(town.carol, "read", to="#tea", up_to="x") == "not_a_member"
    await say(town.alice, "#tea", "behind it")
    frames = []
    while (frame := await town.bob.receive())["type"] != "message":
        frames.append(frame["type"])
    assert "read" not in frames


def test_the_switch_is_read_from_the_profile() -> None:
    assert Keyspace().of("@bob").profile == b"{p0}q:@bob"
    assert (receipts.FIELD, receipts.OFF) == ("receipts", b"0")
