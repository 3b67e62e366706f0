"""Independent clients in both encodings share a room and money, and agree on all of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from server.ledger.audit import audit
from server.store.client import redis_client
from tests.single import KEYS
from tests.support import Hub

from .people import ORIGIN, Browser, Native, Node, Person, why_no_node

ROOM = "#tea"
ROUNDS = 15
OPENING = 10_000
TEXTS = ["plain", "¿qué?", "茶 🍵", 'quote " and \\ slash', "\u2028\u0001\ttab", "x" * 5_000]

Trio = tuple[Person, Person, Person]


@pytest.fixture(params=["node", "python json"])
async def trio(
    request: pytest.FixtureRequest, make_hub: Callable[..., Awaitable[Hub]]
) -> AsyncIterator[tuple[Hub, Trio]]:
    """A binary client, a browser, and Node (or another Python client, where there is no Node)."""
    if request.param == "node" and (reason := await why_no_node()):
        pytest.skip(reason)
    hub = await make_hub(rate_limits=False, origin=[ORIGIN])
    third = Node(hub.url, "@noel") if request.param == "node" else Native(hub.url, "@noel", False)
    people = (Native(hub.url, "@nora", True), Browser(hub.url, "@bea"), third)
    for person in people:
        await person.register()
    await people[0].ask("create", room=ROOM)
    for person in people[1:]:
        await person.ask("join", room=ROOM)
    yield hub, people
    for person in people:
        await person.leave()


async def chatter(person: Person, payee: Person) -> None:
    """Talk in the room and pay the next one, partly so that the room sees it."""
    for place in range(ROUNDS):
        said = await person.ask("message", to=ROOM, text=TEXTS[place % len(TEXTS)])
        assert said["type"] == "ack", said
        shown = {"room": ROOM} if place % 2 else {"text": TEXTS[place % len(TEXTS)]}
        paid = await person.ask("payment", to=payee.name, amount=7, currency="USD", **shown)
        assert paid["state"] == "settled", paid


async def pages(person: Person, box: str) -> list[dict[str, Any]]:
    """All entries of `box`."""
    entries: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    while True:
        page = await person.ask("history", box=box, limit=50, **fields)
        entries = page["entries"] + entries
        if not page["more"]:
            return entries
        fields = {"before": entries[0]["seq"]}


async def check_agreement(hub: Hub, people: Trio, balances: dict[str, int]) -> None:
    """Everyone saw the same room, in order and without a gap, and the books balance."""
    histories = [await pages(person, ROOM) for person in people]
    assert histories[0] == histories[1] == histories[2]
    last = histories[0][-1]["seq"]
    written = {entry["seq"]: entry["id"] for entry in histories[0]}
    assert list(written) == list(range(1, last + 1))
    for person in people:
        await person.hear_until(ROOM, last)
        first = min(person.seen[ROOM])
        assert person.order[ROOM] == list(range(first, last + 1)), person.name
        assert all(written[seq] == id for seq, id in person.seen[ROOM].items())
        own = await pages(person, person.name)
        assert [entry["seq"] for entry in own] == list(range(1, len(own) + 1))
        sheet = await person.ask("balance")
        assert sheet["balances"]["USD"] == {"available": balances[person.name], "held": 0}
    assert hub.app.embedded is not None
    store = redis_client(hub.app.embedded.endpoint)
    report = await audit(store, KEYS)
    await store.aclose()
    assert report.findings == []
    assert report.circulation == {"USD": 3 * OPENING}


async def test_they_chat_and_pay_at_once_and_agree(trio: tuple[Hub, Trio]) -> None:
    hub, people = trio
    nora, bea, noel = people
    await asyncio.gather(chatter(nora, bea), chatter(bea, noel), chatter(noel, nora))
    await check_agreement(hub, people, dict.fromkeys(("@nora", "@bea", "@noel"), OPENING))


async def test_they_drop_and_resume_and_agree(trio: tuple[Hub, Trio]) -> None:
    hub, people = trio
    nora, bea, noel = people
    await asyncio.gather(bea.drop(), noel.drop())
    for place in range(30):
        await nora.ask("message", to=ROOM, text=f"while you are away {place}")
    await nora.ask("payment", to="@noel", amount=250, currency="USD", room=ROOM)
    await asyncio.gather(bea.resume(), noel.resume())
    await bea.ask("payment", to="@noel", amount=1, currency="USD")
    balances = {"@nora": OPENING - 250, "@bea": OPENING - 1, "@noel": OPENING + 251}
    await check_agreement(hub, people, balances)


async def test_a_payment_whose_answer_was_lost_is_sent_again_and_paid_once(
    trio: tuple[Hub, Trio],
) -> None:
    hub, people = trio
    payment = {"to": "@nora", "amount": 300, "currency": "USD", "room": ROOM}
    for person in people[1:]:
        id = f"once-{person.name}"
        await person.transmit({"type": "payment", "id": id, **payment})
        await person.drop()
        await person.resume()
        ack = await person.ask("payment", id=id, **payment)
        assert (ack["type"], ack["state"]) == ("ack", "settled")
        again = await person.ask("payment", id=id, **payment)
        assert again == {**ack, "replayed": True}
    balances = {"@nora": OPENING + 600, "@bea": OPENING - 300, "@noel": OPENING - 300}
    await check_agreement(hub, people, balances)


async def test_the_largest_amount_is_the_same_number_everywhere(trio: tuple[Hub, Trio]) -> None:
    hub, people = trio
    most = 2**53 - 1
    operator = await hub.operator()
    deposit = await operator.ask("deposit", to="@nora", amount=most, currency="JPY")
    assert deposit["type"] == "ack"
    for person, payee in itertools.pairwise((*people, people[0])):
        sheet = await person.ask("balance")
        assert sheet["balances"]["JPY"]["available"] == most
        refused = await person.ask("payment", to=payee.name, amount=most + 1, currency="JPY")
        assert refused["code"] == "amount_invalid"
        paid = await person.ask("payment", to=payee.name, amount=most, currency="JPY")
        assert paid["balance"]["available"] == 0
