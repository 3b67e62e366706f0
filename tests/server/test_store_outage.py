"""The store goes away while posts are in flight: unknown is said, then resolved; nobody misses
an entry, and nobody gets one twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from protocol.frames import TypingNotice
from server.store import connection
from server.telling.hub import tell
from tests.server.outages import (
    break_link,
    dialling,
    entries_until,
    hold_replies,
    link_of,
    paused_store,
    resolve,
    signal_store,
    until_stored,
)
from tests.support import PATIENCE_S, Client, Hub, until

Frame = dict[str, Any]

PAY: Frame = {"type": "payment", "to": "@bob", "amount": 5, "currency": "USD"}
SAY: Frame = {"type": "message", "to": "@bob", "text": "hi"}


@pytest.fixture(autouse=True)
def calls_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few posts are enough for a second call in flight: more is unknown when the store goes."""
    monkeypatch.setattr("server.commit.pipeline.POSTS_WORTH_A_CALL", 1)


async def lose(hub: Hub, how: str) -> None:
    """Lose the replies that are on their way."""
    if how == "store killed":
        signal_store(hub, signal.SIGKILL)
    break_link(hub)


async def available(client: Client) -> int:
    sheet = await client.ask("balance")
    return int(sheet["balances"]["USD"]["available"])


async def post(hub: Hub, client: Client, frame: Frame) -> None:
    """Send `frame`; returns when the hub has read it."""
    before = hub.app.services.counters.frames_in
    await client.send(frame)
    await until(lambda: hub.app.services.counters.frames_in > before)


@pytest.mark.parametrize("how", ["store killed", "connection cut"])
async def test_committed_but_unanswered_posts_reach_everyone_once(hub: Hub, how: str) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob", binary=True)
    bob2, alice2 = await hub.login("bob"), await hub.login("alice", binary=True)
    await alice.ask("create", room="#hall")
    await bob.ask("join", room="#hall")
    hold_replies(hub)
    frames: list[Frame] = []
    for n in range(20):
        frames.append({**(SAY if n % 2 else PAY), "id": f"f{n}"})
        frames.append({"type": "message", "id": f"r{n}", "to": "#hall", "text": "all"})
    for frame in frames:
        await alice.send(frame)
    await until_stored(hub, "@bob", 21)
    await until_stored(hub, "#hall", 22)
    await lose(hub, how)
    for frame in frames:
        answer = await alice.answer(frame["id"])
        assert (answer["code"], answer["retry"]) == ("outcome_unknown", "same_id")
    acks = [await resolve(alice, frame) for frame in frames]
    assert all(ack["replayed"] for ack in acks)
    last = await alice.ask("message", id="last", to="@bob", text="after")
    await alice.ask("message", id="rlast", to="#hall", text="after")
    direct = [(n + 2, f"f{n}") for n in range(20)]
    room = [(n + 3, f"r{n}") for n in range(20)]
    for client in (bob, bob2):
        own, hall = await twofold(client, "@bob", 22, "#hall", 23)
        assert own == [*direct, (22, "last")]
        assert hall[-21:] == [*room, (23, "rlast")]
    own, hall = await twofold(alice2, "@alice", last["seq"], "#hall", 23)
    assert own == [*direct, (22, "last")]
    assert hall[-21:] == [*room, (23, "rlast")]
    told = [(e["seq"], e["id"]) for e in alice.pushed if e.get("box") == "@alice"]
    assert told == direct  # the one who posted was told, too: no other word had reached it
    assert (await available(alice), await available(bob)) == (9_950, 10_050)


async def twofold(
    client: Client, box: str, last: int, room: str, room_last: int
) -> tuple[Any, Any]:
    """What `client` was told of two boxes."""
    told: dict[str, list[tuple[int, str]]] = {box: [], room: []}
    ends = {box: last, room: room_last}
    while any(not told[name] or told[name][-1][0] < ends[name] for name in ends):
        frame = await client.receive()
        if "from" in frame and frame.get("box") in told:
            told[frame["box"]].append((frame["seq"], frame["id"]))
    return told[box], told[room]


