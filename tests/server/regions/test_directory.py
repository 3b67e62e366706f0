"""Names are unique among all regions, and each has one home that is found from everywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.ledger.keys import Keyspace
from server.regions.directory import directory_region
from server.regions.link import Unreachable
from tests.support import PASSWORD, PATIENCE_S

from .conftest import NAMES, Earth, entry, kept_by

MANY = [f"@name{number}" for number in range(3_000)]


def test_every_region_keeps_its_share_of_the_names() -> None:
    kept = [directory_region(name, NAMES) for name in MANY]
    assert all(900 < kept.count(region) < 1_100 for region in NAMES)


def test_a_new_region_takes_only_what_is_its_own() -> None:
    before = {name: directory_region(name, NAMES) for name in MANY}
    after = {name: directory_region(name, (*NAMES, "sa")) for name in MANY}
    assert {after[name] for name in MANY if after[name] != before[name]} == {"sa"}


async def _register(earth: Earth, region: str, handle: str) -> dict[str, Any]:
    client = await earth[region].connect()
    return await client.ask("register", handle=handle, password=f"{PASSWORD} {region}")


@pytest.mark.parametrize("keeper", NAMES)
async def test_a_handle_that_is_wanted_in_all_regions_at_once_goes_to_one(
    earth: Earth, keeper: str
) -> None:
    for n in range(10):
        handle = kept_by(keeper, f"x{n}y")
        wanted = [_register(earth, region, handle) for region in NAMES]
        answers = await asyncio.gather(*wanted)
        (winner,) = [one for one in answers if one["type"] == "welcome"]
        losers = [one for one in answers if one is not winner]
        assert [one["code"] for one in losers] == ["name_taken"] * 2
        home = NAMES[answers.index(winner)]
        for region in NAMES:
            assert await earth.world(region).directory.find(f"@{handle}") == home


async def test_the_same_registration_may_be_sent_again(earth: Earth) -> None:
    handle = kept_by("us", "alice")
    frame = {"type": "register", "id": "r", "handle": handle, "password": PASSWORD}
    first, second = await earth["eu"].connect(), await earth["eu"].connect()
    assert (await first.ask(**frame))["type"] == "welcome"
    earth.cut("eu", "us")
    assert (await second.ask(**frame))["type"] == "welcome"


async def test_without_the_directory_nobody_registers_and_nothing_is_claimed(earth: Earth) -> None:
    handle = kept_by("us", "alice")
    earth.cut("eu", "us")
    answer = await _register(earth, "eu", handle)
    assert (answer["code"], answer["retry"]) == ("unavailable", "same_id")
    earth.heal("eu", "us")
    assert (await _register(earth, "ap", handle))["type"] == "welcome"


async def test_rooms_have_one_home_too(earth: Earth) -> None:
    room = "#" + kept_by("ap", "room", "#")
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    answers = await asyncio.gather(
        alice.ask("create", id="c", room=room), bob.ask("create", id="c", room=room)
    )
    (winner,) = [one for one in answers if one["type"] == "ack"]
    (loser,) = [one for one in answers if one is not winner]
    assert loser["code"] == "name_taken"
    again = await (alice if winner is answers[0] else bob).ask("create", id="c", room=room)
    assert again["replayed"]


async def test_whoever_lives_nowhere_is_unknown_and_what_came_later_keeps_its_order(
    earth: Earth,
) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    nobody = "@" + kept_by("ap", "nobody")
    await alice.ask("message", id="first", to="@bob", text="so that the home is known")
    for n in range(6):
        to = nobody if n % 2 else "@bob"
        await alice.send({"type": "message", "id": f"m{n}", "to": to, "text": "?"})
    answers = [await alice.receive() for _ in range(6)]
    assert [one.get("code", one["type"]) for one in answers] == ["ack", "unknown_account"] * 3
    assert [(await entry(bob, f"m{n}"))["seq"] for n in (0, 2, 4)] == [3, 4, 5]


async def test_a_frame_whose_home_cannot_be_asked_is_unavailable_and_works_later(
    earth: Earth,
) -> None:
    handle = kept_by("us", "bob")
    alice, bob = await earth["eu"].register("alice"), await earth["ap"].register(handle)
    earth.cut("eu", "us")
    answer = await alice.ask("message", id="m", to=f"@{handle}", text="hello")
    assert (answer["code"], answer["retry"]) == ("unavailable", "same_id")
    assert (await alice.ask("message", to="@alice", text="a note"))["type"] == "ack"
    earth.heal("eu", "us")
    await earth.joined()
    assert (await alice.ask("message", id="m", to=f"@{handle}", text="hello"))["type"] == "ack"
    assert (await entry(bob, "m"))["text"] == "hello"


async def test_who_was_written_to_once_is_found_without_anybody_even_after_a_restart(
    earth: Earth,
) -> None:
    handle = kept_by("us", "bob")
    alice, bob = await earth["eu"].register("alice"), await earth["ap"].register(handle)
    await alice.ask("message", id="m1", to=f"@{handle}", text="hello")
    await entry(bob, "m1")
    token = alice.welcome["token"]
    await earth["eu"].stop()
    earth.cut("eu", "us")
    earth.cut("eu", "ap")
    await earth.begin("eu")
    alice = await earth["eu"].hello(token, {"@alice": 1})
    ack = await alice.ask("message", id="m2", to=f"@{handle}", text="still there?")
    assert ack["type"] == "ack"
    earth.heal("eu", "ap")
    assert (await entry(bob, "m2"))["text"] == "still there?"


async def test_what_went_to_where_somebody_does_not_live_comes_back_and_is_asked_anew(
    earth: Earth,
) -> None:
    handle = kept_by("us", "bob")
    alice, bob = await earth["eu"].register("alice"), await earth["ap"].register(handle)
    wrong = earth.world("eu")
    wrong.directory._remember(f"@{handle}", "us")
    ack = await alice.ask("payment", id="p1", to=f"@{handle}", amount=5, currency="USD")
    assert ack["state"] == "accepted"
    back = await entry(alice, "p1", "returned")
    assert (back["reason"], back["amount"]) == ("unknown_account", 5)
    ack = await alice.ask("payment", id="p2", to=f"@{handle}", amount=5, currency="USD")
    assert (await entry(bob, "p2"))["amount"] == 5
    await earth.judge()


async def test_a_name_claimed_by_an_account_that_never_came_is_nobodys(earth: Earth) -> None:
    handle = kept_by("us", "ghost")
    assert await earth.world("ap").directory.claim(f"@{handle}") == "ap"
    alice = await earth["eu"].register("alice")
    ack = await alice.ask("payment", id="p", to=f"@{handle}", amount=5, currency="USD")
    assert ack["state"] == "accepted"
    assert (await entry(alice, "p", "returned"))["reason"] == "unknown_account"
    assert (await _register(earth, "ap", handle))["type"] == "welcome"


async def test_only_so_many_homes_are_remembered(
    earth: Earth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.regions.directory.KNOWN_MAX", 3)
    directory = earth.world("eu").directory
    keyspace: Keyspace = earth["eu"].app.services.keyspace
    for n in range(6):
        handle = kept_by("us", f"n{n}z")
        assert (await _register(earth, "us", handle))["type"] == "welcome"
        assert await directory.find(f"@{handle}") == "us"
    assert len(directory._known) == len(keyspace.abroad) == 3
    earth.cut("eu", "us")
    with pytest.raises(Unreachable):
        await directory.find("@" + kept_by("us", "n6z"))


async def test_a_hub_that_has_just_started_waits_a_moment_for_its_links(
    earth: Earth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.regions.link.FIRST_S", PATIENCE_S)
    await earth["eu"].stop()
    earth.cut("eu", "us", abort_after=None)
    await earth.begin("eu")
    asked = asyncio.create_task(_register(earth, "eu", kept_by("us", "alice")))
    await asyncio.sleep(0.1)
    assert not asked.done()
    earth.heal("eu", "us")
    assert (await asked)["type"] == "welcome"
