"""Money that waits, and an operator who locks its payee meanwhile."""

from __future__ import annotations

import pytest

from tests.support import Client, Hub

from .test_strangers import MONEY, MakeHub, _is, available


async def test_everybody_is_told_how_long_money_waits(make_hub: MakeHub) -> None:
    hub = await make_hub(strangers="ask", offer_days=7)
    assert (await hub.register("alice")).welcome["limits"]["offer_days"] == 7


@pytest.mark.parametrize("refuse", ["decline", "block"])
async def test_money_that_somebody_frozen_refuses_goes_home(
    street: tuple[Hub, Hub], two: tuple[Client, Client], refuse: str
) -> None:
    """It was never theirs, so the freeze does not keep it."""
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    operator = await street[0].operator()
    assert (await operator.ask("freeze", who="@bob"))["type"] == "ack"
    assert (await bob.ask(refuse, who="@alice"))["type"] == "ack"
    assert (await alice.until(_is("returned", "p")))["reason"] == "not_accepted"
    assert (await available(alice), await available(bob)) == ((10000, 0), (10000, 0))


async def test_money_that_somebody_frozen_accepts_is_theirs_when_the_freeze_ends(
    street: tuple[Hub, Hub], two: tuple[Client, Client]
) -> None:
    alice, bob = two
    await alice.ask("payment", to="@bob", id="p", **MONEY)
    await bob.until(_is("payment", "p"))
    operator = await street[0].operator()
    await operator.ask("freeze", who="@bob")
    assert (await bob.ask("accept", who="@alice"))["type"] == "ack"
    assert await available(bob) == (10000, 1000)
    await operator.ask("freeze", who="@bob", frozen=False)
    for hub in street:
        await hub.app.services.requests.round()
    await bob.until(_is("settled", "p"))
    assert await available(bob) == (11000, 0)
