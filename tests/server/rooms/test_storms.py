"""Everybody commands at once, at both hubs: what holds in the store holds for who listens."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import Any

import pytest

from tests.support import Client, until

from .conftest import MakeHouse
from .house import ROOM, House

PEOPLE = ["ann", "ben", "cat", "dan"]
STEPS = 12


def _command(dice: random.Random) -> tuple[str, dict[str, Any]]:
    who = f"@{dice.choice(PEOPLE)}"
    return dice.choice(
        [
            ("join", {}),
            ("join", {}),
            ("leave", {}),
            ("kick", {"who": who}),
            ("ban", {"who": who, "remove": dice.random() < 0.5}),
            ("role", {"who": who, "role": dice.choice(["owner", "admin", "member", "reader"])}),
            ("mute", {"who": who, "remove": dice.random() < 0.5}),
            ("invite", {"who": who}),
            ("accept", {"who": who}),
            ("topic", {"access": dice.choice(["public", "private", "ask"])}),
            ("members", {}),
        ]
    )


async def _play(client: Client, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(STEPS):
        kind, fields = _command(dice)
        answer = await client.ask(kind, room=ROOM, **fields)
        assert answer["type"] in ("ack", "error", "members"), answer
        assert answer.get("code") not in ("internal", "outcome_unknown", "unavailable"), answer


async def _in_step(house: House) -> bool:
    """Whether all hubs know what the store knows."""
    roles = await house.roles()
    for handle in PEOPLE:
        who = f"@{handle}"
        joined = {ROOM} if who in roles else set()
        if await house.joined(who) != joined:
            return False
        for hub in house.hubs:
            party = hub.app.services.hub.parties.get(who)
            if party is not None and party.rooms != joined:
                return False
    return True


@pytest.mark.parametrize("seed", range(4))
async def test_all_agree_who_is_in_a_room(house: House, seed: int) -> None:
    clients = {handle: await house.person(handle) for handle in PEOPLE}
    devices = [*clients.values(), *[await house.device(handle) for handle in PEOPLE]]
    await devices[0].ask("create", room=ROOM)
    await asyncio.gather(*(_play(one, seed * 100 + n) for n, one in enumerate(devices)))
    await house.told()
    await until(lambda: _in_step(house))
    roles = await house.roles()
    assert list(roles.values()).count("owner") == (1 if roles else 0)
    for handle, client in clients.items():
        listed = await client.ask("members", room=ROOM)
        if f"@{handle}" in roles:
            assert {one["who"]: one["role"] for one in listed["members"]} == roles
        else:
            assert listed["code"] == "not_a_member"


async def test_a_kick_that_no_hub_told_is_found_out(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 0.2)
    monkeypatch.setattr("server.telling.catchup.SUSPICION_S", 0.02)
    house = await make_house(2, 1)
    alice, bob, carol = await house.room("alice", "bob", "carol")
    assert bob in house.hubs[0].clients  # and the two others at the second hub
    monkeypatch.setattr("server.telling.relay.LOSES", True)
    await alice.ask("kick", room=ROOM, who="@bob")
    parties = house.hubs[0].app.services.hub.parties
    await until(lambda: not parties["@bob"].rooms)
    assert not await house.hears(bob, carol, "gone")


async def test_one_let_in_whom_no_hub_told_hears_the_room(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 0.2)
    monkeypatch.setattr("server.telling.catchup.SUSPICION_S", 0.02)
    house = await make_house(2, 1)
    alice, bob = await house.people("alice", "bob")
    await alice.ask("create", room=ROOM, access="ask")
    await bob.ask("join", room=ROOM)
    lose = partial(monkeypatch.setattr, "server.telling.relay.LOSES")
    lose(True)
    await alice.ask("accept", room=ROOM, who="@bob")
    lose(False)
    await until(lambda: house.hears(bob, alice, "hello"))
