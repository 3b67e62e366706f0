"""A room of another region whose copy lies in another partition than its member's account."""

from __future__ import annotations

import pytest

from tests.support import Client, until

from .conftest import Earth
from .test_rooms import is_known


async def far_room(earth: Earth) -> tuple[Client, Client, str]:
    """Alice in us, Bob in eu, and a room of hers that he is in."""
    of = earth["eu"].app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@bob"))
    alice, bob = await earth["us"].register("alice"), await earth["eu"].register("bob")
    await alice.ask("create", room=room)
    await bob.ask("join", room=room)
    await is_known(earth, "@bob", "eu", room)
    return alice, bob, room


async def test_it_is_heard_after_a_resume(earth: Earth) -> None:
    alice, bob, room = await far_room(earth)
    again = await earth["eu"].hello(bob.welcome["token"], {})
    assert room in again.welcome["boxes"]
    await alice.ask("message", id="z", to=room, text="do you hear me?")
    assert (await again.until(lambda frame: frame.get("box") == room))["id"] == "z"


async def test_its_member_is_not_asked_to_resume_again_and_again(
    earth: Earth, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("ROUND_S", "DIFFERENCE_S"):
        monkeypatch.setattr(f"server.telling.catchup.{pause}", 0.05)
    _, bob, room = await far_room(earth)
    services = earth["eu"].app.services
    monkeypatch.setattr(services.relay, "others", True)  # as if there were another hub: rounds go
    asked: list[str] = []
    monkeypatch.setattr(services.hub, "resync", lambda box: asked.append(box.name))
    await bob.socket.close()
    again = await earth["eu"].hello(bob.welcome["token"], {room: 1})
    compared: list[int] = []
    compare = services.catch_up._counts

    def count(partition: int, parties: list[object]) -> None:
        compared.append(partition)
        compare(partition, parties)  # type: ignore[arg-type]

    monkeypatch.setattr(services.catch_up, "_counts", count)
    await until(lambda: len(compared) > 8)
    assert asked == []
    assert again.welcome["boxes"][room]
