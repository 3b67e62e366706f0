"""Rooms: made, joined, spoken in, left."""

from __future__ import annotations

import asyncio

from tests.support import Client, Hub


async def _room(hub: Hub, *handles: str) -> list[Client]:
    """Members of #tea; the first made it. Encodings alternate."""
    members = [await hub.register(handle, n % 2 == 1) for n, handle in enumerate(handles)]
    assert (await members[0].ask("create", room="#tea"))["seq"] == 1
    for place, member in enumerate(members[1:], 2):
        assert (await member.ask("join", room="#tea"))["seq"] == place
    for place, member in enumerate(members):
        for _ in range(len(members) - 1 - place):
            assert (await member.receive())["type"] == "join"
    return members


async def test_everyone_in_a_room_sees_the_same_order(hub: Hub) -> None:
    members = await _room(hub, "alice", "bob", "carol", "dave")
    for n in range(10):
        for who, member in zip("abcd", members, strict=True):
            await member.send(
                {"type": "message", "id": f"{who}-{n}", "to": "#tea", "text": f"{who} {n}"}
            )
    seen = await asyncio.gather(*(_collect(member, 40) for member in members))
    assert [seq for seq, _ in seen[0]] == list(range(5, 45))
    assert all(view == seen[0] for view in seen)


async def _collect(member: Client, count: int) -> list[tuple[int, str]]:
    """Acks and entries, in the order they came: each box is seen in order, acks included."""
    frames = [await member.receive() for _ in range(count)]
    return [(frame["seq"], frame["id"]) for frame in frames]


async def test_a_payment_can_be_shown_in_a_room(hub: Hub) -> None:
    alice, bob, carol = await _room(hub, "alice", "bob", "carol")
    fields = {"to": "@bob", "amount": 300, "currency": "USD", "room": "#tea"}
    ack = await alice.ask("payment", **fields)
    shown = await carol.receive()
    assert (ack["box"], shown["box"], shown["amount"]) == ("@alice", "#tea", 300)
    assert "balance" not in shown
    got = [await bob.receive(), await bob.receive()]
    assert [frame["box"] for frame in got] == ["@bob", "#tea"]
    assert got[0]["balance"]["available"] == 10_300


async def test_strangers_neither_speak_nor_read(hub: Hub) -> None:
    await _room(hub, "alice", "bob")
    eve = await hub.register("eve")
    speak = await eve.ask("message", to="#tea", text="psst")
    read = await eve.ask("history", box="#tea")
    members = await eve.ask("members", room="#tea")
    pay = await eve.ask("payment", to="@bob", amount=1, currency="USD", room="#tea")
    leave = await eve.ask("leave", room="#tea")
    assert {one["code"] for one in (speak, read, members, pay, leave)} == {"not_a_member"}
    assert (await eve.ask("message", to="#nowhere", text="?"))["code"] == "unknown_room"


async def test_names_are_taken_once_and_members_join_once(hub: Hub) -> None:
    alice, bob = await _room(hub, "alice", "bob")
    assert (await bob.ask("create", room="#tea"))["code"] == "name_taken"
    assert (await bob.ask("join", room="#tea"))["code"] == "already_a_member"
    assert (await alice.ask("join", room="#nowhere"))["code"] == "unknown_room"


async def test_who_left_hears_nothing_more(hub: Hub) -> None:
    alice, bob = await _room(hub, "alice", "bob")
    phone = await hub.login("bob")
    assert (await bob.ask("leave", room="#tea"))["type"] == "ack"
    assert (await alice.receive())["type"] == "leave"
    assert (await phone.receive())["type"] == "leave"
    await alice.ask("message", to="#tea", text="gone?")
    await alice.ask("message", to="@bob", text="direct")
    assert (await bob.receive())["text"] == "direct"
    assert (await phone.receive())["text"] == "direct"
    assert (await bob.ask("message", to="#tea", text="hello?"))["code"] == "not_a_member"


async def test_joining_on_one_device_joins_all(hub: Hub) -> None:
    alice = await hub.register("alice")
    await alice.ask("create", room="#tea")
    bob, phone = await hub.register("bob"), await hub.login("bob", binary=True)
    await bob.ask("join", room="#tea")
    assert (await phone.receive())["type"] == "join"
    await alice.receive()
    await alice.ask("message", to="#tea", text="hi both")
    assert [(await one.receive())["text"] for one in (bob, phone)] == ["hi both"] * 2


async def test_members_come_in_pages(hub: Hub) -> None:
    handles = ["alice", "bob", "carol", "dave", "erin"]
    members = await _room(hub, *handles)
    first = await members[1].ask("members", room="#tea", limit=3)
    rest = await members[1].ask("members", room="#tea", after=first["members"][-1]["who"])
    names = [one["who"] for one in first["members"] + rest["members"]]
    assert names == [f"@{handle}" for handle in handles]
    assert (first["more"], rest["more"]) == (True, False)
    assert first["members"][0]["role"] == "owner"


async def test_one_cannot_be_in_more_rooms_than_allowed(make_hub) -> None:  # type: ignore[no-untyped-def]
    hub = await make_hub(rooms_per_account=2)
    alice = await hub.register("alice")
    assert [(await alice.ask("create", room=f"#room{n}"))["type"] for n in range(2)] == ["ack"] * 2
    refused = await alice.ask("create", room="#room2")
    assert (refused["code"], refused["details"]) == ("limit_exceeded", {"limit": 2, "of": "rooms"})
    await alice.ask("leave", room="#room0")
    assert (await alice.ask("create", room="#room2"))["type"] == "ack"


async def test_a_returning_member_gets_the_rooms_gap(hub: Hub) -> None:
    alice, bob = await _room(hub, "alice", "bob")
    token = bob.welcome["token"]
    await bob.close()
    for n in range(4):
        await alice.ask("message", to="#tea", text=f"{n}")
    back = await hub.hello(token, {"#tea": 3, "@bob": 1, "#nowhere": 5})
    assert back.welcome["boxes"]["#tea"]["seq"] == 6
    assert [(await back.receive())["text"] for _ in range(3)] == ["1", "2", "3"]
