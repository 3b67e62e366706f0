"""Coming back: every missed entry once and in order, whatever cursors a client claims."""

from __future__ import annotations

from typing import Any

import pytest

from server.entering.snapshot import GAP_MAX
from tests.support import Client, Hub

from .battery import END
from .conftest import MakeHub

ROOM = "#general"


async def entries_until_now(client: Client) -> list[dict[str, Any]]:
    """Everything that is pushed to `client` until it gets an answer to a question."""
    await client.send({"type": "balance", "id": END})
    entries = []
    while (frame := await client.receive()).get("id") != END:
        entries.append(frame)
    return entries


async def resume(hub: Hub, token: str, cursors: dict[str, int]) -> tuple[Any, dict[str, list[int]]]:
    """The boxes of the welcome, and the seqs that came, by box."""
    client = await hub.hello(token, cursors)
    seqs: dict[str, list[int]] = {}
    for entry in await entries_until_now(client):
        seqs.setdefault(entry["box"], []).append(entry["seq"])
    await client.close()
    return client.welcome["boxes"], seqs


async def talk(client: Client, to: str, count: int, text: str = "words") -> None:
    """Send `count` messages, as fast as they go, and wait for every ack."""
    for place in range(count):
        await client.send({"type": "message", "id": f"{to}{place}", "to": to, "text": text})
    for place in range(count):
        assert (await client.answer(f"{to}{place}"))["type"] == "ack"


async def room_of(make_hub: MakeHub, messages: int, text: str = "words") -> tuple[Hub, str, int]:
    """A hub where alice missed `messages` in a room; her token, and the room's last seq."""
    hub = await make_hub(rate_limits=False)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.ask("create", room=ROOM)
    joined = await alice.ask("join", room=ROOM)
    await alice.close()
    await talk(bob, ROOM, messages, text)
    return hub, alice.welcome["token"], joined["seq"] + messages


async def test_every_cursor_gets_exactly_what_lies_behind_it(make_hub: MakeHub) -> None:
    hub, token, last = await room_of(make_hub, 20)
    for cursor in range(last + 1):
        boxes, seqs = await resume(hub, token, {ROOM: cursor})
        assert seqs.get(ROOM, []) == list(range(cursor + 1, last + 1))
        assert "limited" not in boxes[ROOM]
        assert boxes[ROOM]["seq"] == last


async def test_several_hundred_missed_entries_come_at_once(make_hub: MakeHub) -> None:
    hub, token, last = await room_of(make_hub, 450)
    _, seqs = await resume(hub, token, {ROOM: 2, "@alice": 0})
    assert seqs == {ROOM: list(range(3, last + 1)), "@alice": [1]}


async def test_boxes_without_a_cursor_send_nothing(make_hub: MakeHub) -> None:
    hub, token, last = await room_of(make_hub, 5)
    for cursors in ({}, {"@alice": 1}, {"@bob": 0}, {"#nowhere": 0}, {"$world": 0}):
        boxes, seqs = await resume(hub, token, cursors)
        assert seqs == {}
        assert (boxes[ROOM]["seq"], boxes["@alice"]["seq"]) == (last, 1)
        assert set(boxes) == {ROOM, "@alice"}


@pytest.mark.parametrize("cursor", [8, 100, 2**53 - 1])
async def test_a_cursor_beyond_the_end_is_told_where_the_box_stands(
    make_hub: MakeHub, cursor: int
) -> None:
    """It can only come from another life of the store; nothing is sent as if it were new."""
    hub, token, last = await room_of(make_hub, 5)
    assert last < cursor
    boxes, seqs = await resume(hub, token, {ROOM: cursor})
    assert seqs == {}
    assert (boxes[ROOM]["seq"], boxes[ROOM]["limited"], boxes[ROOM]["first"]) == (7, True, 8)


