"""What attackers try against rooms, entries, people and their devices, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from protocol.codec import JSON
from protocol.frames import DeleteEntry, MessageEntry, Ref
from server.ledger.notes import REACTIONS, newest_of
from server.reading.folding import hide_within
from server.telling.hub import Hub as BoxHub
from tests.entries.town import Town, came, new_id, ok, ref, refused, say
from tests.server.outages import break_link, hold_replies, resolve
from tests.support import Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]


@pytest.fixture(params=[1, 4], ids=["P=1", "P=4"])
async def town(make_hub: MakeHub, request: pytest.FixtureRequest) -> Town:
    """Alice and Carol at one hub, Bob at the other; all three are in `#tea`, which is Alice's."""
    rest: dict[str, Any] = {"partitions": request.param, "strangers": "open"}
    first = await make_hub(**rest)
    assert first.app.embedded is not None
    store, keys = str(first.app.embedded.endpoint), str(first.data / "keys")
    second = await make_hub("second", store=store, keys=keys, **rest)
    return await Town.of(first, second)


async def at_once(client: Client, *frames: dict[str, Any]) -> list[dict[str, Any]]:
    """Send frames without waiting between them; their answers, in the order of the frames."""
    wanted = [frame["id"] for frame in frames]
    for frame in frames:
        await client.send(frame)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < len(wanted):
        frame = await client._next()
        if frame.get("id") in wanted and "from" not in frame:
            found[frame["id"]] = frame
        else:
            client.pushed.append(frame)
    return [found[id] for id in wanted]


async def test_who_just_joins_cannot_edit_what_others_wrote(town: Town) -> None:
    said = await say(town.alice, "#tea", "my own words")
    mallory = await town.second.register("mallory")
    joined, edited = await at_once(
        mallory,
        {"type": "join", "id": new_id(), "room": "#tea"},
        {
            "type": "edit",
            "id": new_id(),
            "to": "#tea",
            "ref": ref("@alice", said),
            "text": "words she never said",
        },
    )
    assert joined["type"] == "ack"
    assert edited.get("code") == "forbidden", edited


async def test_who_just_joins_cannot_take_back_money(town: Town) -> None:
    mallory = await town.second.register("mallory")
    paid = new_id()
    await ok(mallory, "join", room="#tea")
    await ok(mallory, "payment", id=paid, to="@bob", amount=1, currency="USD", room="#tea")
    await ok(mallory, "leave", room="#tea")
    joined, deleted = await at_once(
        mallory,
        {"type": "join", "id": new_id(), "room": "#tea"},
        {"type": "delete", "id": new_id(), "to": "#tea", "ref": ref("@mallory", paid)},
    )
    assert joined["type"] == "ack"
    assert deleted.get("code") == "money_stays", deleted


async def test_the_note_of_a_payment_that_was_taken_back_is_in_no_list(town: Town) -> None:
    paid = new_id()
    await ok(town.alice, "payment", id=paid, to="@carol", amount=1, currency="USD", text="a secret")
    await ok(town.alice, "delete", to="@carol", ref=ref("@alice", paid), note=True)

    async def told() -> bool:
        found = await ok(town.carol, "conversations")
        (one,) = [one for one in found["conversations"] if one["who"] == "@alice"]
        assert one["last"]["id"] == paid
        return "text" not in one["last"] and one["last"].get("gone") == "deleted"

    await until(told)


async def test_what_one_hid_from_oneself_is_in_no_list(town: Town) -> None:
    said = await say(town.alice, "#tea", "not for Bob's eyes")
    await came(town.bob, "message")
    await ok(town.bob, "delete", to="#tea", ref=ref("@alice", said), only_me=True)
    found = await ok(town.bob, "conversations")
    (room,) = [one for one in found["conversations"] if one["who"] == "#tea"]
    assert (room["last"]["id"], room["last"]["text"]) == (said, "")


async def test_a_stranger_to_a_room_learns_nothing_of_its_entries(town: Town) -> None:
    said = await say(town.alice, "#tea", "hello")
    mallory = await town.second.register("mallory")
    for id in (said, new_id()):
        for type, fields in (("react", {"emoji": "👍"}), ("edit", {"text": "x"}), ("delete", {})):
            about = ref("@mallory" if type != "react" else "@alice", id)
            assert await refused(mallory, type, to="#tea", ref=about, **fields) == "not_a_member"


