"""Payments between partitions, by real clients of a real hub: every device is right about them."""

import asyncio

import pytest

from client_demo import events
from client_demo.conversation import Delivery
from server.ledger.keys import Keyspace

from .people import Person, online, token_of

OPENING = 10_000
PARTITIONS = 16


@pytest.fixture
async def hub(make_hub):
    """A hub whose store has many partitions; alice and bob live in different ones."""
    partition_of = Keyspace(PARTITIONS).partition_of
    assert partition_of("@alice") != partition_of("@bob")
    return await make_hub(partitions=PARTITIONS)


def fate(person, id, name="@bob"):
    line = person.model.conversation(name).find(("@alice", id))
    return line and line.fate


async def until_it_ends(person, id, end):
    await person.client.until(lambda: fate(person, id) is end)


def states(person):
    """What the hub's answers to payments said."""
    return [each.ack["state"] for each in person.had(events.Stored) if "amount" in each.frame]


async def frozen(hub, name):
    """Freeze `name`, whom hubs believe to be well for a moment after a payment to them."""
    operator = await hub.operator()
    answer = await operator.ask("freeze", who=name, frozen=True)
    assert answer["type"] == "ack"


async def test_a_payment_is_accepted_then_settled_on_every_device(hub):
    token = await token_of(hub.url, "@alice")
    async with online(hub, "@alice", token) as away:
        kept = away.client.link.session.cursors
    async with (
        online(hub, "@alice", token) as phone,
        online(hub, "@alice", token) as desk,
        online(hub, "@bob") as bob,
    ):
        id = phone.pay("@bob", 500, text="coffee")
        for device in (phone, desk):
            await until_it_ends(device, id, Delivery.STORED)
            await device.has(OPENING - 500)
        await bob.sees("@alice", "coffee")
        await bob.has(OPENING + 500)
        assert states(phone) == ["accepted"]
        assert desk.lines("@bob")[0].accepted
        assert bob.lines("@alice")[0].settled

        resumed = Person("@alice", hub.url, token)
        resumed.client.link.session.cursors = kept
        running = asyncio.create_task(resumed.client.link.run())
        await until_it_ends(resumed, id, Delivery.STORED)
        await resumed.client.link.close()
        await running
    async with online(hub, "@alice", token) as late:
        assert not late.lines("@bob")
        late.client.read_box("@alice")
        await until_it_ends(late, id, Delivery.STORED)
        assert late.model.wallet.available("USD") == OPENING - 500


async def test_money_that_cannot_arrive_is_back_on_every_device(hub):
    token = await token_of(hub.url, "@alice")
    async with (
        online(hub, "@alice", token) as phone,
        online(hub, "@alice", token) as desk,
        online(hub, "@bob") as bob,
    ):
        await until_it_ends(phone, phone.pay("@bob", 100), Delivery.STORED)
        await frozen(hub, "@bob")
        id = phone.pay("@bob", 500, text="coffee")
        for device in (phone, desk):
            await until_it_ends(device, id, Delivery.RETURNED)
            await device.has(OPENING - 100)
        assert states(phone) == ["accepted", "accepted"]
        assert phone.lines("@bob")[-1].returned == (
            "not delivered to @bob: the other account is frozen and cannot take part;"
            " 5.00 USD is back"
        )
        assert len(bob.lines("@alice")) == 1
    async with online(hub, "@alice", token) as late:
        late.client.read_box("@alice")
        await until_it_ends(late, id, Delivery.RETURNED)


async def test_broken_connections_leave_no_payment_on_its_way(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        ids = []
        for number in range(20):
            ids.append(alice.pay("@bob", 10, text=str(number)))
            if number % 4 == 3:
                await alice.client.until(lambda: alice.had(events.Sent))
                hub.kill_connections()
        for id in ids:
            await alice.client.answered(id)
            await until_it_ends(alice, id, Delivery.STORED)
        await alice.has(OPENING - 200)
        await bob.has(OPENING + 200)
        await bob.client.until(lambda: len(bob.lines("@alice")) == 20)
        assert bob.texts("@alice") == alice.texts("@bob")


async def test_a_hub_that_is_full_says_when_to_come_again(make_hub):
    hub = await make_hub(data="full")
    async with online(hub, "@alice") as alice:
        hub.app.edge.admit = lambda address: 1_000
        alice.client.link.cut()

        def full() -> list[events.Disconnected]:
            lost = alice.had(events.Disconnected)
            return [each for each in lost if "takes no more connections" in each.reason]

        await alice.client.until(full)
        hub.app.edge.admit = lambda address: 0
        assert full()[0].retry_in >= 1, "the seconds of its Retry-After, and a little chance"
        await alice.say("@alice", "back again")
