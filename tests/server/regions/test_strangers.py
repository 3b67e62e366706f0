"""Strangers of other regions: their words and their money wait like those of anybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import Client

from .conftest import NAMES, Earth, MakeHub, books, entry, money_of


@pytest.fixture
async def shy(make_hub: MakeHub, tmp_path: Path) -> AsyncIterator[Earth]:
    """Three regions where strangers must be accepted."""
    earth = Earth(tmp_path, make_hub)
    await earth.lay_lines()
    for name in NAMES:
        await earth.begin(name, strangers="ask")
    await earth.joined()
    yield earth
    earth.close()


@pytest.fixture
async def offered(shy: Earth) -> tuple[Client, Client]:
    """@alice of `eu`, who has offered 10.00 USD to @bob of `us`."""
    alice, bob = await shy["eu"].register("alice"), await shy["us"].register("bob")
    paid = await alice.ask("payment", id="p", to="@bob", amount=1000, currency="USD")
    assert paid["state"] == "accepted"
    waiting = await entry(bob, "p", "payment")
    assert (waiting["state"], waiting["balance"]["held"]) == ("waiting", 1000)
    await shy.at_rest()
    report = await books(shy["eu"])
    assert (report.findings, report.waiting) == ([], {"USD": 1000})
    return alice, bob


async def test_money_for_another_region_is_taken_when_accepted(
    shy: Earth, offered: tuple[Client, Client]
) -> None:
    alice, bob = offered
    await bob.ask("accept", who="@alice")
    await entry(bob, "p", "settled")
    assert (await entry(alice, "p", "settled"))["amount"] == 1000
    assert (await money_of(alice), await money_of(bob)) == (9000, 11000)
    await shy.judge()
    assert (await books(shy["eu"])).waiting == {}


async def test_money_for_another_region_comes_back_when_declined(
    shy: Earth, offered: tuple[Client, Client]
) -> None:
    alice, bob = offered
    await bob.ask("decline", who="@alice")
    assert (await entry(alice, "p", "returned"))["reason"] == "not_accepted"
    assert (await money_of(alice), await money_of(bob)) == (10000, 10000)
    await shy.judge()


async def test_an_offer_is_ended_by_a_hub_that_has_forgotten_where_its_payer_lives(
    shy: Earth, offered: tuple[Client, Client]
) -> None:
    """What waits knows by itself where it came from."""
    alice, bob = offered
    shy.world("us").directory.forget("@alice")
    assert "@alice" not in shy["us"].app.services.keyspace.abroad
    await bob.ask("block", who="@alice")
    await entry(alice, "p", "returned")
    assert await money_of(alice) == 10000
    await shy.judge()


async def test_who_is_blocked_elsewhere_gets_words_back(shy: Earth) -> None:
    alice, bob = await shy["eu"].register("alice"), await shy["us"].register("bob")
    said = await alice.ask("message", id="first", to="@bob", text="hi")
    assert said["type"] == "ack"
    await entry(bob, "first")
    await bob.ask("block", who="@alice")
    await alice.ask("message", id="second", to="@bob", text="hi?")
    back = await entry(alice, "second", "returned")
    assert (back["reason"], "amount" in back) == ("not_accepted", False)
