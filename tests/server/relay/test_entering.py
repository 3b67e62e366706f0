"""Who comes in over several partitions, and what is put right afterwards."""

from __future__ import annotations

import pytest

from protocol.frames import TypingNotice
from server.entering.snapshot import Reading
from server.store.connection import Down
from server.telling.hub import tell
from tests.server.outages import break_link
from tests.server.relay.conftest import MakeHubs
from tests.server.relay.watching import gives
from tests.support import Client, Hub, until


async def test_a_room_whose_partition_is_away_is_left_out_until_it_is_back(
    make_hubs: MakeHubs,
) -> None:
    (hub,) = await make_hubs(1, partitions=4)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    of = hub.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") not in (of("@alice"), of("@bob")))
    await bob.ask("create", room=room)
    await alice.ask("join", room=room)
    joined = hub.app.services.keyspace.of("@alice").joined
    at_home = hub.app.services.channel(of("@alice"))
    await until(lambda: gives(at_home.request("SISMEMBER", joined, room), 1))
    partition = hub.app.services.stores._partitions[of(room)]
    link = partition.link
    assert link is not None
    partition.link = None
    partition.fall()
    token = alice.welcome["token"]
    again = await hub.hello(token, {"@alice": 1, room: 1})
    assert again.welcome["type"] == "welcome"
    assert room not in again.welcome["boxes"]
    asked = await again.ask("message", id="m", to=room, text="anybody there?")
    assert (asked["code"], asked["retry"]) == ("unavailable", "same_id")
    await bob.ask("message", id="direct", to="@alice", text="the rest works")
    await again.until(lambda frame: frame.get("id") == "direct")
    partition.assign(link)
    goodbye = await again.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["reason"] == "resync"
    assert room not in goodbye["cursors"]
    back = await hub.hello(token, {**goodbye["cursors"], room: 1})
    assert back.welcome["boxes"][room]["seq"] == 2
    assert (await back.until(lambda frame: frame.get("box") == room))["seq"] == 2


