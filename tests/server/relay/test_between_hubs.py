"""Accounts on different hubs of one store talk and pay as if there were one hub."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.relay.conftest import MakeHubs
from tests.support import Client, Hub, until

Frame = dict[str, Any]


async def entry(client: Client, id: str) -> Frame:
    """The entry that was posted as `id`."""
    return await client.until(lambda frame: frame.get("id") == id and "from" in frame)


async def test_words_and_money_cross(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob", binary=True)
    ack = await alice.ask("message", id="m", to="@bob", text="over there")
    assert ack["type"] == "ack"
    told = await entry(bob, "m")
    assert (told["text"], told["box"], told["from"]) == ("over there", "@bob", "@alice")
    await bob.ask("payment", id="p", to="@alice", amount=250, currency="USD")
    paid = await entry(alice, "p")
    assert (paid["amount"], paid["balance"]["available"]) == (250, 10_250)


async def test_ones_devices_are_on_different_hubs(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, phone = await first.register("alice"), await second.login("alice")
    await first.register("bob")
    await alice.ask("payment", id="p", to="@bob", amount=100, currency="USD")
    seen = await entry(phone, "p")
    assert (seen["box"], seen["balance"]["available"]) == ("@alice", 9_900)
    await phone.ask("message", id="m", to="@bob", text="hi")
    assert (await entry(alice, "m"))["box"] == "@alice"


async def test_a_room_spreads_over_hubs(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    carol = await second.register("carol", binary=True)
    await alice.ask("create", room="#tea")
    await bob.ask("join", id="jb", room="#tea")
    await carol.ask("join", id="jc", room="#tea")
    await alice.ask("message", id="m1", to="#tea", text="one")
    await bob.ask("message", id="m2", to="#tea", text="two")
    seen = [[await alice.receive() for _ in range(3)], [await carol.receive() for _ in range(2)]]
    assert [frame["id"] for frame in seen[0]] == ["jb", "jc", "m2"]
    assert [(frame["id"], frame["seq"]) for frame in seen[1]] == [("m1", 4), ("m2", 5)]
    await bob.ask("leave", id="lb", room="#tea")
    await alice.ask("message", id="m3", to="#tea", text="three")
    assert [(await carol.receive())["id"] for _ in range(2)] == ["lb", "m3"]
    assert [(await bob.receive())["id"] for _ in range(2)] == ["jc", "m1"]
    assert (await bob.ask("balance"))["type"] == "balance"
    assert not bob.pushed  # nothing of a room that was left


async def test_a_room_joined_here_is_heard_there(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, phone = await first.register("alice"), await second.login("alice")
    owner = await first.register("owner")
    await owner.ask("create", room="#tea")
    assert "#tea" not in second.app.services.hub.rooms
    await alice.ask("join", id="j", room="#tea")
    await until(lambda: "#tea" in second.app.services.hub.rooms)
    await owner.ask("message", id="m", to="#tea", text="welcome")
    assert (await entry(phone, "m"))["box"] == "#tea"
    page = await phone.ask("history", box="#tea")
    assert [one["id"] for one in page["entries"]][1:] == ["j", "m"]
    await alice.ask("leave", id="l", room="#tea")
    assert (await entry(phone, "l"))["type"] == "leave"
    await until(lambda: "#tea" not in second.app.services.hub.rooms)


async def test_typing_crosses_and_is_not_stored(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.send({"type": "typing", "to": "@bob"})
    assert await bob.receive() == {"type": "typing", "from": "@alice", "to": "@bob"}
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    await bob.send({"type": "presence", "to": "#tea", "state": "away"})
    seen = await alice.until(lambda frame: frame["type"] == "presence")
    assert (seen["from"], seen["to"], seen["state"]) == ("@bob", "#tea", "away")
    stranger = await second.register("stranger")
    await stranger.send({"type": "typing", "to": "#tea"})
    await stranger.ask("message", id="m", to="@alice", text="hi")
    assert (await alice.receive())["id"] == "m"


async def test_who_writes_before_the_word_of_their_joining_comes_hears_the_room_from_there(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await make_hubs(2)
    alice, owner = await first.register("alice"), await first.register("owner")
    phone, tablet = [await second.hello(alice.welcome["token"], {"@alice": 1}) for _ in range(2)]
    await owner.ask("create", room="#tea")
    ear, late = second.app.services.relay.ear, list[tuple[str, str, int]]()
    with monkeypatch.context() as slow:
        slow.setattr(ear, "joined", lambda *word: late.append(word))
        await alice.ask("join", room="#tea")
        await owner.ask("message", to="#tea", text="before")
        ack = await phone.ask("message", id="m", to="#tea", text="hi")
        await until(lambda: late)
    for word in late:
        ear.joined(*word)
    await owner.ask("message", id="end", to="#tea", text="end")
    for device, told in ((phone, ["end"]), (tablet, ["m", "end"])):
        frames = [await device.until(lambda one: one.get("box") == "#tea") for _ in told]
        assert [(one["id"], one["seq"]) for one in frames] == [
            (id, ack["seq"] + place) for place, id in enumerate(told, 2 - len(told))
        ]


async def test_who_returns_on_another_hub_has_no_gap(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    token = alice.welcome["token"]
    await bob.ask("message", id="m1", to="@alice", text="1")
    cursor = (await entry(alice, "m1"))["seq"]
    await alice.close()
    await bob.ask("message", id="m2", to="@alice", text="2")
    again = await second.hello(token, {"@alice": cursor})
    await bob.ask("message", id="m3", to="@alice", text="3")
    seen = [await again.receive() for _ in range(2)]
    assert [(one["id"], one["seq"]) for one in seen] == [("m2", cursor + 1), ("m3", cursor + 2)]


async def test_a_third_hub_hears_it_too(make_hubs: MakeHubs) -> None:
    hubs = await make_hubs(3, partitions=4)
    people = [await hub.register(f"member{n}") for n, hub in enumerate(hubs)]
    await people[0].ask("create", room="#tea")
    for one in people[1:]:
        await one.ask("join", room="#tea")
    await asyncio.gather(
        *(one.ask("message", id=f"m{n}", to="#tea", text="x") for n, one in enumerate(people))
    )
    for one in people:
        page = await one.ask("history", box="#tea")
        assert [entry["seq"] for entry in page["entries"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("partitions", [1, 4])
async def test_a_hub_that_dies_costs_the_others_nothing(
    make_hubs: MakeHubs, partitions: int
) -> None:
    first, second, third = await make_hubs(3, partitions=partitions)
    alice, bob = await first.register("alice"), await second.register("bob")
    token = bob.welcome["token"]
    await second.app.services.stores.stop()  # as a process that was killed: not a word of farewell
    second.kill_connections()
    await alice.ask("message", id="m", to="@bob", text="there?")
    back = await third.hello(token, {"@bob": bob.welcome["boxes"]["@bob"]["seq"]})
    assert (await back.receive())["id"] == "m"
    await back.ask("message", id="n", to="@alice", text="here")
    assert (await entry(alice, "n"))["text"] == "here"
