"""Slow rooms: a member writes once in so many seconds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .conftest import MakeHouse
from .house import ROOM, House


async def test_members_wait_and_leaders_do_not(house: House) -> None:
    people = await house.with_roles()
    owner, admin, member = people["owner"], people["admin"], people["member"]
    await owner.ask("topic", room=ROOM, slow_s=3)
    await house.told()
    first = await member.ask("message", to=ROOM, text="one")
    assert first["type"] == "ack"
    refused = await member.ask("message", to=ROOM, text="two", id="two")
    assert (refused["code"], refused["details"]) == ("too_soon", {"until": first["at"] + 3000})
    for leader in (owner, admin):
        for n in range(3):
            assert (await leader.ask("message", to=ROOM, text=f"{n}"))["type"] == "ack"
    assert (await member.ask("read", to=ROOM, up_to="two"))["type"] == "ack"
    await asyncio.sleep(3.1)
    assert (await member.ask("message", to=ROOM, text="two", id="two"))["type"] == "ack"


async def test_one_who_moves_to_another_hub_or_comes_back_waits_as_well(house: House) -> None:
    _, bob = await house.room("alice", "bob", slow_s=60)
    await house.told()
    assert (await bob.ask("message", to=ROOM, text="one"))["type"] == "ack"
    for _ in range(2):
        device = await house.device("bob")
        assert (await device.ask("message", to=ROOM, text="two"))["code"] == "too_soon"
    await bob.close()
    back = await house.back("bob", {})
    assert (await back.ask("message", to=ROOM, text="two"))["code"] == "too_soon"


async def test_the_same_words_again_are_no_second_ones(house: House) -> None:
    _, bob = await house.room("alice", "bob", slow_s=60)
    await house.told()
    first = await bob.ask("message", to=ROOM, text="one", id="once")
    again = await bob.ask("message", to=ROOM, text="one", id="once")
    assert (again["type"], again["replayed"], again["seq"]) == ("ack", True, first["seq"])


async def test_a_room_can_be_quick_again(house: House) -> None:
    alice, bob = await house.room("alice", "bob", slow_s=60)
    await house.told()
    await bob.ask("message", to=ROOM, text="one")
    await alice.ask("topic", room=ROOM, slow_s=0)
    await house.told()
    assert (await bob.ask("message", to=ROOM, text="two"))["type"] == "ack"


async def test_a_pace_that_cannot_be_read_at_first_is_kept_all_the_same(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await make_house(1, 1)
    alice, bob = await house.room("alice", "bob", slow_s=60)
    assert (await bob.ask("message", to=ROOM, text="one"))["type"] == "ack"
    room = house.hubs[0].app.services.hub.rooms[ROOM]
    room.slow_s = -1  # as if the store had not answered when the hub began to serve the room
    assert (await bob.ask("message", to=ROOM, text="two"))["code"] == "too_soon"
    assert room.slow_s == 60
    assert (await alice.ask("message", to=ROOM, text="mine"))["type"] == "ack"


async def test_words_in_other_rooms_ask_for_nothing(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await make_house(1, 1)
    alice, _ = await house.room("alice", "bob")
    posts: list[Any] = []
    pipeline = house.hubs[0].app.services.pipelines[0]
    post = pipeline.post
    monkeypatch.setattr(pipeline, "post", lambda one: (posts.append(one), post(one)))
    await alice.ask("message", to=ROOM, text="quick")
    assert [(one.conditions, one.changes) for one in posts] == [((), ())]