async def test_many_frames_that_wait_are_all_answered(town: Town) -> None:
    """What is refused at once, behind one that has to be looked up."""
    said = await say(town.alice, "@carol", "hello")
    first = {"type": "react", "id": new_id(), "to": "@carol", "ref": ref("@alice", said)}
    rest = [
        {"type": "react", "id": new_id(), "to": "@carol", "ref": ref("@bob", "1"), "emoji": "👍"}
        for _ in range(190)
    ]
    answers = await at_once(town.alice, {**first, "emoji": "👍"}, *rest)
    assert answers[0]["type"] == "ack"
    assert {answer.get("code") for answer in answers[1:]} == {"unknown_entry"}
    await ok(town.alice, "message", to="@carol", text="still there")


@pytest.mark.parametrize("name", ["@x@y", "@bob@x", "@ ab", "@a}b", "@bob:1", "@AB\n"])
async def test_a_name_that_cannot_be_one_costs_nobody_else_anything(town: Town, name: str) -> None:
    """In a store with partitions it may belong to another one than the sender's."""
    about = ref("@bob", "1")
    odd = [
        {"type": "message", "to": name, "text": "hello"},
        {"type": "read", "to": name, "up_to": "1"},
        {"type": "react", "to": name, "ref": about, "emoji": "👍"},
    ]
    fine = {"type": "message", "to": "@carol", "text": "hello"}
    frames = [{**one, "id": new_id()} for one in (fine, *odd, fine)]
    answers = await at_once(town.alice, *frames)
    assert answers[0]["type"] == answers[-1]["type"] == "ack"
    codes = {answer.get("code") for answer in answers[1:-1]}
    assert codes <= {"unknown_account", "unknown_entry", "name_invalid"}, codes


async def test_logging_out_ends_all_connections_with_that_token(town: Town) -> None:
    token = town.bob.welcome["token"]
    here, there = await town.second.hello(token, {}), await town.first.hello(token, {})
    other = await town.second.login("bob")
    await ok(town.bob, "logout")
    for stolen in (here, there):
        await asyncio.wait_for(stolen.socket.wait_closed(), 10)
        assert stolen.socket.close_code == 4500
    await ok(other, "balance")


async def test_markers_for_nobody_fill_no_contacts(town: Town) -> None:
    await ok(town.alice, "profile", receipts=False)
    for to in ("@nobody", "@bob", "@x@y"):  # Bob is somebody, but has no conversation with her
        assert await refused(town.alice, "read", to=to, up_to="1") == "unknown_account"
    await say(town.bob, "@alice", "hello")
    hers = await came(town.alice, "message")
    await ok(town.alice, "read", to="@bob", up_to=hers["id"])


@pytest.mark.parametrize("partitions", [1, 4])
async def test_nobody_is_let_into_more_rooms_than_one_may_join(
    make_hub: MakeHub, partitions: int
) -> None:
    hub = await make_hub(partitions=partitions, rooms_per_account=3)
    alice, bob, carol = [await hub.register(one) for one in ("alice", "bob", "carol")]
    owners = [alice, alice, bob, bob]
    for number, owner in enumerate(owners):
        await ok(owner, "create", room=f"#room{number}", access="ask")
        await ok(carol, "join", room=f"#room{number}")
    answers = [
        await owner.ask("accept", new_id(), who="@carol", room=f"#room{number}")
        for number, owner in enumerate(owners)
    ]
    assert [one["type"] for one in answers] == ["ack", "ack", "ack", "error"]
    assert answers[3]["code"] == "limit_exceeded"
    assert answers[3]["details"] == {"of": "rooms"}
    again = await hub.login("carol")
    assert len(again.welcome["boxes"]) == 4


def test_a_deletion_in_a_room_hides_nothing_elsewhere() -> None:
    words = [
        MessageEntry("7", "@alice", box, text, box=box, seq=1, at=1)
        for box, text in (("#tea", "one"), ("#den", "two"))
    ]
    own = MessageEntry("7", "@alice", "@bob", "three", box="@bob", seq=1, at=1)
    taken = DeleteEntry("8", "@mallory", "#den", Ref("@alice", "7"), box="#den", seq=2, at=2)
    texts = [getattr(one, "text", None) for one in hide_within([*words, own, taken], 3)]
    assert texts == ["one", "", "three", None]
    hidden = DeleteEntry("9", "@bob", "#tea", Ref("@alice", "7"), box="@bob", only_me=True)
    texts = [getattr(one, "text", None) for one in hide_within([*words, hidden], 3)]
    assert texts == ["", "", None]


async def test_a_large_question_costs_as_much_as_many(make_hub: MakeHub) -> None:
    hub = await make_hub(frames_per_s=0.01, frames_burst=120)
    alice = await hub.register("alice")
    for _ in range(2):
        await ok(alice, "conversations", limit=200)
    refusal = await alice.ask("conversations", limit=200)
    assert (refusal["code"], refusal["retry"]) == ("rate_limited", "same_id"), refusal


