"""Strangers over real sockets: requests, blocks, and money that waits until it is accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.cluster import SharedCluster
from tests.support import PASSWORD, Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]
MONEY: dict[str, Any] = {"amount": 1000, "currency": "USD"}


def _is(type: str, id: str = "") -> Callable[[dict[str, Any]], bool]:
    return lambda frame: frame["type"] == type and "from" in frame and id in ("", frame["id"])


async def available(client: Client) -> tuple[int, int]:
    held = (await client.ask("balance"))["balances"]["USD"]
    return held["available"], held["held"]


async def test_money_of_a_stranger_waits_and_is_taken(two: tuple[Client, Client]) -> None:
    alice, bob = two
    ack = await alice.ask("payment", to="@bob", id="p", **MONEY)
    assert ack["state"] in ("waiting", "accepted")
    assert ack["balance"]["available"] == 9000
    offered = await bob.until(_is("payment", "p"))
    assert offered["state"] == "waiting"
    assert offered["balance"]["held"] == 1000
    assert await available(bob) == (10000, 1000)
    page = await alice.ask("history", box="@alice")
    assert "settled" not in [entry["type"] for entry in page["entries"]]

    await bob.ask("accept", who="@alice")

    settled = await bob.until(_is("settled", "p"))
    assert (settled["amount"], settled["to"]) == (1000, "@bob")
    assert settled["balance"]["available"] == 11000
    assert settled["balance"]["held"] == 0
    assert (await alice.until(_is("settled", "p")))["from"] == "@alice"
    assert await available(bob) == (11000, 0)
    # From now on they are no strangers.
    ack = await alice.ask("payment", to="@bob", id="q", **MONEY)
    assert ack["state"] in ("settled", "accepted")
    assert (await bob.until(_is("payment", "q")))["state"] == "settled"


@pytest.mark.parametrize("refuse", ["decline", "block"])
async def test_money_that_is_refused_comes_back(two: tuple[Client, Client], refuse: str) -> None:
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    await bob.ask(refuse, who="@alice")
    back = await alice.until(_is("returned", "p"))
    assert (back["reason"], back["amount"], back["to"]) == ("not_accepted", 1000, "@bob")
    assert back["balance"]["available"] == 10000
    gone = await bob.until(_is("returned", "p"))
    assert gone["balance"]["held"] == 0
    assert await available(alice) == (10000, 0)
    assert await available(bob) == (10000, 0)


async def test_an_answer_takes_the_money_too(two: tuple[Client, Client]) -> None:
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    await bob.ask("message", to="@alice", text="thanks, who are you?")
    await bob.until(_is("settled", "p"))
    assert await available(bob) == (11000, 0)


async def _error_or_return(alice: Client, **fields: Any) -> str:
    """Why a frame was refused: at once, or, between partitions, where it arrived."""
    answer = await alice.ask(**fields)
    if answer["type"] == "error":
        return str(answer["code"])
    return str((await alice.until(_is("returned", answer["id"])))["reason"])


async def test_a_stranger_may_ask_three_times(two: tuple[Client, Client]) -> None:
    alice, bob = two
    for number in range(3):
        assert (await alice.ask("message", to="@bob", text=f"{number}"))["type"] == "ack"
    refused = await _error_or_return(alice, type="message", to="@bob", text="more")
    assert refused == "request_pending"
    await bob.ask("accept", who="@alice")
    said = await alice.ask("message", to="@bob", text="at last")
    await bob.until(_is("message", said["id"]))


async def test_who_is_blocked_reaches_nobody_and_who_blocks_is_told(
    two: tuple[Client, Client],
) -> None:
    alice, bob = two
    await bob.ask("block", who="@alice")
    words = {"type": "message", "to": "@bob", "text": "hi"}
    assert await _error_or_return(alice, **words) == "not_accepted"
    paid = {"type": "payment", "to": "@bob", **MONEY}
    assert await _error_or_return(alice, **paid) == "not_accepted"
    assert (await bob.ask("message", to="@alice", text="hi"))["code"] == "blocked"
    assert (await bob.ask("payment", to="@alice", **MONEY))["code"] == "blocked"
    assert await available(alice) == (10000, 0)
    await bob.ask("unblock", who="@alice")
    said = await alice.ask("message", to="@bob", text="friends again?")
    await bob.until(_is("message", said["id"]))


@pytest.mark.parametrize("frame", ["accept", "decline", "block", "unblock"])
async def test_decisions_are_frames_like_all_others(two: tuple[Client, Client], frame: str) -> None:
    alice, bob = two
    said = await alice.ask("message", to="@bob", text="hi")
    await bob.until(_is("message", said["id"]))
    if frame == "unblock":
        await bob.ask("block", who="@alice")
    first = await bob.ask(frame, id="d", who="@alice")
    assert first["type"] == "ack", first
    again = await bob.ask(frame, id="d", who="@alice")
    assert again.pop("replayed")
    assert again == first
    altered = await bob.ask(frame, id="d", who="@carl")
    assert (altered["code"], altered["details"]) == ("id_reused", {"field": "who"})
    assert (await bob.ask(frame, who="@bob"))["code"] == "forbidden"
    assert (await bob.ask(frame, who="#room"))["code"] == "name_invalid"
    nobody = await bob.ask(frame, who="@ghost")
    assert nobody["code"] in ("unknown_account", "no_request")
    page = await bob.ask("history", box="@bob")
    told = [one for one in page["entries"] if one["type"] == frame and one["id"] == "d"]
    assert [one["who"] for one in told] == ["@alice"]
    page = await alice.ask("history", box="@alice")
    assert frame not in [one["type"] for one in page["entries"]]


async def test_nothing_to_accept(two: tuple[Client, Client]) -> None:
    _, bob = two
    for frame in ("accept", "decline", "unblock"):
        assert (await bob.ask(frame, who="@alice"))["code"] == "no_request"


async def test_a_retry_of_money_that_waits_is_answered_as_before(
    two: tuple[Client, Client],
) -> None:
    alice, bob = two
    first = await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    await bob.ask("decline", who="@alice")
    await alice.until(_is("returned", "p"))
    again = await alice.ask("payment", to="@bob", id="p", **MONEY)
    assert again.pop("replayed")
    assert again == first
    assert await available(alice) == (10000, 0)


async def test_what_a_hub_left_undone_is_done_when_the_payee_comes_in(
    street: tuple[Hub, Hub], two: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub dies between the acceptance and the money: here it does not even look."""
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    services = street[1].app.services
    with monkeypatch.context() as patch:
        patch.setattr(services.delivery, "answered", lambda who: None)
        await bob.ask("accept", who="@alice")
    assert await available(bob) == (10000, 1000)
    other = await street[1].login("bob")
    await other.until(_is("settled", "p"))
    assert await available(bob) == (11000, 0)


