"""Links into rooms of another region."""

from __future__ import annotations

from .conftest import Earth
from .test_room_rights import ROOM
from .test_rooms import copy_of

CODE = "sixteen-letters-"


async def test_a_link_of_a_former_admin_is_good_in_no_region(earth: Earth) -> None:
    """And brings no copy of the room to where nobody may come in."""
    alice, carol = await earth["eu"].register("alice"), await earth["eu"].register("carol")
    bob = await earth["us"].register("bob")
    await alice.ask("create", room=ROOM)
    await carol.ask("join", room=ROOM)
    await alice.ask("topic", room=ROOM, access="private")
    await alice.ask("role", room=ROOM, who="@carol", role="admin")
    assert (await carol.ask("invite", room=ROOM, code=CODE, uses=2))["type"] == "ack"
    await alice.ask("role", room=ROOM, who="@carol", role="member")
    assert (await bob.ask("join", room=ROOM, code=CODE))["code"] == "not_invited"
    assert await copy_of(earth["us"]) == []
    await alice.ask("role", room=ROOM, who="@carol", role="admin")
    assert (await bob.ask("join", room=ROOM, code=CODE))["type"] == "ack"
