"""Who comes to rooms and goes, with several devices and hubs, while words are late and stores
forget: everybody hears what follows their joining, once, and nobody anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from protocol.codec import JSON
from protocol.frames import JoinEntry
from server.entering.snapshot import Reading
from server.ledger.entries import encode_entry
from server.telling.catchup import CatchUp
from tests.server.relay.conftest import MakeHubs
from tests.server.relay.test_deaf import absent, in_a_room, lose_once
from tests.server.relay.watching import gives
from tests.support import until


async def test_what_waited_in_a_room_when_the_store_lost_posts_is_forgotten(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ack of 4 waits for 3, whose word is late, and the store loses both."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    await bob.ask("create", room="#tea")
    await alice.ask("join", room="#tea")
    services = first.app.services
    with monkeypatch.context() as slow:
        slow.setattr(services.relay.ear, "entry", lambda *word: None)
        slow.setattr(CatchUp, "missing", lambda self, box: None)
        slow.setattr(services.delivery._announcer, "missing", lambda box: None)
        await bob.ask("message", id="lost3", to="#tea", text="3")
        await alice.send({"type": "message", "id": "lost4", "to": "#tea", "text": "4"})
        room = services.hub.rooms["#tea"]
        await until(lambda: room.ahead is not None and 4 in room.ahead.items)
        await first.store("LTRIM", "{p0}m:#tea", 0, 1)
        services.catch_up.posts_lost(0)
        for client in (alice, bob):
            await client.until(lambda frame: frame["type"] == "goodbye")
        await until(lambda: "@alice" not in services.hub.parties)
    assert services.hub.rooms == {}
    alice = await first.hello(alice.welcome["token"], {"#tea": 2})
    bob = await second.hello(bob.welcome["token"], {"#tea": 2})
    for n in (3, 4):
        await bob.ask("message", id=f"new{n}", to="#tea", text="new")
    told = [await alice.until(lambda one: one.get("box") == "#tea") for _ in range(2)]
    assert [(one["id"], one["seq"]) for one in told] == [("new3", 3), ("new4", 4)]


async def test_a_copied_room_begins_anew_where_the_store_lost_posts(
    make_hubs: MakeHubs,
) -> None:
    (hub,) = await make_hubs(1)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.ask("create", room="#tea")
    await alice.ask("join", room="#tea")
    services = hub.app.services

    class Copy:
        codec = JSON
        coming = False

        def put(self, data: bytes) -> None: ...

        def resync(self) -> None: ...

    services.hub.follow(Copy(), "#tea", 2)  # as a `Copy` does
    for n in (3, 4):
        await bob.ask("message", id=f"lost{n}", to="#tea", text="lost")
    await hub.store("LTRIM", "{p0}m:#tea", 0, 1)
    services.catch_up.posts_lost(0)
    for client in (alice, bob):
        await client.until(lambda frame: frame["type"] == "goodbye")
    alice = await hub.hello(alice.welcome["token"], {"#tea": 2})
    bob = await hub.hello(bob.welcome["token"], {"#tea": 2})
    assert alice.welcome["boxes"]["#tea"]["seq"] == 2
    for n in (3, 4, 5):
        await bob.ask("message", id=f"new{n}", to="#tea", text="new")
    told = await alice.until(lambda one: one.get("box") == "#tea")
    assert told["seq"] == 3


async def test_who_writes_into_a_room_that_others_hear_and_whose_joining_was_told_before(
    make_hubs: MakeHubs,
) -> None:
    """It was told here when nobody of the account was; its own partition learns of it late."""
    first, second = await make_hubs(2, partitions=4)
    alice, owner = await first.register("alice"), await first.register("owner")
    carol = await second.register("carol")
    of = first.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    await carol.ask("join", id="carol", room=room)
    await alice.ask("join", id="join", room=room)
    await carol.until(lambda frame: frame.get("id") == "join")  # told at the second hub
    keys = first.app.services.keyspace.of("@alice")
    home = first.app.services.channel(keys.partition)
    await until(lambda: gives(home.request("SREM", keys.joined, room), 1))  # as if it came later
    phone = await second.hello(alice.welcome["token"], {"@alice": 1})
    assert room not in phone.welcome["boxes"]
    ack = await phone.ask("message", id="m", to=room, text="hi")
    await carol.ask("message", id="between", to=room, text="between")
    await home.request("SADD", keys.joined, room)
    second.app.services.delivery._membership.came("@alice", room)  # the leg has arrived
    party = second.app.services.hub.parties["@alice"]
    await until(lambda: room in party.rooms)
    await carol.ask("message", id="end", to=room, text="end")
    told = await phone.until(lambda one: one.get("box") == room)
    assert (told["id"], told["seq"]) == ("between", ack["seq"] + 1)


async def test_an_outage_sends_nobody_away_again_and_again(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alice left a room and got no ack; when she comes back and asks again, another room of hers
    lies in a partition that is away."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner, room = await in_a_room(hub)
    of = hub.app.services.keyspace.partition_of
    other = next(f"#o{n}" for n in range(99) if of(f"#o{n}") == of("@alice"))
    await owner.ask("create", room=other)
    await alice.ask("join", room=other)
    leave = {"type": "leave", "id": "leave", "room": other}
    await alice.send(leave)
    await alice.answer("leave")
    await alice.close()
    monkeypatch.setattr("server.entering.entrance.BACK_S", 60)
    monkeypatch.setattr(Reading, "_read_rooms", absent)
    again = await hub.hello(alice.welcome["token"], {"@alice": 1})
    assert room not in again.welcome["boxes"]
    await again.send(leave)
    answer = await again.until(lambda one: one["type"] in ("ack", "goodbye"))
    assert (answer["type"], answer.get("replayed")) == ("ack", True)


async def test_word_of_a_joining_that_comes_after_the_leaving_brings_nobody_in(
    make_hubs: MakeHubs,
) -> None:
    """The hub where somebody joined paused before it told. Nobody else hears the room here."""
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#tea")
    ack = await bob.ask("join", id="join", room="#tea")
    await bob.ask("message", id="m", to="#tea", text="hi")
    await bob.ask("leave", id="leave", room="#tea")
    await alice.ask("message", id="secret", to="#tea", text="not for bob")
    second.app.services.relay.ear.joined("@bob", "#tea", ack["seq"])
    await asyncio.sleep(0.3)
    await alice.ask("message", id="end", to="@bob", text="end")
    told = []
    while not told or told[-1] != "end":
        frame = await bob.receive()
        told.append(frame["id"])
    assert told == ["end"]


@pytest.mark.parametrize("partitions", [1, 4])
async def test_the_goodbye_behind_an_error_names_no_place_that_was_not_sent(
    make_hubs: MakeHubs, partitions: int
) -> None:
    (hub,) = await make_hubs(1, partitions=partitions)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    services = hub.app.services
    of = services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if partitions == 1 or of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    await alice.ask("join", room=room)
    await alice.close()
    await owner.ask("message", to=room, text="hi")
    keys = services.keyspace.of(room)
    await services.channel(keys.partition).request("LSET", keys.box, 2, b"1234567890123\xff\xff")
    again = await hub.connect()
    await again.send(
        {"type": "hello", "id": "h", "token": alice.welcome["token"], "cursors": {room: 2}}
    )
    error = await again.receive()
    assert (error["type"], error["code"]) == ("error", "internal")
    goodbye = await again.receive()
    assert goodbye.get("cursors", {}).get(room, 2) == 2


async def test_an_ack_does_not_come_before_the_joining_where_another_device_lacks_rooms(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await make_hubs(2, partitions=4)
    alice, owner = await first.register("alice"), await first.register("owner")
    of = first.app.services.keyspace.partition_of
    away = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    room = next(f"#o{n}" for n in range(99) if of(f"#o{n}") == of("@alice"))
    await owner.ask("create", room=away)
    await owner.ask("create", room=room)
    await alice.ask("join", room=away)
    keys = first.app.services.keyspace.of("@alice")
    home = first.app.services.channel(keys.partition)
    await until(lambda: gives(home.request("SISMEMBER", keys.joined, away), 1))
    phone = await second.hello(alice.welcome["token"], {"@alice": 1})
    monkeypatch.setattr("server.entering.entrance.BACK_S", 60)
    with monkeypatch.context() as blinking:
        blinking.setattr(Reading, "_read_rooms", absent)
        tablet = await second.hello(alice.welcome["token"], {"@alice": 1})
    assert away not in tablet.welcome["boxes"]
    ear, late = second.app.services.relay.ear, list[tuple[str, str, int]]()
    with monkeypatch.context() as slow:
        slow.setattr(ear, "joined", lambda *word: late.append(word))
        await alice.ask("join", room=room)
        await owner.ask("message", id="before", to=room, text="before")
        ack = await phone.ask("message", id="m", to=room, text="hi")
        await until(lambda: late)
    for word in late:
        ear.joined(*word)
    await owner.ask("message", id="end", to=room, text="end")
    told = []
    while not told or told[-1][0] != "end":
        frame = await phone.until(lambda one: one.get("box") == room)
        told.append((frame["id"], frame["seq"]))
    assert told == [("end", ack["seq"] + 1)]


async def test_who_begins_to_hear_a_room_by_another_devices_words_and_joined_before(
    make_hubs: MakeHubs,
) -> None:
    """The ack of the join names a place before: what lies between would be a hole."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    services = hub.app.services
    of = services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    services.courier.settled = lambda posts, at, found: None  # type: ignore[method-assign]
    tablet = await hub.hello(alice.welcome["token"], {"@alice": 1})
    await alice.ask("join", id="join", room=room)
    await owner.ask("message", id="m", to=room, text="hi")
    await owner.close()
    await until(lambda: "@owner" not in services.hub.parties)
    party = services.hub.parties["@alice"]
    services.hub.leave(party, room)  # as after a restart
    assert services.hub.rooms == {}
    await tablet.ask("message", id="t", to=room, text="from the tablet")
    await alice.until(lambda frame: frame.get("id") == "t")
    await alice.send({"type": "join", "id": "join", "room": room})
    await alice.send({"type": "message", "id": "n", "to": room, "text": "asked again, too"})
    goodbye = await alice.until(lambda frame: frame["type"] == "goodbye" or frame["id"] == "n")
    assert goodbye.get("reason") == "resync"


