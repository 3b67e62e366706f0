"""Who is there: told to those who watch, at any hub, and in the end what is true."""

from __future__ import annotations

import asyncio

import pytest

from server.presence.afar import Afar, Word
from tests.server.people.conftest import nothing_more, presence_of, thinks
from tests.server.relay.conftest import MakeHub, MakeHubs
from tests.support import PATIENCE_S, Hub, until


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Word]:
    """What hubs tell one another of presence."""
    words: list[Word] = []
    say = Afar._say

    def note(self: Afar, hub: bytes, word: Word, *more: object, **fields: object) -> None:
        words.append(word)
        say(self, hub, word, *more, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(Afar, "_say", note)
    return words


async def test_those_who_watch_see_others_come_and_go(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    carol = await first.register("carol", binary=True)
    report = await alice.ask("watch", who=["@bob", "@carol", "@nobody"])
    assert sorted(report["online"]) == ["@bob", "@carol"]
    assert report["away"] == []
    await bob.send({"type": "presence", "state": "away"})
    assert await presence_of(alice, "@bob") == "away"
    report = await carol.ask("watch", who=["@bob", "@alice"])
    assert (report["online"], report["away"]) == (["@alice"], ["@bob"])
    await bob.send({"type": "presence", "state": "online"})
    assert [await presence_of(one, "@bob") for one in (alice, carol)] == ["online"] * 2
    await bob.close()
    assert [await presence_of(one, "@bob") for one in (alice, carol)] == ["offline"] * 2
    await first.hello(bob.welcome["token"], {})
    assert [await presence_of(one, "@bob") for one in (alice, carol)] == ["online"] * 2


async def test_somebody_is_there_as_long_as_one_device_is(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    phone = await first.login("bob")
    await alice.ask("watch", who=["@bob"])
    await phone.close()
    await bob.send({"type": "presence", "state": "away"})
    assert await presence_of(alice, "@bob") == "away"
    phone = await first.login("bob")
    assert await presence_of(alice, "@bob") == "online"
    await bob.close()
    await phone.send({"type": "presence", "state": "away"})
    assert await presence_of(alice, "@bob") == "away"


async def test_only_those_watched_now_are_told_of(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    carol = await second.register("carol")
    await alice.ask("watch", who=["@bob"])
    report = await alice.ask("watch", who=["@carol"])
    assert report["online"] == ["@carol"]
    await bob.close()
    await carol.close()
    assert await presence_of(alice, "@carol") == "offline"
    assert (await alice.ask("watch", who=[]))["online"] == []
    await until(lambda: not first.app.services.presence._watching.watched)
    await until(lambda: not second.app.services.presence.afar.watched)
    assert await nothing_more(alice) == []


async def test_who_has_not_accepted_the_asker_is_not_told_of(make_hubs: MakeHubs) -> None:
    first, second = await make_hubs(2, partitions=4, strangers="ask")
    alice, bob = await first.register("alice"), await second.register("bob")
    carol = await second.register("carol")
    dora = await second.register("dora")  # who never heard of Alice: nothing is stored of them
    await thinks(first, "@bob", "@alice", "A")
    for half in "-1BD":
        await thinks(first, "@carol", "@alice", half)
        report = await alice.ask("watch", who=["@bob", "@carol", "@dora"])
        assert report["online"] == ["@bob"]
    for stranger in (carol, dora):
        await stranger.close()
    await bob.close()
    assert await presence_of(alice, "@bob") == "offline"
    assert await nothing_more(alice) == []


async def test_who_blocks_is_seen_no_more(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("message", to="@bob", text="hi")
    assert (await alice.ask("watch", who=["@bob"]))["online"] == ["@bob"]
    assert (await bob.ask("block", who="@alice"))["type"] == "ack"
    assert await presence_of(alice, "@bob") == "offline"
    assert (await alice.ask("watch", who=["@bob"]))["online"] == []
    await bob.close()
    await second.hello(bob.welcome["token"], {})
    await asyncio.sleep(0.6)  # a tick of each hub
    assert await nothing_more(alice) == []


async def test_who_hides_is_not_seen(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("watch", who=["@bob"])
    await bob.ask("profile", seen=False)
    assert await presence_of(alice, "@bob") == "offline"
    await bob.close()
    bob = await first.hello(bob.welcome["token"], {})
    assert (await alice.ask("watch", who=["@bob"]))["online"] == []
    await bob.ask("profile", id="shown", seen=True)
    assert await presence_of(alice, "@bob") == "online"


async def test_who_comes_back_at_once_was_never_gone(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.presence.presence.TICK_S", 3600.0)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    carol = await hub.register("carol")
    await alice.ask("watch", who=["@bob", "@carol"])
    token = bob.welcome["token"]
    presence = hub.app.services.presence
    await carol.close()
    await bob.close()
    await until(lambda: {"@bob", "@carol"} <= presence._dirty.keys())
    await hub.hello(token, {})
    presence._tick()
    assert (await alice.receive())["from"] == "@carol"
    assert await nothing_more(alice) == []


async def test_where_nobody_watches_nothing_is_said(hubs: list[Hub], said: list[Word]) -> None:
    first, second = hubs
    await until(lambda: all(len(one.app.services.hubs.live) == 2 for one in hubs))
    said.clear()
    for n in range(5):
        await (await first.register(f"someone{n}")).close()
    alice = await second.register("alice")
    await alice.send({"type": "presence", "state": "away"})
    await asyncio.sleep(0.5)
    assert said == []


async def test_a_hub_that_dies_takes_its_people_along(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.hubs.BEAT_S", 0.2)
    monkeypatch.setattr("server.telling.hubs.SILENCE_S", 3.0)
    first, second, third = await make_hubs(3, partitions=4)
    alice, bob = await first.register("alice"), await second.register("bob")
    carol = await third.register("carol")
    report = await alice.ask("watch", who=["@bob", "@carol"])
    assert sorted(report["online"]) == ["@bob", "@carol"]
    await second.app.services.stores.stop()  # as a process that was killed: no word of farewell
    assert await presence_of(alice, "@bob") == "offline"
    await third.hello(bob.welcome["token"], {})
    assert await presence_of(alice, "@bob") == "online"
    await carol.close()
    assert await presence_of(alice, "@carol") == "offline"


async def test_a_hub_that_comes_later_is_asked(make_hub: MakeHub) -> None:
    first = await make_hub()
    alice, bob = await first.register("alice"), await first.register("bob")
    await alice.ask("watch", who=["@bob"])
    await bob.close()
    assert await presence_of(alice, "@bob") == "offline"
    assert first.app.embedded is not None
    second = await make_hub(
        "second", store=str(first.app.embedded.endpoint), keys=str(first.data / "keys")
    )
    await second.hello(bob.welcome["token"], {})
    assert await presence_of(alice, "@bob") == "online"


async def test_a_lost_word_is_made_good(hubs: list[Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("watch", who=["@bob"])
    lost: list[Word] = []
    with monkeypatch.context() as lossy:
        lossy.setattr(Afar, "_say", lambda self, hub, word, *more, **fields: lost.append(word))
        await bob.close()
        await until(lambda: Word.TELL in lost)
    assert await nothing_more(alice) == []
    first.app.services.presence.afar.ask_all()  # as the round does
    assert await presence_of(alice, "@bob") == "offline"


async def test_a_hub_taken_for_dead_is_told_again(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("watch", who=["@bob"])
    second.app.services.hubs._gone([first.app.services.relay.id])
    assert not second.app.services.presence.afar.watched
    await until(lambda: len(second.app.services.hubs.live) == 2)
    await until(lambda: "@bob" in second.app.services.presence.afar.watched)
    await bob.close()
    assert await presence_of(alice, "@bob") == "offline"


async def test_while_the_loop_is_late_typing_is_dropped_and_presence_waits(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence = hub.app.services.presence
    monkeypatch.setattr("server.presence.presence.TICK_S", 3600.0)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    carol = await hub.register("carol")
    await alice.ask("watch", who=["@carol"])
    await bob.send({"type": "typing", "to": "@alice"})
    await carol.close()
    await until(lambda: presence._notices and "@carol" in presence._dirty)
    monkeypatch.undo()
    presence._due = asyncio.get_running_loop().time() - 2 * PATIENCE_S
    presence._tick()  # as by a loop that was busy for so long
    assert hub.app.services.counters.shed == 1
    assert await presence_of(alice, "@carol") == "offline"
    assert await nothing_more(alice) == []


async def test_questions_that_make_no_sense(hub: Hub) -> None:
    alice, operator = await hub.register("alice"), await hub.operator()
    assert (await alice.ask("watch", who=["#tea"]))["code"] in ("name_invalid", "malformed")
    many = [f"@someone{n}" for n in range(501)]
    assert (await alice.ask("watch", who=many))["type"] == "error"
    assert (await alice.ask("watch", who=many[:500]))["online"] == []
    assert (await alice.ask("watch", who=["@alice"]))["online"] == []
    assert (await operator.ask("watch", who=[]))["code"] == "forbidden"


# Typing.


async def test_typing_is_told_once_in_a_while(
    hubs: list[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = hubs
    monkeypatch.setattr("server.presence.presence.TYPING_EVERY_S", PATIENCE_S)
    alice, bob = await first.register("alice"), await second.register("bob")
    for _ in range(20):
        await alice.send({"type": "typing", "to": "@bob"})
    assert await bob.receive() == {"type": "typing", "from": "@alice", "to": "@bob"}
    await alice.send({"type": "typing", "to": "@bob"})
    await asyncio.sleep(0.6)
    assert await nothing_more(bob) == []
    monkeypatch.setattr("server.presence.presence.TYPING_EVERY_S", 0.0)
    await alice.send({"type": "typing", "to": "#nowhere"})
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    await alice.send({"type": "typing", "to": "#tea"})
    told = await bob.until(lambda frame: frame["type"] == "typing")
    assert told["to"] == "#tea"


async def test_strangers_are_not_told_who_types(make_hub: MakeHub) -> None:
    hub = await make_hub(strangers="ask")
    alice, bob, eve = [await hub.register(name) for name in ("alice", "bob", "eve")]
    await thinks(hub, "@bob", "@alice", "A")
    await eve.send({"type": "typing", "to": "@bob"})
    await eve.send({"type": "presence", "to": "@bob"})
    await eve.ask("balance")
    await alice.send({"type": "typing", "to": "@bob"})
    assert (await bob.receive())["from"] == "@alice"
    await asyncio.sleep(0.3)
    assert await nothing_more(bob) == []


async def test_in_a_crowd_nobody_is_told_who_types(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.hearing.AUDIENCE_MAX", 2)
    people = [await hub.register(f"member{n}") for n in range(3)]
    await people[0].ask("create", room="#tea")
    for one in people[1:]:
        await one.ask("join", room="#tea")
    await people[0].send({"type": "typing", "to": "#tea"})
    await until(lambda: hub.app.services.counters.shed == 1)
    assert [f["type"] for f in await nothing_more(people[2]) if f["type"] == "typing"] == []
