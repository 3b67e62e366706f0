"""Rooms that are governed from one region, with members in others."""

from __future__ import annotations

import pytest

from tests.support import Client, until

from .conftest import Earth, entry
from .test_rooms import Frame, copy_of, is_known, made

ROOM = "#room"


async def _people(earth: Earth, access: str) -> tuple[Client, Client]:
    """Alice of `eu`, who has a room there, and Bob of `us`."""
    alice = await earth["eu"].register("alice")
    await alice.ask("create", room=ROOM, access=access)
    return alice, await earth["us"].register("bob")


async def _rooms(earth: Earth, region: str, who: str) -> set[str]:
    party = earth[region].app.services.hub.parties[who]
    return party.rooms


async def test_somebody_of_another_region_comes_by_invitation(earth: Earth) -> None:
    alice, bob = await _people(earth, "private")
    assert (await alice.ask("invite", id="come", room=ROOM, who="@bob"))["type"] == "ack"
    told = await entry(bob, "come", "invite")
    assert (told["box"], told["room"]) == ("@bob", ROOM)
    assert (await bob.ask("join", room=ROOM))["type"] == "ack"
    await is_known(earth, "@bob", "us")
    await alice.ask("message", id="hi", to=ROOM, text="hi")
    assert (await entry(bob, "hi"))["box"] == ROOM


async def test_a_code_is_good_in_every_region(earth: Earth) -> None:
    alice, bob = await _people(earth, "private")
    code = "sixteen-letters-"
    await alice.ask("invite", room=ROOM, code=code)
    assert (await bob.ask("join", room=ROOM, code=code))["type"] == "ack"
    carol = await earth["ap"].register("carol")
    assert (await carol.ask("join", room=ROOM, code=code))["code"] == "not_invited"


@pytest.mark.parametrize("more", [{}, {"code": "no-letter-of-it-"}], ids=["no code", "made up"])
async def test_who_has_no_way_in_brings_their_region_no_copy(
    earth: Earth, more: dict[str, str]
) -> None:
    alice, bob = await _people(earth, "private")
    await alice.ask("invite", room=ROOM, code="sixteen-letters-")
    assert (await bob.ask("join", room=ROOM, **more))["code"] == "not_invited"
    services = earth["eu"].app.services
    partition = services.keyspace.of(ROOM).partition
    mirrored = services.keyspace.mirrored(partition)
    assert await services.channel(partition).request("SCARD", mirrored) == 0
    assert await copy_of(earth["us"]) == []


async def test_nobody_asks_from_another_region(earth: Earth) -> None:
    """They could not be told whether they came in or only asked."""
    alice, bob = await _people(earth, "ask")
    assert (await bob.ask("join", room=ROOM))["code"] == "not_invited"
    assert ROOM not in await _rooms(earth, "us", "@bob")
    assert (await alice.ask("accept", room=ROOM, who="@bob"))["code"] == "no_request"


async def test_who_is_kicked_hears_nothing_more_in_another_region(earth: Earth) -> None:
    alice, bob = await made(earth)
    await is_known(earth, "@bob", "us")
    assert (await alice.ask("kick", id="out", room=ROOM, who="@bob"))["type"] == "ack"
    boxes = {(await entry(bob, "out", "kick"))["box"] for _ in range(2)}
    assert boxes == {"@bob", ROOM}

    async def out() -> bool:
        return ROOM not in await _rooms(earth, "us", "@bob")

    await until(out)
    assert (await bob.ask("message", to=ROOM, text="?"))["code"] == "not_a_member"
    await earth.judge()


async def test_a_room_is_governed_only_from_its_region(earth: Earth) -> None:
    alice, bob = await made(earth)
    await is_known(earth, "@bob", "us")
    for role in ("owner", "admin"):
        refused = await alice.ask("role", room=ROOM, who="@bob", role=role)
        assert refused["code"] == "forbidden"
    commands: list[tuple[str, Frame]] = [
        *(("kick", {"who": "@alice"}), ("ban", {"who": "@alice"}), ("mute", {"who": "@alice"})),
        *(("role", {"who": "@alice", "role": "reader"}), ("topic", {"topic": "mine"})),
        *(("invite", {"who": "@alice"}), ("invite", {"code": "sixteen-letters-"})),
        *(("accept", {"who": "@alice"}), ("decline", {"who": "@alice"})),
    ]
    for type, fields in commands:
        refused = await bob.ask(type, room=ROOM, **fields)
        assert (refused["code"], "region" in refused["details"]["reason"]) == ("forbidden", True)
    assert (await alice.ask("role", room=ROOM, who="@bob", role="reader"))["type"] == "ack"
    listed = await bob.ask("members", room=ROOM)
    assert [one["role"] for one in listed["members"]] == ["owner", "reader"]


async def test_what_a_reader_of_another_region_says_comes_back(earth: Earth) -> None:
    alice, bob = await made(earth)
    await is_known(earth, "@bob", "us")
    await alice.ask("role", room=ROOM, who="@bob", role="reader")
    await bob.ask("message", id="psst", to=ROOM, text="psst")
    returned = await entry(bob, "psst", "returned")
    assert (returned["to"], returned["reason"]) == (ROOM, "read_only")
