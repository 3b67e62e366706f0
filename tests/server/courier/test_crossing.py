"""Words and money between partitions, as people see it."""

from __future__ import annotations

import pytest

from tests.server.courier.conftest import ALICE, BOB, World, balance, entry, name_in
from tests.support import Client, until

CAROL = name_in(3, "carol")


async def meet(world: World) -> tuple[Client, Client]:
    """Alice at the first hub, and Bob at the second."""
    alice = await world.first.register(ALICE[1:])
    return alice, await world.second.register(BOB[1:], binary=True)


async def test_a_payment_is_accepted_at_once_and_settled_at_both_sides(world: World) -> None:
    alice, bob = await meet(world)
    ack = await alice.ask("payment", id="p", to=BOB, amount=250, currency="USD")
    assert (ack["type"], ack["state"], ack["box"]) == ("ack", "accepted", ALICE)
    assert ack["balance"]["available"] == 9_750
    got = await entry(bob, "p")
    assert (got["type"], got["state"], got["balance"]["available"]) == (
        "payment",
        "settled",
        10_250,
    )
    settled = await entry(alice, "p", "settled")
    assert (settled["box"], settled["seq"], settled["to"], settled["amount"]) == (
        *(ALICE, ack["seq"] + 1, BOB, 250),
    )
    again = await alice.ask("payment", id="p", to=BOB, amount=250, currency="USD")
    assert (again["replayed"], again["state"], again["seq"]) == (True, "accepted", ack["seq"])
    report = await alice.ask("status", of="p")
    assert (report["outcome"], report["ack"]["state"]) == ("stored", "accepted")
    assert (await balance(alice), await balance(bob)) == (9_750, 10_250)
    await world.judge()


async def test_each_senders_order_is_kept(world: World) -> None:
    alice, bob = await meet(world)
    ids = [f"m{n}" for n in range(120)]
    for n, id in enumerate(ids):
        if n % 3:
            await alice.send({"type": "message", "id": id, "to": BOB, "text": id})
        else:
            money = {"amount": 1, "currency": "USD"}
            await alice.send({"type": "payment", "id": id, "to": BOB, **money})
    seen = []
    while len(seen) < len(ids):
        frame = await bob.receive()
        if frame.get("from") == ALICE:
            seen.append((frame["seq"], frame["id"]))
    assert [id for _, id in seen] == ids
    assert [seq for seq, _ in seen] == list(range(2, 2 + len(ids)))
    assert await balance(bob) == 10_040
    await world.judge()


async def test_what_is_asked_elsewhere_does_not_change_which_error_comes_first(
    world: World,
) -> None:
    alice, bob = await meet(world)
    operator = await world.first.operator()
    nobody, money = name_in(2, "nobody"), {"amount": 100, "currency": "USD"}
    answer = await alice.ask("payment", to=nobody, amount=10**9, currency="XXX")
    assert answer["code"] == "unknown_account"
    answer = await alice.ask("message", id="m", to=nobody, text="hello?")
    assert (answer["code"], answer["retry"]) == ("unknown_account", "new_id")
    assert (await alice.ask("payment", id="p", to=BOB, **money))["type"] == "ack"
    await entry(alice, "p", "settled")
    await operator.ask("freeze", who=BOB, frozen=True)
    carol = await world.second.register(CAROL[1:])
    answer = await carol.ask("payment", to=BOB, amount=10**9, currency="USD")
    assert answer["code"] == "party_frozen"
    assert (await alice.ask("payment", id="p", to=BOB, **money))["replayed"]
    changed = await alice.ask("payment", id="p", to=nobody, **money)
    assert (changed["code"], changed["details"]) == ("id_reused", {"field": "to"})
    await operator.ask("freeze", who=CAROL, frozen=True)
    answer = await carol.ask("payment", to=BOB, **money)
    assert answer["code"] == "account_frozen"
    assert await balance(bob) == 10_100
    await world.judge()