async def test_never_sent_posts_are_unavailable_and_in_flight_ones_unknown(
    make_hub: Callable[..., Awaitable[Hub]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commit.pipeline.CALLS_IN_FLIGHT", 2)
    hub = await make_hub()
    alice, bob = await hub.register("alice"), await hub.register("bob")
    signal_store(hub, signal.SIGSTOP)
    await post(hub, alice, {**PAY, "id": "first"})
    await post(hub, alice, {**PAY, "id": "second"})
    await post(hub, alice, {**PAY, "id": "third"})  # two calls are on their way: this one waits
    signal_store(hub, signal.SIGKILL)
    answers = [await alice.receive() for _ in range(3)]
    codes = {answer["id"]: answer["code"] for answer in answers}
    assert codes == {
        "first": "outcome_unknown",
        "second": "outcome_unknown",
        "third": "unavailable",
    }
    for id in ("first", "second", "third"):
        assert (await resolve(alice, {**PAY, "id": id}))["type"] == "ack"
    assert [id for _, id in await entries_until(bob, "@bob", 4)] == ["first", "second", "third"]
    assert (await available(alice), await available(bob)) == (9_985, 10_015)


async def test_while_the_store_is_away_frames_are_unavailable(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.embedded.RESTART_DELAY_MIN", 60.0)
    monkeypatch.setattr("server.store.embedded.RESTART_DELAY_MAX", 60.0)
    alice, _ = await hub.register("alice"), await hub.register("bob")
    signal_store(hub, signal.SIGKILL)
    await until(lambda: not link_of(hub).up)
    asked: list[Frame] = [
        *({**SAY, "id": "m"}, {**PAY, "id": "p"}, {"type": "balance", "id": "b"}),
        *(
            {"type": "history", "id": "h", "box": "@alice"},
            {"type": "status", "id": "s", "of": "p"},
        ),
        {"type": "create", "id": "c", "room": "#hall"},
    ]
    for frame in asked:
        answer = await alice.ask(**frame)
        assert (answer["code"], answer["retry"]) == ("unavailable", "same_id"), frame
    stranger = await hub.connect()
    answer = await stranger.ask("hello", token=alice.welcome["token"])
    assert answer["code"] == "unavailable"


async def test_a_paused_store_is_unknown_then_resolved(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    with monkeypatch.context() as hasty:
        hasty.setattr(connection, "REPLY_TIMEOUT_S", 0.2)
        async with paused_store(hub):
            first = await alice.ask(**PAY, id="p1")
            assert first["code"] == "outcome_unknown"
            # The hub is connected again, but the store does not answer: nothing must be sent to it.
            await until(lambda: dialling(hub))
            later = await alice.ask(**PAY, id="p2")
            assert later["code"] == "unavailable"
    for id in ("p1", "p2", "p3"):
        assert (await resolve(alice, {**PAY, "id": id}))["type"] == "ack"
    assert await entries_until(bob, "@bob", 4) == [(2, "p1"), (3, "p2"), (4, "p3")]
    assert (await available(alice), await available(bob)) == (9_985, 10_015)


async def test_nothing_is_announced_before_what_was_missed(hub: Hub) -> None:
    """A post that comes between the new connection and the catch-up must not overtake it."""
    alice, bob = await hub.register("alice"), await hub.register("bob")
    hold_replies(hub)
    await alice.send({**PAY, "id": "missed"})
    await until_stored(hub, "@bob", 2)
    async with paused_store(hub):
        break_link(hub)
        assert (await alice.answer("missed"))["code"] == "outcome_unknown"
        await until(lambda: dialling(hub))
        await post(hub, alice, {**PAY, "id": "next"})
    await resolve(alice, {**PAY, "id": "next"})
    assert await entries_until(bob, "@bob", 3) == [(2, "missed"), (3, "next")]


async def test_a_frame_in_the_very_tick_of_the_return_waits_for_the_catch_up(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    (peer,) = hub.app.services.hub.parties["@alice"].listeners

    catch_up = hub.app.services.catch_up.partition_up

    def receive_and_catch_up(partition: int) -> None:
        peer.receive(orjson.dumps({**PAY, "id": "next"}), True)  # type: ignore[attr-defined]
        catch_up(partition)

    monkeypatch.setattr(hub.app.services.catch_up, "partition_up", receive_and_catch_up)
    hold_replies(hub)
    await alice.send({**PAY, "id": "missed"})
    await until_stored(hub, "@bob", 2)
    break_link(hub)
    assert (await alice.answer("next"))["seq"] == 3
    assert (await alice.ask("message", id="last", to="@bob", text="after"))["seq"] == 4
    assert await entries_until(bob, "@bob", 4) == [(2, "missed"), (3, "next"), (4, "last")]


@pytest.mark.parametrize("others", [True, False], ids=["others there", "nobody there"])
async def test_a_join_that_was_missed_is_caught_up(hub: Hub, others: bool) -> None:
    owner, alice = await hub.register("owner"), await hub.register("alice")
    await owner.ask("create", room="#hall")
    await owner.ask("message", to="#hall", text="before")
    cursors = {"@owner": 1, "#hall": 2}
    if not others:
        await owner.close()
    hold_replies(hub)
    join: Frame = {"type": "join", "id": "j", "room": "#hall"}
    said: Frame = {"type": "message", "id": "m", "to": "#hall", "text": "hello"}
    await alice.send(join)
    await alice.send(said)
    await until_stored(hub, "#hall", 4)
    break_link(hub)
    if others:
        assert await entries_until(owner, "#hall", 4) == [(3, "j"), (4, "m")]
        assert await entries_until(alice, "#hall", 4) == [(3, "j"), (4, "m")]
    else:
        alice = await resume(hub, alice, {"@alice": 1})
        assert alice.welcome["boxes"]["#hall"]["seq"] == 4
        owner = await resume(hub, owner, cursors)
        assert await entries_until(owner, "#hall", 4) == [(3, "j"), (4, "m")]
    assert [(await resolve(alice, frame))["seq"] for frame in (join, said)] == [3, 4]
    await owner.ask("message", id="live", to="#hall", text="welcome")
    assert await entries_until(alice, "#hall", 5) == [(5, "live")]


async def resume(hub: Hub, client: Client, cursors: dict[str, int]) -> Client:
    """Wait for the end of `client`'s connection, and come back with its token."""
    async with asyncio.timeout(PATIENCE_S):
        await client.socket.wait_closed()
    again = await hub.connect()
    hello: Frame = {"type": "hello", "id": "again", "token": client.welcome["token"]}
    again.welcome = await resolve(again, {**hello, "cursors": cursors})
    return again


async def test_a_leave_that_was_missed_is_caught_up(
    make_hub: Callable[..., Awaitable[Hub]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.commit.pipeline.CALLS_IN_FLIGHT", 3)
    hub = await make_hub()
    owner, alice = await hub.register("owner"), await hub.register("alice")
    await owner.ask("create", room="#hall")
    await alice.ask("join", room="#hall")
    hold_replies(hub)
    await owner.send({"type": "message", "id": "m", "to": "#hall", "text": "stay"})
    await until_stored(hub, "#hall", 3)
    leave: Frame = {"type": "leave", "id": "l", "room": "#hall"}
    await alice.send(leave)
    await until_stored(hub, "#hall", 4)
    await owner.send({"type": "message", "id": "n", "to": "#hall", "text": "gone"})
    await until_stored(hub, "#hall", 5)
    break_link(hub)
    assert await entries_until(owner, "#hall", 5) == [(2, "join-2"), (3, "m"), (4, "l"), (5, "n")]
    assert (await resolve(alice, leave))["seq"] == 4
    told = [(e["seq"], e["id"]) for e in alice.pushed if e.get("box") == "#hall"]
    assert told == [(3, "m"), (4, "l")]  # all up to the leave, and nothing behind it


async def test_a_socket_that_is_cut_costs_the_others_nothing(hub: Hub) -> None:
    alice = await hub.register("alice")
    cut, kept = await hub.register("bob"), await hub.login("bob")
    party = hub.app.services.hub.parties["@bob"]
    next(iter(party.listeners))._connection.transport.abort()  # type: ignore[attr-defined]
    tell(party.listeners, TypingNotice("@alice", "@bob"))  # in the very tick of the cut
    await alice.ask("message", id="m", to="@bob", text="hi")
    assert [(await kept.receive())["type"] for _ in range(2)] == ["typing", "message"]
    async with asyncio.timeout(PATIENCE_S):
        await cut.socket.wait_closed()


async def _plant(hub: Hub, box: str) -> None:
    """Somebody else writes an entry, which this hub cannot know of."""
    await hub.store("RPUSH", f"{{p0}}m:{box}", await hub.store("LINDEX", f"{{p0}}m:{box}", -1))


async def test_entries_of_a_stranger_are_told_in_their_place(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("message", id="one", to="@bob", text="one")
    await _plant(hub, "@bob")
    assert (await alice.ask("message", id="two", to="@bob", text="two"))["seq"] == 3
    told = await entries_until(bob, "@bob", 4)
    assert told == [(2, "one"), (3, "one"), (4, "two")]


async def test_an_ack_does_not_jump_over_a_strangers_entry(hub: Hub) -> None:
    alice, phone = await hub.register("alice"), await hub.login("alice", binary=True)
    await _plant(hub, "@alice")
    await alice.send({"type": "message", "id": "m1", "to": "@alice", "text": "note"})
    seen = [await alice.receive() for _ in range(2)]
    assert [(one["type"], one["seq"]) for one in seen] == [("deposit", 2), ("ack", 3)]
    assert [(await phone.receive())["seq"] for _ in range(2)] == [2, 3]


async def test_a_join_and_a_login_do_not_hide_a_strangers_entry(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("create", room="#tea")
    await _plant(hub, "#tea")
    await bob.ask("join", room="#tea")
    assert [(await alice.receive())["seq"] for _ in range(2)] == [2, 3]
    await _plant(hub, "@alice")
    second = await hub.login("alice")
    assert (await alice.receive())["seq"] == 2
    await alice.ask("message", id="m1", to="@alice", text="note")
    assert (await second.receive())["seq"] == 3


async def test_a_damaged_entry_in_a_gap_costs_its_box_only(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await hub.store("RPUSH", "{p0}m:@bob", b"nonsense")
    assert (await alice.ask("message", to="@bob", text="two"))["type"] == "ack"
    goodbye = await bob.until(lambda frame: frame["type"] == "goodbye")
    assert (goodbye["reason"], goodbye["cursors"]) == ("resync", {"@bob": 1})
    assert (await alice.ask("message", to="@alice", text="still here"))["type"] == "ack"


async def test_a_lost_library_is_loaded_again(hub: Hub) -> None:
    alice = await hub.register("alice")
    await hub.store("FUNCTION", "DELETE", "teller")
    refused = await alice.ask("message", id="m1", to="@alice", text="note")
    assert (refused["code"], refused["retry"]) == ("unavailable", "same_id")
    async with asyncio.timeout(PATIENCE_S):
        while refused.get("retry") == "same_id":
            await asyncio.sleep(0.02)
            refused = await alice.ask("message", id="m1", to="@alice", text="note")
    assert refused["type"] == "ack"


async def test_a_store_that_lost_posts_begins_a_new_epoch(hub: Hub) -> None:
    """As after a crash of a machine that synced only once a second."""
    alice = await hub.register("alice")
    for n in range(3):
        await alice.ask("message", to="@alice", text=f"{n}")
    before = hub.app.services.epoch_of(0)
    await hub.store("LTRIM", "{p0}m:@alice", 0, 1)
    link_of(hub).renew()
    goodbye = await alice.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["reason"] == "the store lost posts"
    back = await hub.hello(alice.welcome["token"], {"@alice": 4})
    assert back.welcome["boxes"]["@alice"]["epoch"] > before
    assert int(await hub.store("HGET", "{p0}meta", "epoch")) == hub.app.services.epoch_of(0)


async def test_the_other_device_hears_what_a_dead_one_posted(hub: Hub) -> None:
    alice, phone = await hub.register("alice"), await hub.login("alice")
    await hub.register("bob")
    await alice.send({"type": "message", "id": "m1", "to": "@bob", "text": "last words"})
    alice.socket.transport.abort()
    seen = await phone.receive()
    assert (seen["id"], seen["box"], seen["seq"]) == ("m1", "@alice", 2)
