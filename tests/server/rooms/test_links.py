"""Links into a room hold as long as their maker may make them; what has ended takes no place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import Client

from .conftest import MakeHouse
from .house import ROOM, House

CODE = "a-code-nobody-guesses"
LOSES: dict[str, dict[str, Any]] = {
    "their role": {"type": "role", "role": "member"},
    "their voice": {"type": "role", "role": "reader"},
    "their place": {"type": "kick"},
    "their place for good": {"type": "ban"},
}


async def _made(house: House) -> tuple[Client, Client, Client]:
    """A private room of Alice; a link of Bob, an admin; and Carol, who knows its code."""
    alice, bob = await house.room("alice", "bob", access="private")
    carol = await house.person("carol")
    await alice.ask("role", room=ROOM, who="@bob", role="admin")
    assert (await bob.ask("invite", room=ROOM, code=CODE, uses=9))["type"] == "ack"
    return alice, bob, carol


@pytest.mark.parametrize("loss", LOSES)
async def test_a_link_ends_with_the_right_to_make_it(house: House, loss: str) -> None:
    alice, _, carol = await _made(house)
    assert (await carol.ask("join", room=ROOM, code=CODE))["type"] == "ack"
    assert (await carol.ask("leave", room=ROOM))["type"] == "ack"
    assert (await alice.ask(room=ROOM, who="@bob", **LOSES[loss]))["type"] == "ack"
    assert (await carol.ask("join", room=ROOM, code=CODE))["code"] == "not_invited"
    assert "@carol" not in await house.roles()
    assert (await alice.ask("invite", room=ROOM, code=CODE))["type"] == "ack"  # it is hers now
    assert (await carol.ask("join", room=ROOM, code=CODE))["type"] == "ack"


async def test_a_link_of_who_has_left_lets_nobody_in(house: House) -> None:
    _, bob, carol = await _made(house)
    assert (await bob.ask("leave", room=ROOM))["type"] == "ack"
    assert (await carol.ask("join", room=ROOM, code=CODE))["code"] == "not_invited"


async def test_who_gives_the_room_away_stays_an_admin_and_their_link_holds(house: House) -> None:
    alice, _, carol = await _made(house)
    await alice.ask("invite", room=ROOM, code="another-code-altogether")
    assert (await alice.ask("role", room=ROOM, who="@bob", role="owner"))["type"] == "ack"
    joined = await carol.ask("join", room=ROOM, code="another-code-altogether")
    assert joined["type"] == "ack"


async def _rules(house: House) -> set[str]:
    found = await house.store(ROOM, "HKEYS", house.keys(ROOM).rules)
    return {field.decode() for field in found}


async def _over(house: House) -> None:
    """So much time has passed that whatever ends some day has ended: all ends are long ago."""
    for key in (house.keys(ROOM).rules, house.keys(ROOM).pace):
        for field, value in (await house.store(ROOM, "HGETALL", key)).items():
            if field[:1] in b"bvx@" and int(value):
                await house.store(ROOM, "HSET", key, field, 1)


ADDS: dict[str, dict[str, Any]] = {
    "v:@eve": {"type": "invite", "who": "@eve"},
    "x:one-more-code-altogether": {"type": "invite", "code": "one-more-code-altogether"},
    "b:@eve": {"type": "ban", "who": "@eve"},
    "b:@frank": {"type": "ban", "who": "@frank"},
}


@pytest.mark.parametrize("added", ADDS)
async def test_rules_that_have_ended_make_way_for_new_ones(house: House, added: str) -> None:
    alice, *_ = await house.room("alice", "bob", "frank", access="private")
    for handle in ("carol", "dave", "eve"):
        await house.person(handle)
    await alice.ask("invite", room=ROOM, who="@carol", expires_s=60)
    await alice.ask("invite", room=ROOM, code=CODE, uses=3, expires_s=60)
    await alice.ask("ban", room=ROOM, who="@bob", for_s=60)
    await alice.ask("ban", room=ROOM, who="@dave")
    ended = {"v:@carol", "b:@bob", f"x:{CODE}", f"u:{CODE}", f"k:{CODE}"}
    assert await _rules(house) == {*ended, "b:@dave"}
    await _over(house)
    assert (await alice.ask(room=ROOM, **ADDS[added]))["type"] == "ack"
    left = await _rules(house)
    assert {"b:@dave", added} <= left
    assert not ended & left


async def test_who_asks_takes_the_place_of_what_has_ended(house: House) -> None:
    alice, bob, _ = await house.people("alice", "bob", "carol")
    await alice.ask("create", room=ROOM, access="ask")
    await alice.ask("invite", room=ROOM, who="@carol", expires_s=60)
    await _over(house)
    assert (await bob.ask("join", room=ROOM))["type"] == "ack"
    assert await _rules(house) == {"a:@bob"}


async def test_what_has_ended_does_not_fill_a_room(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ledger.room_rights.RULES_MAX", 2)
    house = await make_house(1, 1)
    alice, *_ = await house.people("alice", "bob", "carol", "dave")
    await alice.ask("create", room=ROOM, access="private")
    for who in ("@bob", "@carol"):
        await alice.ask("invite", room=ROOM, who=who, expires_s=60)
    refused = await alice.ask("invite", room=ROOM, who="@dave")
    assert (refused["code"], refused["details"]["of"]) == ("limit_exceeded", "rules")
    await _over(house)
    assert (await alice.ask("invite", room=ROOM, who="@dave"))["type"] == "ack"
    assert await _rules(house) == {"v:@dave"}


async def test_a_slow_room_forgets_whose_time_has_come(house: House) -> None:
    alice, bob, carol = await house.room("alice", "bob", "carol", slow_s=60)
    assert (await bob.ask("message", to=ROOM, text="one"))["type"] == "ack"
    await _over(house)
    assert await house.hears(alice, carol, "two")
    found = await house.store(ROOM, "HKEYS", house.keys(ROOM).pace)
    assert found == [b"@carol"]
