"""Nobody hears a room with a hole, and nobody stays deaf: devices that came in without a room that
their account is in, or whose join was acknowledged into a broken connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from server.entering.snapshot import Reading
from server.services import Services
from server.store.connection import Command, Lost
from tests.server.relay.conftest import MakeHubs
from tests.server.relay.watching import gives
from tests.support import Client, Hub, until


def lose_once(services: Services, monkeypatch: pytest.MonkeyPatch, partition: int) -> None:
    """The next reading from `partition` is lost on the way."""
    pipeline = services.pipeline_of(partition)
    read = pipeline.read

    def lose(commands: list[Command], take: Callable[[list[object]], None]) -> None:
        monkeypatch.setattr(pipeline, "read", read)
        asyncio.get_running_loop().call_soon(take, [Lost()] * len(commands))

    monkeypatch.setattr(pipeline, "read", lose)


def absent(self: Reading, partition: int, rooms: list[str]) -> None:
    """The partition of these rooms does not answer."""
    self._snapshot.absent += rooms
    self._open -= 1
    if not self._open:
        self._enter()


async def in_a_room(hub: Hub) -> tuple[Client, Client, str]:
    """Alice, an owner, and a room of theirs that lies in a partition of its own."""
    alice, owner = await hub.register("alice"), await hub.register("owner")
    of = hub.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") not in (of("@alice"), of("@owner")))
    await owner.ask("create", room=room)
    await alice.ask("join", id="join", room=room)
    keys = hub.app.services.keyspace.of("@alice")
    home = hub.app.services.channel(keys.partition)
    await until(lambda: gives(home.request("SISMEMBER", keys.joined, room), 1))
    return alice, owner, room


async def test_a_join_that_is_acknowledged_again_before_the_account_knows_of_it(
    make_hubs: MakeHubs,
) -> None:
    """The first ack was lost, so the client has no cursor; and its own partition does not know the
    room yet, so the welcome left it out. It must not hear the room from somewhere in its middle."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    of = hub.app.services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    hub.app.services.courier.settled = lambda posts, at, found: None  # type: ignore[method-assign]
    ack = await alice.ask("join", id="join", room=room)
    await owner.ask("message", id="m", to=room, text="hi")
    again = await hub.hello(alice.welcome["token"], {"@alice": 1})
    hub.app.services.hub.leave(hub.app.services.hub.parties["@alice"], room)  # as after a restart
    assert room not in again.welcome["boxes"]
    await again.send({"type": "join", "id": "join", "room": room})
    await again.send({"type": "message", "id": "n", "to": room, "text": "asked again, too"})
    assert (await again.until(lambda frame: frame.get("id") == "join"))["replayed"]
    goodbye = await again.until(lambda frame: frame["type"] in ("ack", "goodbye"))
    assert goodbye["reason"] == "resync"  # an ack of what follows would make a hole
    back = await hub.hello(alice.welcome["token"], {"@alice": 1, room: ack["seq"]})
    assert (await back.until(lambda frame: frame.get("box") == room))["id"] == "m"