async def test_pages_of_history_are_paid_for(make_hub: MakeHub) -> None:
    hub = await make_hub(frames_per_s=0.01, frames_burst=21)
    alice = await hub.register("alice")
    for _ in range(4):
        await ok(alice, "history", box="@alice", limit=200)
    assert await refused(alice, "history", box="@alice", limit=200) == "rate_limited"


async def test_whom_one_blocked_cannot_invite_one(make_hub: MakeHub) -> None:
    hub = await make_hub(partitions=4)
    people = [await hub.register(f"victim{number}") for number in range(6)]
    mallory = await hub.register("mallory")
    await ok(mallory, "create", room="#spam")
    for victim in people:
        await ok(victim, "block", who="@mallory")
        name = f"@{victim.welcome['handle']}"
        answer = await mallory.ask("invite", new_id(), room="#spam", who=name)
        assert answer.get("code") in (None, "not_accepted"), answer
    await asyncio.sleep(0.5)
    for victim in people:
        found = await ok(victim, "history", box=f"@{victim.welcome['handle']}")
        assert not [one for one in found["entries"] if one["type"] == "invite"]


class _Ear:
    """A connection that hears nothing."""

    codec = JSON
    put = staticmethod(lambda data: None)

    def resync(self) -> None:
        raise AssertionError("nobody asked for that")


def test_a_room_that_one_device_brought_unheard_goes_with_it() -> None:
    """Its partition was away when that device came in; the others may have been put out of it."""
    hub, first, second = BoxHub(), _Ear(), _Ear()
    party = hub.enter(first, "@bob", 1)
    hub.attend(first, party, "#tea", 1)
    hub.enter(second, "@bob", 1)
    party.rooms.add("#den")
    party.lacking.add(second)
    hub.exit(second, party)
    assert party.rooms == {"#tea"}


async def test_the_list_shows_the_newest_words(town: Town) -> None:
    for to, reader in (("@carol", town.carol), ("#tea", town.bob)):
        said = await say(town.alice, to, "what a fool Bob is")
        for text in ("what a day", "what a lovely day"):
            await ok(town.alice, "edit", to=to, ref=ref("@alice", said), text=text)

        async def shown(to: str = to, reader: Client = reader) -> bool:
            found = await ok(reader, "conversations")
            who = to if to[0] == "#" else "@alice"
            (one,) = [one for one in found["conversations"] if one["who"] == who]
            text: str = one["last"]["text"]
            return text == "what a lovely day"

        await until(shown)


async def test_members_of_a_public_room_make_no_hidden_way_in(town: Town) -> None:
    link = {"room": "#tea", "code": "0123456789abcdef"}
    assert await refused(town.bob, "invite", **link) == "forbidden"
    await ok(town.alice, "invite", **link)
    await ok(town.alice, "role", room="#tea", who="@bob", role="admin")
    await ok(town.bob, "invite", **link, uses=0)


ASKED: dict[str, dict[str, Any]] = {
    "balance": {},
    "conversations": {},
    "devices": {},
    "export": {},
    "history": {"box": "#tea"},
    "members": {"room": "#tea"},
    "profiles": {"who": ["@alice", "#tea"]},
    "status": {"of": "nothing"},
    "thread": {"box": "#tea", "ref": ref("@alice", "1")},
    "watch": {"who": ["@bob"]},
}


@pytest.mark.parametrize("type", ASKED)
async def test_every_question_is_answered_when_the_store_is_lost(hub: Hub, type: str) -> None:
    alice = await hub.register("alice")
    await ok(alice, "create", room="#tea")
    await hub.register("bob")
    frame = {"type": type, "id": new_id(), **ASKED[type]}
    hold_replies(hub)
    await alice.send(frame)
    await asyncio.sleep(0.1)
    break_link(hub)
    lost = await alice.answer(frame["id"])
    assert (lost.get("code"), lost.get("retry")) == ("unavailable", "same_id"), lost
    assert (await resolve(alice, frame))["type"] == type


def test_the_newest_places_of_a_full_field() -> None:
    noted = b"".join(seq.to_bytes(6) for seq in range(1, 1025))
    assert newest_of(noted, 3) == [1022, 1023, 1024]
    assert newest_of(noted[:12], 3) == [1, 2]
    assert newest_of(None, 3) == []
    tagged = b"".join(seq.to_bytes(6) + b"annannanthumbs" for seq in (7, 8, 9))
    assert newest_of(tagged, 2, REACTIONS) == [8, 9]
