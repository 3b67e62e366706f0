"""Each fault of money that can be planted does the harm that `teller prove` must find."""

from __future__ import annotations

import pytest

from server.commit import pipeline
from server.commit.outcomes import Result
from server.courier import ends, lane, planted
from server.courier.lane import Lane
from server.ledger.posts import Kind, Post
from tests.server.courier.conftest import ALICE, BOB, World, balance, entry
from tests.support import Client

PAY = {"to": BOB, "amount": 250, "currency": "USD"}


async def meet(world: World, monkeypatch: pytest.MonkeyPatch, fault: str) -> tuple[Client, Client]:
    for module in (ends, lane, planted, pipeline):
        monkeypatch.setattr(module, "FAULT", fault)
    monkeypatch.setattr(planted, "EVERY", 1)
    alice = await world.first.register(ALICE[1:])
    return alice, await world.second.register(BOB[1:])


async def test_a_credit_that_is_dropped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await meet(world, monkeypatch, "drop-credit")
    await alice.ask("payment", id="p", **PAY)
    await entry(bob, "p")
    assert (await balance(alice), await balance(bob)) == (9_750, 10_000)
    report = await world.audit()
    assert report.findings or report.in_transit == {"USD": 250}


async def test_a_credit_that_is_made_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await meet(world, monkeypatch, "double-credit")
    await alice.ask("payment", id="p", **PAY)
    await entry(alice, "p", "settled")
    await bob.until(lambda frame: frame["type"] == "deposit")
    assert (await balance(alice), await balance(bob)) == (9_750, 10_500)
    assert (await world.audit()).circulation == {"USD": 20_250}


async def test_a_refund_because_no_answer_came(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Lane.answered
    lost: list[Post] = []

    def lose_the_first(one: Lane, post: Post, result: Result) -> None:
        if post.kind is Kind.ARRIVE and not lost:
            lost.append(post)
            one.failed(post)
        else:
            answered(one, post, result)

    monkeypatch.setattr(Lane, "answered", lose_the_first)
    alice, bob = await meet(world, monkeypatch, "refund-on-timeout")
    await alice.ask("payment", id="p", **PAY)
    await entry(alice, "p", "settled")
    assert (await balance(alice), await balance(bob)) == (10_000, 10_250)


async def test_posts_that_change_places(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, _ = await meet(world, monkeypatch, "swap-entries")
    home = world.first.app.services.pipelines[0]
    home._enough = 10**9  # so that what follows leaves together
    for n in range(3):
        await alice.send({"type": "message", "id": f"m{n}", "to": ALICE, "text": "note"})
    acks = [await alice.answer(f"m{n}") for n in (2, 1, 0)]
    assert [ack["seq"] for ack in acks] == [2, 3, 4]
