"""Edits, deletions and reactions in rooms and conversations that span regions."""

from __future__ import annotations

from typing import Any

from server.ledger.notes import REACTIONS_MAX
from tests.support import Client, until

from .conftest import Earth
from .test_rooms import in_step, made

Frame = dict[str, Any]


async def _done(client: Client, type: str, id: str, **fields: Any) -> None:
    answer = await client.ask(type, id, **fields)
    assert answer["type"] == "ack", answer


async def _sees(client: Client, box: str, id: str, **page: Any) -> tuple[str, str, list[str]]:
    """The text of an entry, why it has none, and what came later."""
    found = await client.ask("history", box=box, **page)
    (entry,) = [one for one in found["entries"] if one["id"] == id]
    return entry["text"], entry.get("gone", ""), [one["type"] for one in found.get("later", [])]


async def test_a_copy_of_a_room_knows_what_changed_its_entries(earth: Earth) -> None:
    alice, bob = await made(earth)
    await _done(alice, "message", "m1", to="#room", text="from eu")
    await _done(bob, "message", "m2", to="#room", text="from us")
    seqs = {}
    while len(seqs) < 2:
        frame = await bob.until(lambda frame: frame.get("box") == "#room")
        if frame["type"] == "message":
            seqs[frame["id"]] = frame["seq"]
    ours, theirs = {"from": "@alice", "id": "m1"}, {"from": "@bob", "id": "m2"}
    await _done(bob, "react", "r1", to="#room", ref=ours, emoji="👍")
    await _done(bob, "edit", "e1", to="#room", ref=theirs, text="from the us")
    await alice.until(lambda frame: frame["type"] == "edit")
    await in_step(earth, "us")
    for client in (alice, bob):
        first = {"after": seqs["m1"] - 1, "limit": 1}
        assert await _sees(client, "#room", "m1", **first) == ("from eu", "", ["react"])
        second = {"after": seqs["m2"] - 1, "limit": 1}
        assert await _sees(client, "#room", "m2", **second) == ("from us", "", ["edit"])
    await _done(alice, "delete", "d1", to="#room", ref=theirs)
    await bob.until(lambda frame: frame["type"] == "delete")
    await in_step(earth, "us")
    for client in (alice, bob):
        text, gone, _ = await _sees(client, "#room", "m2", after=seqs["m2"] - 1, limit=1)
        assert (text, gone) == ("", "deleted")


async def test_reactions_from_another_region_take_as_few_places(earth: Earth) -> None:
    """Toggled, one; and no more than so many from one person to one entry."""
    alice, bob = await made(earth)
    await _done(alice, "message", "m1", to="#room", text="from eu")
    words = await bob.until(lambda frame: frame.get("id") == "m1")
    fields = {"to": "#room", "ref": {"from": "@alice", "id": "m1"}}
    for turn in range(4):
        await _done(bob, "react", f"t{turn}", emoji="👍", remove=turn % 2 == 1, **fields)
    for number in range(REACTIONS_MAX):
        await _done(bob, "react", f"r{number}", emoji=chr(0x1F600 + number), **fields)
    returned = await bob.until(lambda frame: frame["type"] == "returned")
    last = f"r{REACTIONS_MAX - 1}"
    assert (returned["id"], returned["reason"]) == (last, "limit_exceeded")
    await in_step(earth, "us")
    first = {"after": words["seq"] - 1, "limit": 1}
    for client in (alice, bob):
        assert await _sees(client, "#room", "m1", **first) == (
            *("from eu", "", ["react"] * REACTIONS_MAX),
        )


async def test_what_needs_a_right_in_a_room_is_done_in_its_region(earth: Earth) -> None:
    alice, bob = await made(earth)
    await _done(alice, "message", "m1", to="#room", text="from eu")
    await bob.until(lambda frame: frame["type"] == "message")
    ours = {"from": "@alice", "id": "m1"}
    for type in ("delete", "pin", "edit"):
        fields: Frame = {"to": "#room", "ref": ours}
        if type == "edit":
            fields["text"] = "forged"
        assert (await bob.ask(type, **fields))["code"] == "forbidden", type
    everybody = await bob.ask("message", to="#room", text="all", mentions=["@all"])
    assert everybody["code"] == "forbidden"


async def test_people_of_two_regions_edit_and_delete(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    await _done(alice, "message", "m1", to="@bob", text="helo")
    await bob.until(lambda frame: frame["type"] == "message")
    ours = {"from": "@alice", "id": "m1"}
    await _done(bob, "react", "r1", to="@alice", ref=ours, emoji="👍")
    await alice.until(lambda frame: frame["type"] == "react")
    await _done(alice, "edit", "e1", to="@bob", ref=ours, text="hello")
    assert (await bob.until(lambda frame: frame["type"] == "edit"))["text"] == "hello"
    await _done(alice, "delete", "d1", to="@bob", ref=ours)
    await bob.until(lambda frame: frame["type"] == "delete")

    async def gone() -> bool:
        return (await _sees(bob, "@bob", "m1"))[:2] == ("", "deleted")

    await until(gone)