async def test_a_room_that_comes_back_before_the_welcome_is_not_silent_for_ever(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its partition blinked while the others still answered, and is up when the welcome is said."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    of = hub.app.services.keyspace.partition_of
    away = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    there = next(f"#r{n}" for n in range(99) if of(f"#r{n}") not in (of("@alice"), of(away)))
    at_home = hub.app.services.channel(of("@alice"))
    joined = hub.app.services.keyspace.of("@alice").joined
    for room in (away, there):
        await bob.ask("create", room=room)
        await alice.ask("join", room=room)
    await until(lambda: gives(at_home.request("SCARD", joined), 2))
    read_rooms = Reading._read_rooms

    def lose(self: Reading, partition: int, rooms: list[str]) -> None:
        if away in rooms:
            self._snapshot.absent += rooms
            self._open -= 1
        else:
            read_rooms(self, partition, rooms)

    monkeypatch.setattr("server.entering.entrance.BACK_S", 0.02)
    with monkeypatch.context() as blinking:
        blinking.setattr(Reading, "_read_rooms", lose)
        token = alice.welcome["token"]
        again = await hub.hello(token, {})
        assert away not in again.welcome["boxes"]
        goodbye = await again.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["reason"] == "resync"
    back = await hub.hello(token, {})
    assert {away, there} <= set(back.welcome["boxes"])


async def test_a_room_that_only_the_client_named_is_not_acknowledged_from_behind_a_hole(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's partition does not know of the joining yet, and the room's blinked: between
    the welcome and the resume that follows, an ack would be the client's cursor."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    of = hub.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await bob.ask("create", room=room)
    hub.app.services.courier.settled = lambda posts, at, found: None  # type: ignore[method-assign]
    joined = await alice.ask("join", room=room)
    await bob.ask("message", to=room, text="missed")

    def lose(self: Reading, partition: int, rooms: list[str]) -> None:
        self._snapshot.absent += rooms
        self._open -= 1
        self._enter()

    monkeypatch.setattr("server.entering.entrance.BACK_S", 1_000.0)
    token, cursor = alice.welcome["token"], joined["seq"]
    await alice.close()
    with monkeypatch.context() as blinking:
        blinking.setattr(Reading, "_read_rooms", lose)
        again = await hub.hello(token, {room: cursor})
    assert room not in again.welcome["boxes"]
    await again.send({"type": "message", "id": "m", "to": room, "text": "hi"})
    frame = await again.receive()
    assert (frame["type"], frame.get("reason")) == ("goodbye", "resync"), frame
    assert room not in frame["cursors"]
    back = await hub.hello(token, {room: cursor})
    await back.send({"type": "message", "id": "m", "to": room, "text": "hi"})
    told = [await back.until(lambda one: one.get("box") == room) for _ in range(3)]
    assert [one["seq"] for one in told] == [cursor + 1, cursor + 2, cursor + 2]
    assert told[-1]["replayed"]


async def left_behind(make_hubs: MakeHubs) -> tuple[Hub, Hub, Client, Client, str]:
    """Two hubs, an owner and Alice's phone at the first, and her laptop at the other, which came
    back with a cursor of a room that she had left meanwhile; and the room. Nobody hears it there.
    """
    first, second = await make_hubs(2, partitions=4)
    alice, owner = await first.register("alice"), await first.register("owner")
    of = first.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    joined = await alice.ask("join", room=room)
    await alice.ask("leave", room=room)
    await owner.ask("message", to=room, text="not for her")
    laptop = await second.hello(alice.welcome["token"], {room: joined["seq"]})
    assert room not in laptop.welcome["boxes"]
    return first, second, alice, laptop, room


async def test_who_joins_again_elsewhere_hears_the_room_on_an_old_device_without_a_hole(
    make_hubs: MakeHubs,
) -> None:
    """The word of a joining over partitions says not where: the device would hear the room from
    somewhere, and has a cursor from before the leaving."""
    _, second, alice, laptop, room = await left_behind(make_hubs)
    await alice.ask("join", room=room)
    goodbye = await laptop.until(lambda frame: frame["type"] == "goodbye")
    assert (goodbye["reason"], room in goodbye["cursors"]) == ("resync", False)
    back = await second.hello(alice.welcome["token"], {room: 2})
    told = [await back.until(lambda frame: frame.get("box") == room) for _ in range(3)]
    assert [one["seq"] for one in told] == [3, 4, 5]


async def test_who_writes_with_an_old_cursor_before_the_word_of_their_joining_comes_in_anew(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second, alice, laptop, room = await left_behind(make_hubs)
    membership = second.app.services.delivery._membership
    monkeypatch.setattr(membership, "came", lambda *word: None)
    await alice.ask("join", room=room)
    await laptop.send({"type": "message", "id": "m", "to": room, "text": "hi"})
    frame = await laptop.until(lambda one: one["type"] == "goodbye" or one.get("id") == "m")
    assert frame["type"] == "goodbye"
    assert room not in frame["cursors"]


async def test_a_replayed_ack_of_a_room_that_was_left_is_told(make_hubs: MakeHubs) -> None:
    """Nobody is sent away again and again for it."""
    _, second, alice, laptop, room = await left_behind(make_hubs)
    await alice.ask("join", room=room)
    said = await alice.ask("message", id="m", to=room, text="hi")
    await alice.ask("leave", room=room)
    await laptop.close()
    back = await second.hello(alice.welcome["token"], {room: 2})
    again = await back.ask("message", id="m", to=room, text="hi")
    assert (again["type"], again["seq"], again["replayed"]) == ("ack", said["seq"], True)
    assert (await back.ask("balance"))["type"] == "balance"


async def test_rooms_count_from_the_answer_on_though_the_account_learns_it_later(
    make_hubs: MakeHubs,
) -> None:
    """Over partitions the account's own list of rooms comes after the room's list of members."""
    first, second = await make_hubs(2, partitions=4)
    alice, owner = await first.register("alice"), await first.register("owner")
    of = first.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    token = alice.welcome["token"]
    for hub in (first, second):
        carried = hub.app.services.courier
        carried.settled = lambda posts, at, found: None  # type: ignore[method-assign]
    ack = await alice.ask("join", room=room)
    await owner.ask("message", id="m", to=room, text="hi")
    again = await second.hello(token, {"@alice": 1, room: ack["seq"]})
    assert again.welcome["boxes"][room]["seq"] == ack["seq"] + 1
    assert (await again.until(lambda frame: frame.get("box") == room))["id"] == "m"
    at_home = first.app.services.channel(of("@alice"))
    joined = first.app.services.keyspace.of("@alice").joined
    await until(lambda: gives(at_home.request("SISMEMBER", joined, room), 1))
    await again.ask("leave", room=room)
    later = await first.hello(token, {"@alice": 1, room: ack["seq"]})
    assert room not in later.welcome["boxes"]


async def test_word_of_a_joining_that_comes_after_the_leaving_does_nothing(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#tea")
    ack = await bob.ask("join", room="#tea")
    await bob.ask("leave", room="#tea")
    ear = second.app.services.relay.ear
    ear.joined("@bob", "#tea", 0)
    carol = await second.register("carol")
    await carol.ask("join", id="jc", room="#tea")
    ear.joined("@bob", "#tea", ack["seq"])
    await alice.ask("message", id="m", to="#tea", text="hi")
    assert (await carol.until(lambda frame: frame.get("id") == "m"))["box"] == "#tea"
    assert second.app.services.hub.parties["@bob"].rooms == set()


async def test_all_hubs_begin_a_new_epoch_where_one_finds_that_posts_are_lost(
    make_hubs: MakeHubs,
) -> None:
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    for n in range(3):
        await alice.ask("message", to="@alice", text=f"{n}")
    before = second.app.services.epoch_of(0)
    await first.store("LTRIM", "{p0}m:@alice", 0, 1)
    break_link(first)
    for client in (alice, bob):
        goodbye = await client.until(lambda frame: frame["type"] == "goodbye")
        assert goodbye["reason"] in ("the store lost posts", "the store was restored")
    assert second.app.services.epoch_of(0) == first.app.services.epoch_of(0) > before


async def test_the_welcome_comes_before_what_is_told_meanwhile(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the answers of two partitions, something may be told."""
    await hub.register("alice")
    read_others = Reading._read_others

    def tell_first(self: Reading, by_partition: dict[int, list[str]]) -> None:
        tell(hub.app.services.hub.parties["@alice"].listeners, TypingNotice("@bob", "@alice"))
        read_others(self, by_partition)

    monkeypatch.setattr(Reading, "_read_others", tell_first)
    phone = await hub.login("alice")
    assert phone.pushed == []
    assert (await phone.receive())["type"] == "typing"


@pytest.mark.parametrize("cursor", [1, None])
async def test_words_of_a_joining_that_come_between_two_answers_are_told_once(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch, cursor: int | None
) -> None:
    """The account's partition knows the room already, and the words of its joining, which come in
    before the room's partition answers, are part of what was missed."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2, partitions=4)
    alice, owner = await first.register("alice"), await first.register("owner")
    carol = await second.register("carol")
    of = first.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    await carol.ask("join", id="carol", room=room)
    ear = second.app.services.relay.ear
    late: list[tuple[object, ...]] = []
    with monkeypatch.context() as slow:
        slow.setattr(ear, "entry", lambda *word: late.append(word))
        slow.setattr(ear, "joined", lambda *word: None)
        await alice.ask("join", id="join", room=room)
        await owner.ask("message", id="hi", to=room, text="hi")
        at_home = first.app.services.channel(of("@alice"))
        joined = first.app.services.keyspace.of("@alice").joined
        await until(lambda: gives(at_home.request("SISMEMBER", joined, room), 1))
        await until(lambda: len([word for word in late if word[0] == room]) == 2)
    read_others = Reading._read_others

    def hear_first(self: Reading, by_partition: dict[int, list[str]]) -> None:
        for word in late:
            ear.entry(*word)
        ear.heard()
        read_others(self, by_partition)

    monkeypatch.setattr(Reading, "_read_others", hear_first)
    phone = await second.hello(alice.welcome["token"], {room: cursor} if cursor else {})
    assert phone.welcome["boxes"][room]["seq"] == 4
    await owner.ask("message", id="end", to=room, text="end")
    assert (await carol.until(lambda frame: frame.get("id") == "end"))["seq"] == 5
    told = []
    while "end" not in told:
        frame = await phone.receive()
        told += [frame["id"]] if frame.get("box") == room else []
    missed = ["carol", "join", "hi"] if cursor else []
    assert told == [*missed, "end"]


async def test_who_is_sent_away_before_the_welcome_gets_no_cursors(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await hub.register("alice")

    def send_away(self: Reading, by_partition: dict[int, list[str]]) -> None:
        for one in hub.app.services.hub.parties["@alice"].everyone():
            one.resync()

    monkeypatch.setattr(Reading, "_read_others", send_away)
    phone = await hub.connect()
    await phone.send({"type": "hello", "id": "h", "token": alice.welcome["token"]})
    goodbye = await phone.receive()
    assert (goodbye["type"], "cursors" in goodbye) == ("goodbye", False)
    assert (await alice.receive())["cursors"] == {"@alice": 1}


async def test_a_length_that_could_not_be_read_sends_nothing_twice(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room's partition is away for the first question and back for the second."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    of = hub.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await bob.ask("create", room=room)
    await alice.ask("join", room=room)
    joined = hub.app.services.keyspace.of("@alice").joined
    at_home = hub.app.services.channel(of("@alice"))
    await until(lambda: gives(at_home.request("SISMEMBER", joined, room), 1))
    await bob.ask("message", id="missed", to=room, text="hi")
    pipeline = hub.app.services.pipelines[of(room)]
    read = pipeline.read

    def fail_once(commands: object, callback: object) -> None:
        monkeypatch.setattr(pipeline, "read", read)
        raise Down

    monkeypatch.setattr(pipeline, "read", fail_once)
    again = await hub.hello(alice.welcome["token"], {"@alice": 1, room: 2})
    assert "limited" not in again.welcome["boxes"][room]
    assert (await again.until(lambda frame: frame.get("box") == room))["id"] == "missed"


async def test_rooms_that_stay_different_are_put_right_by_a_hub_alone(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the answer to a join was lost, and came again as a duplicate."""
    monkeypatch.setattr("server.telling.catchup.DIFFERENCE_S", 0.1)
    (hub,) = await make_hubs(1, partitions=4)
    alice = await hub.register("alice")
    services = hub.app.services
    keys = services.keyspace.of("@alice")
    await services.channel(keys.partition).request("SADD", keys.joined, "#tea")
    services.catch_up.partition_up(keys.partition)
    assert (await alice.until(lambda frame: frame["type"] == "goodbye"))["reason"] == "resync"


async def test_a_device_that_lacks_a_room_is_not_put_into_its_middle(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word of a join comes again (a leg is pushed anew after a failover) while a device is in
    without that room, because its partition did not answer: it would hear the room with a hole."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    of = hub.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await bob.ask("create", room=room)
    await alice.ask("join", room=room)
    joined = hub.app.services.keyspace.of("@alice").joined
    at_home = hub.app.services.channel(of("@alice"))
    await until(lambda: gives(at_home.request("SISMEMBER", joined, room), 1))

    def lose(self: Reading, partition: int, rooms: list[str]) -> None:
        self._snapshot.absent += rooms
        self._visitor.enter(self._snapshot)

    monkeypatch.setattr("server.entering.entrance.BACK_S", 60)
    with monkeypatch.context() as blinking:
        blinking.setattr(Reading, "_read_rooms", lose)
        second = await hub.hello(alice.welcome["token"], {room: 1})
    hub.app.services.delivery._membership.came("@alice", room)
    await bob.ask("message", to=room, text="behind what the device has")
    goodbye = await second.until(lambda frame: frame["type"] == "goodbye" or "seq" in frame)
    assert goodbye.get("reason") == "resync"
