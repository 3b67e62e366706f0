"""What owners and admins do, and what they may not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support import Client

from .house import ROOM, House, entry

COMMANDS: dict[str, dict[str, Any]] = {
    "kick": {},
    "ban": {},
    "mute": {},
    "role": {"role": "reader"},
}
OVER = {
    "owner": {"admin", "admin2", "member", "reader"},
    "admin": {"member", "reader"},
    "admin2": {"member", "reader"},
}
"""Whom each may touch; the others nobody."""


@pytest.mark.parametrize("command", COMMANDS)
async def test_nobody_touches_who_stands_beside_or_above(house: House, command: str) -> None:
    people = await house.with_roles()
    before = await house.roles()
    for who, client in people.items():
        for other in people.keys() - OVER.get(who, set()):
            if other == "stranger" and who in ("owner", "admin", "admin2"):
                continue  # another refusal; see below
            refused = await client.ask(command, room=ROOM, who=f"@{other}", **COMMANDS[command])
            assert refused["code"] == _why_not(who), (who, other)
    assert await house.roles() == before
    for other in ("reader", "member"):
        ack = await people["admin"].ask(command, room=ROOM, who=f"@{other}", **COMMANDS[command])
        assert ack["type"] == "ack", ack
    ack = await people["owner"].ask(command, room=ROOM, who="@admin2", **COMMANDS[command])
    assert ack["type"] == "ack", ack


def _why_not(who: str) -> str:
    """Why somebody who leads nothing is refused."""
    return {"stranger": "not_a_member", "reader": "read_only"}.get(who, "forbidden")


async def test_only_who_is_there_is_put_out_muted_or_raised(house: House) -> None:
    alice, _ = await house.room("alice", "bob")
    await house.person("eve")
    for command in ("kick", "mute", "role"):
        fields = COMMANDS[command]
        for who in ("@eve", "@nobody"):
            refused = await alice.ask(command, room=ROOM, who=who, **fields)
            assert refused["code"] == "not_a_member", command
        refused = await alice.ask(command, room="#none", who="@bob", **fields)
        assert refused["code"] == "unknown_room"


async def test_only_leaders_say_what_a_room_is_about(house: House) -> None:
    people = await house.with_roles()
    for who, client in people.items():
        answer = await client.ask("topic", room=ROOM, topic=f"as {who} will have it")
        assert answer.get("code", "ack") == (
            "ack" if who in ("owner", "admin", "admin2") else _why_not(who)
        )
    assert (await people["owner"].ask("topic", room=ROOM))["code"] == "malformed"
    assert (await people["owner"].ask("topic", room=ROOM, title="Tea", slow_s=5))["type"] == "ack"
    stored = await house.store(ROOM, "HGETALL", house.keys(ROOM).profile)
    assert stored.pop(b"created").isdigit()
    assert stored == {
        b"access": b"public",
        b"topic": b"as admin2 will have it",
        b"title": b"Tea",
        b"slow_s": b"5",
    }
    told = await entry(people["reader"], "topic", title="Tea")
    assert (told["slow_s"], "topic" in told) == (5, False)
    await people["owner"].ask("topic", room=ROOM, title="", slow_s=0)
    assert not await house.store(ROOM, "HEXISTS", house.keys(ROOM).profile, "title")


@pytest.mark.parametrize("command", ["kick", "ban"])
async def test_who_is_put_out_hears_nothing_more_on_any_device(house: House, command: str) -> None:
    alice, bob, carol = await house.room("alice", "bob", "carol")
    devices = [bob, *[await house.device("bob") for _ in range(3)]]
    assert await house.hears(devices[3], alice, "still here")
    await alice.ask(command, room=ROOM, who="@bob")
    await house.told()
    for device in devices:
        told = await entry(device, command, box=ROOM)
        assert (told["from"], told["who"]) == ("@alice", "@bob")
        assert (await entry(device, command, box="@bob"))["id"] == told["id"]
        assert not await house.hears(device, alice, "among us")
        assert not [one for one in device.pushed if one.get("box") == ROOM]
    assert await house.hears(carol, alice, "bob is gone")
    for kind, fields in (("message", {"to": ROOM, "text": "?"}), ("history", {"box": ROOM})):
        assert (await bob.ask(kind, **fields))["code"] == "not_a_member"
    assert await house.joined("@bob") == set()
    back = await house.back("bob", {ROOM: 1})
    assert ROOM not in back.welcome["boxes"]


async def test_who_was_kicked_while_away_finds_out_and_may_come_again(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    seen = await house.length("@bob")
    await bob.close()
    await alice.ask("kick", room=ROOM, who="@bob")
    back = await house.back("bob", {"@bob": seen, ROOM: 2})
    assert ROOM not in back.welcome["boxes"]
    assert (await entry(back, "kick"))["box"] == "@bob"
    assert (await back.ask("join", room=ROOM))["type"] == "ack"
    assert await house.hears(back, alice, "again")


async def test_the_muted_only_read_for_a_while(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    ack = await alice.ask("mute", room=ROOM, who="@bob", for_s=3)
    refused = await bob.ask("message", to=ROOM, text="but")
    assert (refused["code"], refused["details"]) == ("muted", {"until": ack["at"] + 3000})
    said = await alice.ask("message", to=ROOM, text="hush", id="hush")
    assert (await bob.ask("read", to=ROOM, up_to="hush"))["type"] == "ack"
    listed = await bob.ask("members", room=ROOM)
    assert listed["members"][1] == {"who": "@bob", "role": "member", "muted": ack["at"] + 3000}
    assert said["type"] == "ack"
    await asyncio.sleep(3.1)
    assert (await bob.ask("message", to=ROOM, text="at last"))["type"] == "ack"
    assert "muted" not in (await bob.ask("members", room=ROOM))["members"][1]


async def test_a_mute_can_be_ended_and_keeps_the_role(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    await alice.ask("role", room=ROOM, who="@bob", role="reader")
    await alice.ask("mute", room=ROOM, who="@bob")
    assert await house.roles() == {"@alice": "owner", "@bob": "reader"}
    assert (await bob.ask("message", to=ROOM, text="?"))["code"] == "read_only"
    await alice.ask("mute", room=ROOM, who="@bob", remove=True)
    await alice.ask("role", room=ROOM, who="@bob", role="member")
    assert (await bob.ask("message", to=ROOM, text="!"))["type"] == "ack"


async def test_readers_read_and_mark_but_do_not_write(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    await alice.ask("role", room=ROOM, who="@bob", role="reader")
    assert (await bob.ask("message", to=ROOM, text="?"))["code"] == "read_only"
    pay = {"to": "@alice", "amount": 1, "currency": "USD"}
    assert await house.hears(bob, alice, "listen")
    said = await alice.ask("message", to=ROOM, text="this", id="this")
    assert said["type"] == "ack"
    assert (await bob.ask("read", to=ROOM, up_to="this"))["type"] == "ack"
    assert (await bob.ask("history", box=ROOM))["type"] == "history"
    assert (await bob.ask("payment", **pay))["type"] == "ack"
    assert (await bob.ask("leave", room=ROOM))["type"] == "ack"


async def test_a_room_is_given_away_by_its_owner_alone(house: House) -> None:
    people = await house.with_roles()
    owner, admin = people["owner"], people["admin"]
    give = {"room": ROOM, "role": "owner"}
    assert (await admin.ask("role", who="@member", **give))["code"] == "forbidden"
    assert (await owner.ask("role", who="@owner", **give))["code"] == "forbidden"
    assert (await owner.ask("role", who="@stranger", **give))["code"] == "not_a_member"
    assert (await owner.ask("role", who="@reader", **give))["type"] == "ack"
    roles = await house.roles()
    assert (roles["@owner"], roles["@reader"]) == ("admin", "owner")
    assert (await owner.ask("role", who="@member", **give))["code"] == "forbidden"
    assert (await owner.ask("leave", room=ROOM))["type"] == "ack"
    assert (await people["reader"].ask("message", to=ROOM, text="mine"))["type"] == "ack"


FRAMES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("create", {"room": "#other", "access": "ask"}, {"access": "private"}),
    ("invite", {"room": ROOM, "who": "@stranger"}, {"expires_s": 60}),
    ("invite", {"room": ROOM, "code": "sixteen-letters-", "uses": 3}, {"uses": 4}),
    ("topic", {"room": ROOM, "topic": "tea"}, {"topic": "milk"}),
    ("mute", {"room": ROOM, "who": "@member"}, {"for_s": 60}),
    ("role", {"room": ROOM, "who": "@member", "role": "reader"}, {"role": "admin"}),
    ("kick", {"room": ROOM, "who": "@member"}, {"who": "@reader"}),
    ("ban", {"room": ROOM, "who": "@member"}, {"for_s": 60}),
    ("ban", {"room": ROOM, "who": "@stranger"}, {"for_s": 60}),
    ("ban", {"room": ROOM, "who": "@stranger", "remove": True}, {"remove": False}),
]


@pytest.mark.parametrize(("type", "fields", "altered"), FRAMES, ids=lambda one: str(one)[:40])
async def test_the_same_again_is_answered_as_at_first(
    house: House, type: str, fields: dict[str, Any], altered: dict[str, Any]
) -> None:
    people = await house.with_roles()
    owner = people["owner"]
    first = await owner.ask(type, id="once", **fields)
    assert first["type"] == "ack", first
    roles, length = await house.roles(), await house.length(ROOM)
    again = await owner.ask(type, id="once", **fields)
    assert {**again, "replayed": False} == {**first, "replayed": False}
    other = await owner.ask(type, id="once", **{**fields, **altered})
    assert other["code"] == "id_reused"
    assert (await house.roles(), await house.length(ROOM)) == (roles, length)


async def test_coming_and_asking_again_is_answered_as_at_first(house: House) -> None:
    alice, bob, carol = await house.people("alice", "bob", "carol")
    code = "sixteen-letters-"
    await alice.ask("create", room=ROOM, access="ask")
    await alice.ask("invite", room=ROOM, code=code)

    async def twice(client: Client, type: str, **fields: Any) -> None:
        first = await client.ask(type, id=type, **fields)
        assert first["type"] == "ack", first
        again = await client.ask(type, id=type, **fields)
        assert {**again, "replayed": False} == {**first, "replayed": False}

    await twice(bob, "join", room=ROOM)
    await twice(carol, "join", room=ROOM, code=code)
    other = await carol.ask("join", id="join", room=ROOM)
    assert (other["code"], other["details"]) == ("id_reused", {"field": "content"})
    await twice(alice, "accept", room=ROOM, who="@bob")
    await twice(bob, "leave", room=ROOM)
    assert await house.roles() == {"@alice": "owner", "@carol": "member"}