async def fill(client: Client, box: str, first: int, below: int, limit: int) -> list[int]:
    """The seqs from `first` up to, not including, `below`, by pages of history."""
    seqs: list[int] = []
    while below > first:
        page = await client.ask("history", box=box, before=below, limit=limit)
        found = [entry["seq"] for entry in page["entries"]]
        assert found, page
        assert page["more"] == (found[0] > 1)
        seqs = [seq for seq in found if seq >= first] + seqs
        below = found[0]
    return seqs


@pytest.mark.parametrize(
    ("messages", "text"),
    [(GAP_MAX + 200, "words"), (60, "w" * 60_000)],
    ids=["many entries", "many bytes"],
)
async def test_a_gap_that_is_too_long_says_so_and_history_fills_it(
    make_hub: MakeHub, messages: int, text: str
) -> None:
    """Too many entries, or too many bytes."""
    hub, token, last = await room_of(make_hub, messages, text)
    client = await hub.hello(token, {ROOM: 1})
    sent = [one["seq"] for one in await entries_until_now(client) if one["box"] == ROOM]
    state = client.welcome["boxes"][ROOM]
    assert state["limited"] is True
    assert sent == list(range(state["first"], last + 1))
    assert 0 < len(sent) <= GAP_MAX
    assert await fill(client, ROOM, 2, state["first"], 200) == list(range(2, state["first"]))


async def test_history_at_every_edge(make_hub: MakeHub) -> None:
    hub, token, last = await room_of(make_hub, 10)
    client = await hub.hello(token, {})
    for limit in (1, 3, last, 200):
        for before in (None, 0, 1, 2, last, last + 1, last + 2, 2**53 - 1):
            fields = {} if before is None else {"before": before}
            page = await client.ask("history", box=ROOM, limit=limit, **fields)
            end = last if before is None else min(max(before - 1, 0), last)
            expected = list(range(max(1, end - limit + 1), end + 1))
            assert [entry["seq"] for entry in page["entries"]] == expected, (limit, before)
            assert page["more"] == bool(expected and expected[0] > 1), (limit, before)
        assert await fill(client, ROOM, 1, last + 1, limit) == list(range(1, last + 1))


async def test_live_entries_join_the_missed_ones_without_a_seam(make_hub: MakeHub) -> None:
    """Somebody talks all the while; whoever comes back misses nothing and sees nothing twice."""
    hub, token, _ = await room_of(make_hub, 100)
    bob = await hub.login("bob")
    for place in range(300):
        await bob.send({"type": "message", "id": f"live{place}", "to": ROOM, "text": "on and on"})
        if place == 100:
            client = await hub.connect()
            await client.send({"type": "hello", "id": "h", "token": token, "cursors": {ROOM: 2}})
    last = (await bob.answer("live299"))["seq"]
    seqs = []
    while not seqs or seqs[-1] < last:
        frame = await client.receive()
        if frame.get("box") == ROOM:
            seqs.append(frame["seq"])
    assert seqs == list(range(3, last + 1))


@pytest.mark.parametrize(
    "cursors",
    [{ROOM: -1}, {ROOM: 1.0}, {ROOM: "1"}, {ROOM: 2**53}, {"": 1}, {"x" * 40: 1}, [1], "1", None],
    ids=str,
)
async def test_cursors_of_another_shape(hub: Hub, cursors: Any) -> None:
    alice = await hub.register("alice")
    stranger = await hub.connect()
    answer = await stranger.ask("hello", token=alice.welcome["token"], cursors=cursors)
    assert answer["code"] == "malformed"


async def test_a_thousand_cursors_and_one_more(hub: Hub) -> None:
    alice = await hub.register("alice")
    stranger = await hub.connect()
    cursors = {f"#room{place}": 0 for place in range(1_001)}
    token = alice.welcome["token"]
    assert (await stranger.ask("hello", token=token, cursors=cursors))["code"] == "malformed"
    cursors.popitem()
    assert (await stranger.ask("hello", token=token, cursors=cursors))["type"] == "welcome"