async def test_money_that_cannot_arrive_comes_back(world: World) -> None:
    alice, bob = await meet(world)
    operator = await world.first.operator()
    await alice.ask("payment", id="first", to=BOB, amount=100, currency="USD")
    await entry(alice, "first", "settled")  # that Bob was not frozen is known for a moment
    await operator.ask("freeze", who=BOB, frozen=True)
    ack = await alice.ask("payment", id="p", to=BOB, amount=250, currency="USD")
    assert (ack["state"], ack["balance"]["available"]) == ("accepted", 9_650)
    back = await entry(alice, "p", "returned")
    assert (back["reason"], back["amount"], back["from"]) == ("party_frozen", 250, ALICE)
    assert back["balance"]["available"] == 9_900
    assert (await balance(alice), await balance(bob)) == (9_900, 10_100)
    assert all(frame.get("id") != "p" for frame in bob.pushed)
    await world.judge()


async def test_a_payment_is_shown_in_a_room_of_another_partition(world: World) -> None:
    alice, bob = await meet(world)
    room = name_in(2, "room", "#")
    await bob.ask("create", room=room)
    refused = await alice.ask("payment", to=BOB, amount=10, currency="USD", room=room)
    assert refused["code"] == "not_a_member"
    joined = await alice.ask("join", id="j", room=room)
    assert (joined["box"], joined["seq"]) == (room, 2)
    ack = await alice.ask("payment", id="p", to=BOB, amount=10, currency="USD", room=room)
    assert ack["state"] == "accepted"
    shown = await bob.until(lambda frame: frame.get("id") == "p" and frame["box"] == room)
    assert shown["state"] == "accepted"
    assert (await alice.ask("status", of="j"))["ack"]["box"] == room
    page = await alice.ask("history", box=room)
    assert [one["type"] for one in page["entries"]] == ["create", "join", "payment"]
    people = await bob.ask("members", room=room)
    assert {one["who"] for one in people["members"]} == {ALICE, BOB}
    await world.judge()


async def test_a_room_elsewhere_counts_among_ones_rooms(world: World) -> None:
    alice, _ = await meet(world)
    for hub in world.hubs:
        hub.app.settings.rooms_per_account = 1
    assert (await alice.ask("create", room=name_in(2, "one", "#")))["type"] == "ack"
    await world.at_rest()
    refused = await alice.ask("create", room=name_in(3, "two", "#"))
    assert (refused["code"], refused["details"]) == ("limit_exceeded", {"limit": 1, "of": "rooms"})
    assert (await alice.ask("leave", room=name_in(2, "one", "#")))["type"] == "ack"
    await world.at_rest()
    assert (await alice.ask("create", room=name_in(3, "two", "#")))["type"] == "ack"
    await world.judge()


async def test_the_operator_deposits_anywhere_and_asks_about_it(world: World) -> None:
    _, bob = await meet(world)
    operator = await world.first.operator()
    ack = await operator.ask("deposit", id="d", to=BOB, amount=5, currency="EUR")
    assert ack["type"] == "ack"
    assert (await operator.ask("status", of="d"))["outcome"] == "stored"
    assert (await entry(bob, "d"))["balance"]["available"] == 5
    await world.judge()


@pytest.mark.parametrize("durable", ["disk", "replica"])
async def test_durability_is_asked_for_and_told(world: World, durable: str) -> None:
    alice, _ = await meet(world)
    money = {"to": BOB, "amount": 1, "currency": "USD", "durable": durable}
    answer = await alice.ask("payment", id="p", **money)
    if durable == "disk":
        assert answer["durable"] == "disk"
    else:
        assert (answer["code"], answer["retry"]) == ("not_durable", "same_id")
        assert (await alice.ask("status", of="p"))["outcome"] == "unknown"


async def test_the_figures_say_what_is_on_its_way(world: World) -> None:
    alice, bob = await meet(world)
    source = world.courier_of(0)
    courier = source.app.services.courier
    for hub in world.hubs:
        hub.app.services.courier._carry = lambda *leg: None  # type: ignore[method-assign]
    lane = courier.lane(0, 1)
    go_on, lane._go_on = lane._go_on, lambda: None  # type: ignore[method-assign]
    for one in courier.lanes.values():
        one.stop("for the test")
    await alice.ask("payment", id="p", to=BOB, amount=250, currency="USD")
    await until(lambda: courier.in_transit() == {"USD": 250})
    assert (courier.unsettled, courier.stopped) == (1, 1)
    go_on()
    assert (await entry(bob, "p"))["amount"] == 250
    await until(lambda: courier.in_transit() == {} and courier.unsettled == 0)
