"""Two people chat and pay over real sockets, in both encodings."""

from __future__ import annotations

import pytest

from tests.support import Hub


@pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])
async def test_words_and_money_take_the_same_way(hub: Hub, binary: bool) -> None:
    alice = await hub.register("alice", binary)
    bob = await hub.register("bob", not binary)
    said = await alice.ask("message", to="@bob", text="hi", id="m1")
    paid = await alice.ask("payment", to="@bob", amount=500, currency="USD", text="tea", id="p1")
    assert (said["box"], said["seq"], said["durable"]) == ("@alice", 2, "disk")
    assert (paid["box"], paid["seq"], paid["state"]) == ("@alice", 3, "settled")
    assert paid["balance"] == {"available": 9500, "held": 0, "version": 2}
    words, money = await bob.receive(), await bob.receive()
    assert words == {
        "type": "message",
        "id": "m1",
        "from": "@alice",
        "to": "@bob",
        "text": "hi",
        "box": "@bob",
        "seq": 2,
        "at": said["at"],
    }
    assert (money["amount"], money["from"], money["seq"]) == (500, "@alice", 3)
    assert money["balance"] == {"available": 10500, "held": 0, "version": 2}


async def test_the_same_frame_again_is_answered_as_before(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    fields = {"to": "@bob", "amount": 500, "currency": "USD", "id": "p1"}
    first = await alice.ask("payment", **fields)
    second = await (await hub.login("alice", binary=True)).ask("payment", **fields)
    assert second.pop("replayed") is True
    assert second == first
    sheet = await bob.ask("balance")
    assert sheet["balances"]["USD"]["available"] == 10_500


@pytest.mark.parametrize("field", ["to", "amount", "currency", "text"])
async def test_an_id_used_for_other_content_names_the_field(hub: Hub, field: str) -> None:
    alice, _ = await hub.register("alice"), await hub.register("bob")
    await hub.register("eve")
    fields = {"to": "@bob", "amount": 500, "currency": "USD", "text": "tea"}
    await alice.ask("payment", id="p1", **fields)
    other = {"to": "@eve", "amount": 501, "currency": "EUR", "text": "coffee"}
    refused = await alice.ask("payment", id="p1", **{**fields, field: other[field]})
    assert (refused["code"], refused["details"]) == ("id_reused", {"field": field})
    assert refused["retry"] == "new_id"


async def test_every_device_of_both_sides_gets_it_once(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    alice2, bob2 = await hub.login("alice", binary=True), await hub.login("bob")
    ack = await alice.ask("payment", to="@bob", amount=1, currency="USD", id="p1")
    seen = [await client.receive() for client in (alice2, bob, bob2)]
    assert [frame["id"] for frame in seen] == ["p1"] * 3
    assert (seen[0]["box"], seen[0]["seq"]) == ("@alice", ack["seq"])
    assert seen[0]["balance"] == ack["balance"]
    await alice.ask("message", to="@bob", text="next", id="m1")
    after = [await client.receive() for client in (alice2, bob, bob2)]
    assert [frame["id"] for frame in after] == ["m1"] * 3


async def test_notes_to_oneself(hub: Hub) -> None:
    alice = await hub.register("alice")
    ack = await alice.ask("message", to="@alice", text="buy milk")
    page = await alice.ask("history", box="@alice")
    assert ack["seq"] == 2
    assert [entry.get("text") for entry in page["entries"]] == ["opening balance", "buy milk"]


async def test_markers_reach_the_other_side(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("message", to="@bob", text="hi", id="m1")
    await bob.ask("read", to="@alice", up_to="m1")
    marker = await alice.until(lambda frame: frame["type"] == "read")
    assert (marker["from"], marker["up_to"], marker["box"]) == ("@bob", "m1", "@alice")


async def test_typing_is_told_and_not_kept(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.send({"type": "typing", "to": "@bob"})
    assert await bob.receive() == {"type": "typing", "from": "@alice", "to": "@bob"}
    page = await bob.ask("history", box="@bob")
    assert len(page["entries"]) == 1