async def test_a_join_that_is_acknowledged_again_after_the_account_was_told_of_it(
    make_hubs: MakeHubs,
) -> None:
    """The client came in without the room, and was put into it where it stood when the word of the
    join arrived. Then the ack names a place before: what lies between would be a hole."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    services = hub.app.services
    of = services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    ack = await alice.ask("join", id="join", room=room)
    await owner.ask("message", id="m", to=room, text="hi")
    party = services.hub.parties["@alice"]
    services.hub.leave(party, room)  # as after a restart
    services.delivery._membership.came("@alice", room)
    await until(lambda: room in party.rooms)
    await alice.send({"type": "join", "id": "join", "room": room})
    await alice.send({"type": "message", "id": "n", "to": room, "text": "asked again, too"})
    goodbye = await alice.until(lambda frame: frame["type"] == "goodbye" or frame["id"] == "n")
    assert goodbye["reason"] == "resync"
    assert room not in goodbye["cursors"]
    back = await hub.hello(alice.welcome["token"], {"@alice": 1, room: ack["seq"]})
    assert (await back.until(lambda frame: frame.get("box") == room))["id"] == "m"


@pytest.mark.parametrize("hubs", [1, 2])
async def test_a_device_that_hears_a_room_no_more_comes_in_anew(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch, hubs: int
) -> None:
    """However it came to that: nobody stays deaf."""
    for pause in ("ROUND_S", "DIFFERENCE_S"):
        monkeypatch.setattr(f"server.telling.catchup.{pause}", 0.2)
    hub, *_ = await make_hubs(hubs, partitions=4)
    alice = await hub.register("alice")
    await alice.ask("create", room="#tea")
    second = await hub.hello(alice.welcome["token"], {"#tea": 1})
    found = hub.app.services.hub
    room = found.rooms["#tea"]
    services = hub.app.services
    keys = services.keyspace.of("@alice")
    home = services.channel(keys.partition)
    await until(lambda: gives(home.request("SISMEMBER", keys.joined, "#tea"), 1))
    room.remove(list(found.parties["@alice"].listeners)[-1])
    goodbyes = [
        asyncio.create_task(one.until(lambda frame: frame["type"] == "goodbye"))
        for one in (alice, second)
    ]
    for goodbye in goodbyes:
        assert (await goodbye)["reason"] == "resync"


async def test_a_room_that_only_the_client_names_is_not_left_out_silently(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's own partition does not know the room yet, and the room's does not answer."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    services = hub.app.services
    of = services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") not in (of("@alice"), of("@owner")))
    await owner.ask("create", room=room)
    services.courier.settled = lambda posts, at, found: None  # type: ignore[method-assign]
    await alice.ask("join", room=room)
    lose_once(services, monkeypatch, of(room))
    monkeypatch.setattr(Reading, "_read_rooms", absent)
    again = await hub.hello(alice.welcome["token"], {"@alice": 1, room: 2})
    assert room not in again.welcome["boxes"]
    monkeypatch.undo()
    goodbye = await again.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["reason"] == "resync"
    back = await hub.hello(alice.welcome["token"], {"@alice": 1, room: 2})
    assert back.welcome["boxes"][room]["seq"] == 2


async def test_a_room_that_another_device_brought_and_took_along_is_heard(
    make_hubs: MakeHubs,
) -> None:
    """A second device named the room and heard it before the account's partition knew of it; then
    it went. When the word of the join comes, the first one begins to hear it."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    services = hub.app.services
    of = services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    services.courier.settled = lambda posts, at, found: None  # type: ignore[method-assign]
    joiner = await hub.hello(alice.welcome["token"], {})
    await joiner.ask("join", room=room)
    party = services.hub.parties["@alice"]
    services.hub.leave(party, room)  # as if they had come in now, without it
    second = await hub.hello(alice.welcome["token"], {room: 2})
    assert room in second.welcome["boxes"]
    await owner.socket.close()
    await second.socket.close()
    await until(lambda: room not in services.hub.rooms)
    services.delivery._membership.came("@alice", room)
    await until(lambda: room in services.hub.rooms)
    owner = await hub.hello(owner.welcome["token"], {})
    await owner.ask("message", id="m", to=room, text="do you hear me?")
    for one in (alice, joiner):
        await one.until(lambda frame: frame.get("id") == "m")


