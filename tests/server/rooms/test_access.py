"""Who may come into a room, and how."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import until

from .conftest import MakeHouse
from .house import ROOM, House, entry

CODE = "a-code-nobody-guesses"


async def test_a_private_room_lets_in_whom_it_invited_and_once(house: House) -> None:
    alice, bob, eve = await house.people("alice", "bob", "eve")
    await alice.ask("create", room=ROOM, access="private", title="Tea")
    assert (await bob.ask("join", room=ROOM))["code"] == "not_invited"
    assert (await alice.ask("invite", room=ROOM, who="@bob"))["box"] == ROOM
    told = await entry(bob, "invite")
    assert (told["box"], told["from"], told["room"], told["who"]) == (
        *("@bob", "@alice", ROOM, "@bob"),
    )
    assert (await eve.ask("join", room=ROOM))["code"] == "not_invited"
    assert (await bob.ask("join", room=ROOM))["box"] == ROOM
    assert await house.hears(bob, alice, "welcome")
    await bob.ask("leave", room=ROOM)
    assert (await bob.ask("join", room=ROOM))["code"] == "not_invited"
    assert await house.roles() == {"@alice": "owner"}


async def test_an_invitation_ends(house: House) -> None:
    alice, bob = await house.people("alice", "bob")
    await alice.ask("create", room=ROOM, access="private")
    await alice.ask("invite", room=ROOM, who="@bob", expires_s=1)
    await asyncio.sleep(1.1)
    assert (await bob.ask("join", room=ROOM))["code"] == "not_invited"


async def test_nobody_is_invited_twice_or_for_nothing(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    assert (await alice.ask("invite", room=ROOM, who="@bob"))["code"] == "already_a_member"
    assert (await alice.ask("invite", room=ROOM, who="@nobody"))["code"] == "unknown_account"
    assert (await alice.ask("invite", room="#none", who="@bob"))["code"] == "unknown_room"
    carol = await house.person("carol")
    assert (await bob.ask("invite", room=ROOM, who="@carol"))["type"] == "ack"
    assert (await bob.ask("invite", room=ROOM, who="@carol"))["code"] == "request_pending"
    assert (await carol.ask("invite", room=ROOM, who="@alice"))["code"] == "not_a_member"
    for wrong in ({}, {"who": "@carol", "code": CODE}):
        assert (await alice.ask("invite", room=ROOM, **wrong))["code"] == "malformed"


async def test_a_link_lets_in_so_many(house: House) -> None:
    alice, bob, carol, dave = await house.people("alice", "bob", "carol", "dave")
    await alice.ask("create", room=ROOM, access="private")
    before = await house.length(ROOM)
    made = await alice.ask("invite", room=ROOM, code=CODE, uses=2)
    assert made["type"] == "ack"
    assert "box" not in made
    assert await house.length(ROOM) == before  # nobody but its maker knows the code
    assert (await bob.ask("join", room=ROOM, code="another-code-altogether"))["code"] == (
        "not_invited"
    )
    for one in (bob, carol):
        assert (await one.ask("join", room=ROOM, code=CODE))["type"] == "ack"
    assert (await dave.ask("join", room=ROOM, code=CODE))["code"] == "not_invited"


async def test_a_link_can_be_ended_and_ends_by_itself(house: House) -> None:
    alice, bob = await house.people("alice", "bob")
    await alice.ask("create", room=ROOM, access="private")
    await alice.ask("invite", room=ROOM, code=CODE, uses=5)
    await alice.ask("invite", room=ROOM, code=CODE, uses=0)
    assert (await bob.ask("join", room=ROOM, code=CODE))["code"] == "not_invited"
    await alice.ask("invite", room=ROOM, code=CODE, expires_s=1)
    await asyncio.sleep(1.1)
    assert (await bob.ask("join", room=ROOM, code=CODE))["code"] == "not_invited"


async def test_a_code_is_not_used_up_where_it_is_not_needed(house: House) -> None:
    alice, bob, carol = await house.people("alice", "bob", "carol")
    await alice.ask("create", room=ROOM)
    await alice.ask("invite", room=ROOM, code=CODE, uses=1)
    assert (await bob.ask("join", room=ROOM, code=CODE))["type"] == "ack"
    await alice.ask("topic", room=ROOM, access="private")
    assert (await carol.ask("join", room=ROOM, code=CODE))["type"] == "ack"


async def test_only_its_leaders_invite_into_a_room_that_is_not_public(house: House) -> None:
    alice, bob, carol = await house.room("alice", "bob", "carol", access="private")
    await house.person("dave")
    assert (await bob.ask("invite", room=ROOM, who="@dave"))["code"] == "forbidden"
    assert (await bob.ask("invite", room=ROOM, code=CODE))["code"] == "forbidden"
    await alice.ask("role", room=ROOM, who="@carol", role="admin")
    assert (await carol.ask("invite", room=ROOM, who="@dave"))["type"] == "ack"


async def test_who_asks_is_let_in_by_an_admin(house: House) -> None:
    alice, bob = await house.people("alice", "bob")
    phone = await house.device("bob")
    await alice.ask("create", room=ROOM, access="ask")
    await bob.ask("join", room=ROOM, id="please")
    told = await entry(alice, "join")
    assert (told["box"], told["from"], told["asks"]) == (ROOM, "@bob", True)
    for device in (bob, phone):  # so that each knows that it only asks
        mine = await entry(device, "join")
        assert (mine["box"], mine["id"], mine["asks"]) == ("@bob", "please", True)
    assert (await bob.ask("join", room=ROOM))["code"] == "request_pending"
    assert (await bob.ask("message", to=ROOM, text="?"))["code"] == "not_a_member"
    assert await house.roles() == {"@alice": "owner"}
    assert (await alice.ask("accept", room=ROOM, who="@bob"))["box"] == ROOM
    for device in (bob, phone):
        assert (await entry(device, "accept", box="@bob"))["room"] == ROOM
    assert await house.roles() == {"@alice": "owner", "@bob": "member"}
    assert await house.joined("@bob") == {ROOM}
    for device in (bob, phone):
        await until(lambda d=device: house.hears(d, alice, "welcome"))  # type: ignore[misc]
    assert (await alice.ask("accept", room=ROOM, who="@bob"))["code"] == "no_request"
    again = await bob.ask("join", room=ROOM, id="please")
    assert (again["type"], again["replayed"], again["box"]) == ("ack", True, ROOM)


async def test_the_ack_of_a_join_tells_asking_from_coming_in(house: House) -> None:
    """Also when it is sent again, whatever has become of it meanwhile, and in `status`."""
    alice, bob, carol = await house.people("alice", "bob", "carol")
    await alice.ask("create", room=ROOM, access="ask")
    await alice.ask("invite", room=ROOM, code=CODE)
    asked = await bob.ask("join", room=ROOM, id="please")
    assert (asked["type"], asked["asks"], asked["box"]) == ("ack", True, ROOM)
    came = await carol.ask("join", room=ROOM, id="here", code=CODE)
    assert (came["type"], "asks" in came) == ("ack", False)
    for _ in range(2):
        assert await bob.ask("join", room=ROOM, id="please") == {**asked, "replayed": True}
        again = await carol.ask("join", room=ROOM, id="here", code=CODE)
        assert again == {**came, "replayed": True}
        assert (await bob.ask("status", of="please"))["ack"] == {**asked, "replayed": True}
        await alice.ask("accept", room=ROOM, who="@bob")
    altered = await bob.ask("join", room=ROOM, id="please", code=CODE)
    assert altered["code"] == "id_reused"
    assert (await carol.ask("leave", room=ROOM))["type"] == "ack"
    assert "asks" in await carol.ask("join", room=ROOM)


async def test_who_was_declined_may_ask_again(house: House) -> None:
    alice, bob = await house.people("alice", "bob")
    await alice.ask("create", room=ROOM, access="ask")
    await bob.ask("join", room=ROOM)
    assert (await alice.ask("decline", room=ROOM, who="@bob"))["type"] == "ack"
    assert (await entry(bob, "decline"))["room"] == ROOM
    assert (await alice.ask("decline", room=ROOM, who="@bob"))["code"] == "no_request"
    assert (await alice.ask("accept", room=ROOM, who="@bob"))["code"] == "no_request"
    assert await house.roles() == {"@alice": "owner"}
    await bob.ask("join", room=ROOM)
    assert (await alice.ask("accept", room=ROOM, who="@bob"))["type"] == "ack"


async def test_only_leaders_answer_who_asks(house: House) -> None:
    alice, bob, carol = await house.room("alice", "bob", "carol", access="ask")
    dave = await house.person("dave")
    await dave.ask("join", room=ROOM)
    for kind in ("accept", "decline"):
        assert (await bob.ask(kind, room=ROOM, who="@dave"))["code"] == "forbidden"
        assert (await dave.ask(kind, room=ROOM, who="@dave"))["code"] == "not_a_member"
    await alice.ask("role", room=ROOM, who="@carol", role="admin")
    assert (await carol.ask("accept", room=ROOM, who="@dave"))["type"] == "ack"


async def test_an_invitation_spares_the_asking(house: House) -> None:
    alice, bob = await house.people("alice", "bob")
    await alice.ask("create", room=ROOM, access="ask")
    await bob.ask("join", room=ROOM)
    await alice.ask("invite", room=ROOM, who="@bob")
    await bob.ask("join", room=ROOM)
    assert await house.roles() == {"@alice": "owner", "@bob": "member"}
    assert (await alice.ask("accept", room=ROOM, who="@bob"))["code"] == "no_request"


async def test_whom_a_room_bans_stays_out_by_every_door(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    await alice.ask("invite", room=ROOM, code=CODE, uses=9)
    assert (await alice.ask("ban", room=ROOM, who="@bob"))["type"] == "ack"
    told = await entry(bob, "ban", box="@bob")
    assert (told["room"], told["who"]) == (ROOM, "@bob")
    for access in ("public", "ask", "private"):
        await alice.ask("topic", room=ROOM, access=access)
        for way in ({}, {"code": CODE}):
            refused = await bob.ask("join", room=ROOM, **way)
            assert (refused["code"], "details" in refused) == ("banned", False)
    assert (await alice.ask("invite", room=ROOM, who="@bob"))["code"] == "banned"
    await alice.ask("topic", room=ROOM, access="public")
    assert (await alice.ask("ban", room=ROOM, who="@bob", remove=True))["type"] == "ack"
    assert (await bob.ask("join", room=ROOM))["type"] == "ack"


async def test_a_ban_for_a_time_says_until_when_and_ends(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    ack = await alice.ask("ban", room=ROOM, who="@bob", for_s=3)
    refused = await bob.ask("join", room=ROOM)
    assert (refused["code"], refused["details"]) == ("banned", {"until": ack["at"] + 3000})
    await asyncio.sleep(3.1)
    assert (await bob.ask("join", room=ROOM))["type"] == "ack"


async def test_who_never_came_can_be_banned_and_is_not_pestered(house: House) -> None:
    alice, _ = await house.room("alice", "bob")
    eve = await house.person("eve")
    assert (await alice.ask("ban", room=ROOM, who="@eve"))["type"] == "ack"
    assert (await alice.ask("ban", room=ROOM, who="@nobody"))["code"] == "unknown_account"
    assert (await eve.ask("join", room=ROOM))["code"] == "banned"
    assert await house.length("@eve") == eve.welcome["boxes"]["@eve"]["seq"]


async def test_a_room_that_all_have_left_is_closed(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    assert (await alice.ask("leave", room=ROOM))["code"] == "owner_stays"
    assert (await bob.ask("leave", room=ROOM))["type"] == "ack"
    assert (await alice.ask("leave", room=ROOM))["type"] == "ack"
    for one in (alice, bob):
        assert (await one.ask("join", room=ROOM))["code"] == "unknown_room"
        assert (await one.ask("create", room=ROOM))["code"] == "name_taken"


async def test_an_account_can_be_in_so_many_rooms(make_house: MakeHouse) -> None:
    house = await make_house(1, 4, rooms_per_account=2)
    alice, bob = await house.people("alice", "bob")
    for n in range(2):
        await alice.ask("create", room=f"#room{n}")
        assert (await bob.ask("join", room=f"#room{n}"))["type"] == "ack"
    carol = await house.person("carol")
    await carol.ask("create", room=ROOM)
    refused = await bob.ask("join", room=ROOM)
    assert (refused["code"], refused["details"]["of"]) == ("limit_exceeded", "rooms")


async def test_whom_one_blocks_cannot_invite_one(house: House) -> None:
    alice, bob = await house.people("alice", "bob")
    beside = await house.person(_beside(house, "@bob"))
    await alice.ask("create", room=ROOM)
    await bob.ask("block", who="@alice")
    before = await house.length("@bob")
    answer = await alice.ask("invite", room=ROOM, who="@bob")
    if house.keys("@bob").partition == house.keys(ROOM).partition:
        assert answer["code"] == "not_accepted"
    await alice.ask("invite", room=ROOM, who=f"@{beside.welcome['handle']}")
    assert (await entry(beside, "invite"))["from"] == "@alice"  # by the same way, and later
    assert await house.length("@bob") == before
    assert (await bob.ask("create", room="#mine"))["type"] == "ack"
    answer = await bob.ask("invite", room="#mine", who="@alice")
    if house.keys("@bob").partition == house.keys("#mine").partition:
        assert answer["code"] == "blocked"


def _beside(house: House, name: str) -> str:
    """Somebody who lives in the same partition."""
    handles = (f"b{n}" for n in range(10, 99))
    return next(h for h in handles if house.keys(f"@{h}").partition == house.keys(name).partition)


async def test_what_cannot_be_told_does_not_stop_the_others(make_house: MakeHouse) -> None:
    house = await make_house(1, 4)
    beside = _beside(house, "@bob")
    assert house.keys("@bob").partition != house.keys(ROOM).partition
    alice, _, other = await house.room("alice", "bob", beside)
    box = house.keys("@bob").box
    await house.store("@bob", "DEL", box)
    await house.store("@bob", "SET", box, "no list any more")
    before = await house.length("@alice")
    for handle in ("bob", beside):
        assert (await alice.ask("kick", room=ROOM, who=f"@{handle}"))["type"] == "ack"
    assert (await entry(other, "kick", box=f"@{beside}"))["room"] == ROOM
    assert await house.joined("@bob") == set()
    await asyncio.sleep(0.2)
    assert await house.length("@alice") == before  # nothing comes back to where she does not live


async def test_a_room_takes_only_so_many_requests(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ledger.room_rights.RULES_MAX", 2)
    house = await make_house(1, 1)
    alice, bob, carol, dave = await house.people("alice", "bob", "carol", "dave")
    await alice.ask("create", room=ROOM, access="ask")
    for one in (bob, carol):
        assert (await one.ask("join", room=ROOM))["type"] == "ack"
    refused = [
        await dave.ask("join", room=ROOM),
        await alice.ask("invite", room=ROOM, who="@dave"),
        await alice.ask("invite", room=ROOM, code=CODE),
    ]
    for one in refused:
        assert (one["code"], one["details"]) == ("limit_exceeded", {"limit": 2, "of": "rules"})
    assert (await alice.ask("ban", room=ROOM, who="@bob"))["type"] == "ack"
    assert (await alice.ask("accept", room=ROOM, who="@carol"))["type"] == "ack"
