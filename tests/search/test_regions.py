"""Search where the words of a room are from another region, and so are the keys to them."""

from __future__ import annotations

from tests.search.conftest import find, finds, say
from tests.server.regions.conftest import Earth, earth, kept_by

__all__ = ["earth"]


async def test_a_copy_of_a_room_is_searched(earth: Earth) -> None:
    room = "#" + kept_by("eu", "room", "#")
    alice = await earth["eu"].register(kept_by("eu", "alice"))
    bob = await earth["us"].register(kept_by("us", "bob"))
    await alice.ask("create", room=room)
    assert (await bob.ask("join", room=room))["type"] == "ack"
    await say(alice, room, "a parrot from europe")
    await bob.until(lambda frame: frame.get("text") == "a parrot from europe")
    assert await find(bob, words="parrot") == ["a parrot from europe"]
    assert await find(alice, words="parrot", box=room) == ["a parrot from europe"]


async def test_locked_words_are_found_when_their_key_is_there(earth: Earth) -> None:
    room = "#" + kept_by("eu", "room", "#")
    alice = await earth["eu"].register(kept_by("eu", "alice"))
    bob = await earth["us"].register(kept_by("us", "bob"))
    await alice.ask("create", room=room)
    await bob.ask("join", room=room)
    await say(alice, room, "a parrot from europe")
    await bob.until(lambda frame: frame.get("text") == "a parrot from europe")
    us = earth["us"].app.services
    ask_far, us.seals.ask_far = us.seals.ask_far, None  # the hub cannot ask for keys
    assert await find(bob, words="parrot") == []
    assert len(await find(bob, box=room)) == 1
    us.seals.ask_far = ask_far
    await finds(bob, ["a parrot from europe"], words="parrot")