async def test_two_who_join_at_two_hubs_at_once_both_hear_the_room(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word of the first one's joining comes when the second one's was told here already."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2)
    alice, owner = await first.register("alice"), await first.register("owner")
    carol = await second.register("carol")
    phone = await second.hello(alice.welcome["token"], {"@alice": 1})
    await owner.ask("create", room="#tea")
    ear, late = second.app.services.relay.ear, list[tuple[str, str, int]]()
    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(ear, "joined", lambda *word: late.append(word))
        await alice.ask("join", id="join", room="#tea")
        await carol.ask("join", id="carol", room="#tea")
        await until(lambda: late)
    for word in late:
        ear.joined(*word)
    services = second.app.services
    await services.channel(0).request("PING")
    await owner.ask("message", id="end", to="#tea", text="end")
    await carol.until(lambda one: one.get("id") == "end")
    await phone.until(lambda one: one.get("id") == "end")


async def test_a_joining_told_late_brings_nobody_in_who_came_without_that_room(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the client knows of the room when it comes in, and the room's partition blinks; then
    this hub, where others hear the room, catches up with the joining."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    monkeypatch.setattr("server.entering.entrance.BACK_S", 1_000.0)
    first, second = await make_hubs(2, partitions=4)
    alice, owner = await first.register("alice"), await first.register("owner")
    carol = await second.register("carol")
    of = first.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    await carol.ask("join", id="carol", room=room)
    ear = second.app.services.relay.ear
    with monkeypatch.context() as slow:
        slow.setattr(ear, "entry", lambda *word: None)
        await alice.ask("join", id="join", room=room)
        await owner.ask("message", id="hi", to=room, text="hi")
        await alice.until(lambda frame: frame.get("id") == "hi")
        keys = first.app.services.keyspace.of("@alice")
        home = first.app.services.channel(keys.partition)
        await until(lambda: gives(home.request("SREM", keys.joined, room), 1))  # as if later
        lose_once(second.app.services, monkeypatch, of(room))
        monkeypatch.setattr(Reading, "_read_rooms", absent)
        phone = await second.hello(alice.welcome["token"], {"@alice": 1, room: 4})
        assert room not in phone.welcome["boxes"]
    await owner.ask("message", id="end", to=room, text="end")
    await carol.until(lambda frame: frame.get("id") == "end")
    await owner.ask("message", id="direct", to="@alice", text="direct")
    told = []
    while "direct" not in told:
        told.append((await phone.receive())["id"])
    assert told == ["direct"]


async def test_who_opens_a_room_anew_in_the_middle_of_a_catching_up_is_told_the_rest(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last listener's leaving, another one's joining and words are read in one piece."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2)
    alice, owner = await first.register("alice"), await first.register("owner")
    bob = await first.register("bob")
    await owner.ask("create", room="#tea")
    last = await second.hello(alice.welcome["token"], {"@alice": 1})
    comer = await second.hello(bob.welcome["token"], {"@bob": 1})
    await alice.ask("join", id="join", room="#tea")
    await last.until(lambda frame: frame.get("id") == "join")
    services = second.app.services
    with monkeypatch.context() as deaf:
        deaf.setattr(services.relay, "hear", lambda channel, payload: None)
        await alice.ask("leave", id="leave", room="#tea")
        await bob.ask("join", id="again", room="#tea")
        await owner.ask("message", id="m", to="#tea", text="hi")
        await services.channel(0).request("PING")
    services.catch_up.check(["#tea"])
    assert (await last.until(lambda frame: frame.get("box") == "#tea"))["id"] == "leave"
    told = [(await comer.until(lambda frame: frame.get("box") == "#tea"))["id"] for _ in "12"]
    assert told == ["again", "m"]


async def test_a_joining_of_another_regions_room_whose_copy_was_quicker_is_told(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    (hub,) = await make_hubs(1)
    alice = await hub.register("alice")
    services = hub.app.services
    stored = b"%013d%b" % (5, encode_entry(JoinEntry("j", "@alice", "#far")))
    await hub.store("RPUSH", "{p0}m:#far", stored)
    services.delivery.copied("#far", 0, [stored])
    services.delivery.joined("@alice", "#far", 1)  # the answer to their join, from over there
    services.delivery.flush()
    assert (await alice.receive())["id"] == "j"


async def test_who_left_at_another_hub_is_not_told_of_it_again_by_one_that_lags(
    make_hubs: MakeHubs, lossy: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2)
    alice, owner = await first.register("alice"), await first.register("owner")
    carol = await second.register("carol")
    await owner.ask("create", room="#tea")
    await carol.ask("join", id="carol", room="#tea")
    lossy(True)
    await alice.ask("join", id="join", room="#tea")
    left = await alice.ask("leave", id="leave", room="#tea")
    lossy(False)
    phone = await second.hello(alice.welcome["token"], {"@alice": 1, "#tea": left["seq"]})
    assert "#tea" not in phone.welcome["boxes"]
    await carol.ask("message", id="m", to="#tea", text="m")
    await carol.ask("message", id="end", to="@alice", text="end")
    told = []
    while "end" not in told:
        told.append((await phone.receive())["id"])
    assert told == ["end"]


async def test_a_damaged_entry_before_an_ack_that_waits_sends_people_away_once(
    make_hubs: MakeHubs, lossy: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    await bob.ask("create", room="#tea")
    await alice.ask("join", room="#tea")
    lossy(True)
    await bob.ask("message", id="3", to="#tea", text="3")
    await first.store("LSET", "{p0}m:#tea", 2, b"1234567890123\xff\xff")
    await alice.send({"type": "message", "id": "4", "to": "#tea", "text": "4"})
    await alice.until(lambda frame: frame["type"] == "goodbye")
    lossy(False)
    alice = await first.hello(alice.welcome["token"], {})
    assert alice.welcome["boxes"]["#tea"]["seq"] == 4
    await asyncio.sleep(0.2)
    await bob.send({"type": "message", "id": "5", "to": "#tea", "text": "5"})
    frame = await alice.until(lambda one: one["type"] == "goodbye" or one.get("box") == "#tea")
    assert (frame["type"], frame.get("seq")) == ("message", 5)