async def test_the_walk_over_all_offers_finds_what_was_left(
    street: tuple[Hub, Hub], two: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    services = street[1].app.services
    with monkeypatch.context() as patch:
        patch.setattr(services.delivery, "answered", lambda who: None)
        await bob.ask("accept", who="@alice")
    await services.requests.round()
    await bob.until(_is("settled", "p"))


async def test_the_walk_pauses_behind_each_payee(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would put everybody's offers before the pipeline at once, in front of all others."""
    hub = await make_hub(strangers="ask")
    alice = await hub.register("alice")
    for name in ("bob", "carol", "dora"):
        await hub.register(name)
        await alice.ask("payment", to=f"@{name}", **MONEY)
    requests, looked = hub.app.services.requests, list[str]()
    monkeypatch.setattr(requests, "look", looked.append)
    monkeypatch.setattr("server.people.requests.PAUSE_S", 3600.0)
    walk = asyncio.create_task(requests.round())
    await until(lambda: looked)
    assert len(looked) == 1
    walk.cancel()
    monkeypatch.setattr("server.people.requests.PAUSE_S", 0.0)
    await requests.round()
    assert set(looked) == {"@bob", "@carol", "@dora"}


async def test_money_of_somebody_who_erased_their_account_can_still_be_taken(
    two: tuple[Client, Client],
) -> None:
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", amount=10000, currency="USD")
    await bob.until(_is("payment", "p"))
    gone = await alice.ask("erase", password=PASSWORD)
    assert gone["type"] == "ack", gone

    async def erased() -> bool:
        return not (await bob.ask("profiles", who=["@alice"]))["profiles"]

    await until(erased)
    assert (await bob.ask("accept", who="@alice"))["type"] == "ack"
    await bob.until(_is("settled", "p"))
    assert await available(bob) == (20000, 0)


async def test_where_strangers_are_welcome_nothing_waits(make_hub: MakeHub) -> None:
    hub = await make_hub(strangers="open")
    alice, bob = await hub.register("alice"), await hub.register("bob")
    for number in range(5):
        await alice.ask("message", to="@bob", text=f"{number}")
    assert (await alice.ask("payment", to="@bob", **MONEY))["state"] == "settled"
    assert await available(bob) == (11000, 0)


@pytest.mark.usefixtures("calm")
async def test_on_a_cluster(make_hub: MakeHub, cluster: SharedCluster) -> None:
    """The keys of contacts and offers, which are none of a call's, lie where the pair lies."""
    hub = await make_hub(store=cluster.url, partitions=16, strangers="ask")
    alice, bob = await hub.register("alice"), await hub.register("bob")
    of = hub.app.services.keyspace.partition_of
    near = next(f"near{n}" for n in range(999) if of(f"@near{n}") == of("@bob"))
    dora = await hub.register(near)
    for client in (alice, dora):  # from another partition, and from the same
        await client.ask("payment", to="@bob", id="p", **MONEY)
        await bob.until(_is("payment", "p"))
    listed = (await bob.ask("conversations"))["conversations"]
    assert [one.get("waiting") for one in listed] == [{"USD": 1000}, None, {"USD": 1000}]
    await bob.ask("accept", who="@alice")
    await bob.ask("decline", who=f"@{near}")
    await alice.until(_is("settled", "p"))
    await dora.until(_is("returned", "p"))
    assert (await available(bob), await available(dora)) == ((11000, 0), (10000, 0))