async def test_who_left_and_came_back_before_the_welcome_hears_nothing_twice(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This hub reads only after the welcome that somebody left the room and came back."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    here, there = await make_hubs(2)
    alice, bob = await here.register("alice"), await there.register("bob")
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    await alice.until(lambda frame: frame["type"] == "join")
    monkeypatch.setattr(here.app.services.relay, "hear", lambda name, payload: None)
    for step, fields in (("leave", {}), ("join", {}), ("message", {"text": "back again"})):
        last = await bob.ask(step, **({"to": "#tea"} if fields else {"room": "#tea"}), **fields)
    assert here.app.services.hub.rooms["#tea"].seq < last["seq"]
    again = await here.hello(bob.welcome["token"], {"#tea": last["seq"]})
    assert again.welcome["boxes"]["#tea"]["seq"] == last["seq"]
    heard = await alice.until(lambda frame: frame["type"] == "message")
    assert heard["seq"] == last["seq"]
    await alice.ask("message", id="new", to="#tea", text="hello")
    assert (await again.until(lambda frame: frame.get("box") == "#tea"))["id"] == "new"


async def test_nothing_is_acknowledged_in_a_room_that_its_member_does_not_hear(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ack would be the client's cursor, and what it missed before would never be told."""
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner, room = await in_a_room(hub)
    await alice.socket.close()
    await owner.ask("message", id="missed", to=room, text="missed")
    with monkeypatch.context() as blinking:
        blinking.setattr(Reading, "_read_rooms", absent)
        again = await hub.hello(alice.welcome["token"], {"@alice": 1, room: 2})
    mine = {"type": "message", "id": "mine", "to": room, "text": "hi"}
    await again.send(mine)
    goodbye = await again.until(lambda frame: frame["type"] in ("ack", "goodbye"))
    assert goodbye.get("reason") == "resync"
    back = await hub.hello(alice.welcome["token"], {"@alice": 1, room: 2})
    await back.send(mine)
    told = [await back.until(lambda frame: "seq" in frame) for _ in range(3)]
    assert [(one["type"], one["id"], one["seq"]) for one in told] == [
        ("message", "missed", 3),
        ("message", "mine", 4),
        ("ack", "mine", 4),
    ]


async def test_a_join_that_is_acknowledged_again_while_its_room_cannot_be_asked(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hub,) = await make_hubs(1, partitions=4)
    alice, _, room = await in_a_room(hub)
    services = hub.app.services
    services.hub.leave(services.hub.parties["@alice"], room)  # as after a restart
    lose_once(services, monkeypatch, services.keyspace.partition_of(room))
    await alice.send({"type": "join", "id": "join", "room": room})
    await alice.send({"type": "message", "id": "n", "to": room, "text": "behind it"})
    assert (await alice.until(lambda frame: frame.get("id") == "join"))["replayed"]
    goodbye = await alice.until(lambda frame: frame["type"] in ("ack", "goodbye"))
    assert goodbye.get("reason") == "resync"


async def test_a_room_that_did_not_answer_when_the_word_of_a_join_came_is_asked_again(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.membership.AGAIN_S", 0.05)
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner, room = await in_a_room(hub)
    services = hub.app.services
    party = services.hub.parties["@alice"]
    services.hub.leave(party, room)  # as after a restart
    lose_once(services, monkeypatch, services.keyspace.partition_of(room))
    services.delivery._membership.came("@alice", room)
    await until(lambda: room in party.rooms)
    await owner.ask("message", id="m", to=room, text="hi")
    await alice.until(lambda frame: frame.get("id") == "m")


async def test_a_device_that_is_long_in_coming_in_sends_no_other_one_away(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("ROUND_S", "DIFFERENCE_S"):
        monkeypatch.setattr(f"server.telling.catchup.{pause}", 0.1)
    (hub,) = await make_hubs(1, partitions=4)
    alice, owner, room = await in_a_room(hub)
    reading: list[tuple[Reading, int, list[str]]] = []
    read = Reading._read_rooms
    monkeypatch.setattr(Reading, "_read_rooms", lambda *asked: reading.append(asked))
    second = asyncio.create_task(hub.hello(alice.welcome["token"], {}))
    await until(lambda: bool(reading))
    compared = hub.app.services.catch_up
    for _ in range(20):  # rounds, and more time than a difference may last
        compared._look_around(0)
        for number in range(200):
            compared._look_around(number)
        compared._look_again()
        await asyncio.sleep(0.02)
    await owner.ask("message", id="m", to=room, text="still here?")
    await alice.until(lambda frame: frame.get("id") == "m")
    monkeypatch.setattr(Reading, "_read_rooms", read)
    for one in reading:
        read(*one)
    assert room in (await second).welcome["boxes"]


@pytest.mark.parametrize("partitions", [1, 4])
async def test_a_damaged_entry_is_an_error_and_not_silence(
    make_hubs: MakeHubs, partitions: int
) -> None:
    (hub,) = await make_hubs(1, partitions=partitions)
    alice, owner = await hub.register("alice"), await hub.register("owner")
    services = hub.app.services
    of = services.keyspace.partition_of
    room = next(f"#r{n}" for n in range(99) if partitions == 1 or of(f"#r{n}") != of("@alice"))
    await owner.ask("create", room=room)
    await alice.ask("join", room=room)
    await alice.socket.close()
    await owner.ask("message", to=room, text="hi")
    keys = services.keyspace.of(room)
    await services.channel(keys.partition).request("LSET", keys.box, 2, b"1234567890123\xff\xff")
    again = await Client.connect(hub.url)
    await again.send(
        {"type": "hello", "id": "h", "token": alice.welcome["token"], "cursors": {room: 2}}
    )
    error = await again.receive()
    assert (error["type"], error["code"]) == ("error", "internal")
    assert (await again.receive())["reason"] == "resync"
    assert services.entrance.turnstile.inside == 0
