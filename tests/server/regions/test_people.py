"""Words and money between people who live in different regions."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support import until

from .conftest import Earth, books, entry, money_of

DOCS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")


async def test_words_and_money_cross_both_ways(earth: Earth) -> None:
    alice = await earth["eu"].register("alice")
    bob = await earth["us"].register("bob", binary=True)
    ack = await alice.ask("message", id="m", to="@bob", text="hello")
    assert (ack["type"], ack["box"], ack["seq"]) == ("ack", "@alice", 2)
    got = await entry(bob, "m")
    assert (got["from"], got["text"], got["box"], got["seq"]) == ("@alice", "hello", "@bob", 2)
    ack = await bob.ask("payment", id="p", to="@alice", amount=250, currency="USD")
    assert (ack["state"], ack["balance"]["available"]) == ("accepted", 9_750)
    got = await entry(alice, "p")
    assert (got["state"], got["balance"]["available"]) == ("settled", 10_250)
    assert (await entry(bob, "p", "settled"))["to"] == "@alice"
    again = await bob.ask("payment", id="p", to="@alice", amount=250, currency="USD")
    assert (again["replayed"], again["state"]) == (True, "accepted")
    assert (await money_of(alice), await money_of(bob)) == (10_250, 9_750)
    await earth.judge()


async def test_what_waits_for_a_region_that_is_cut_off_is_accepted_and_arrives_in_order(
    earth: Earth,
) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    await alice.ask("message", id="first", to="@bob", text="so that the home is known")
    await entry(bob, "first")
    earth.cut("eu", "us")
    for n in range(40):
        ack = await alice.ask("payment", id=f"p{n}", to="@bob", amount=1 + n, currency="USD")
        assert ack["state"] == "accepted"
        assert (await alice.ask("message", id=f"m{n}", to="@bob", text=str(n)))["type"] == "ack"
    carol = await earth["eu"].register("carol")
    assert (await alice.ask("message", to="@carol", text="here all is well"))["type"] == "ack"
    await carol.receive()
    earth.heal("eu", "us")
    seen = [(await bob.until(lambda one: one.get("from") == "@alice"))["id"] for _ in range(80)]
    assert seen == [f"{kind}{n}" for n in range(40) for kind in "pm"]
    for n in range(40):
        await entry(alice, f"p{n}", "settled")
    assert await money_of(bob) == 10_000 + sum(range(1, 41))
    await earth.judge()


async def test_money_that_cannot_arrive_comes_back_from_another_region(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    operator = await earth["us"].operator()
    await operator.ask("freeze", who="@bob", frozen=True)
    ack = await alice.ask("payment", id="p", to="@bob", amount=250, currency="USD")
    assert (ack["state"], ack["balance"]["available"]) == ("accepted", 9_750)
    back = await entry(alice, "p", "returned")
    assert (back["reason"], back["amount"], back["to"]) == ("party_frozen", 250, "@bob")
    assert back["balance"]["available"] == 10_000
    assert (await alice.ask("message", id="m", to="@bob", text="you are frozen"))["type"] == "ack"
    assert (await entry(bob, "m"))["text"] == "you are frozen"
    assert (await money_of(alice), await money_of(bob)) == (10_000, 10_000)
    await earth.judge()


async def test_every_error_that_the_payers_side_knows_comes_at_once(earth: Earth) -> None:
    alice = await earth["eu"].register("alice")
    await earth["us"].register("bob")
    pay = {"to": "@bob", "currency": "USD"}
    answer = await alice.ask("payment", amount=10_001, **pay)
    assert (answer["code"], answer["details"]["available"]) == ("insufficient_funds", 10_000)
    answer = await alice.ask("payment", to="@bob", amount=1, currency="XXX")
    assert answer["code"] == "currency_unknown"
    assert (await alice.ask("payment", id="p", amount=1, **pay))["type"] == "ack"
    answer = await alice.ask("payment", id="p", amount=2, **pay)
    assert (answer["code"], answer["details"]) == ("id_reused", {"field": "amount"})
    await earth.judge()


async def test_markers_cross_too(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    await alice.ask("message", id="m", to="@bob", text="hello")
    await entry(bob, "m")
    assert (await bob.ask("read", id="r", to="@alice", up_to="m"))["type"] == "ack"
    got = await entry(alice, "r", "read")
    assert (got["from"], got["up_to"]) == ("@bob", "m")


async def test_large_messages_and_many_of_them_cross(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    long = "ä" * 4_000
    for n in range(300):
        await alice.send({"type": "message", "id": f"m{n}", "to": "@bob", "text": long})
    for n in range(300):
        got = await bob.receive()
        assert (got["id"], got["seq"], got["text"]) == (f"m{n}", n + 2, long)


async def test_every_hub_of_a_region_reaches_the_others(earth: Earth) -> None:
    home = earth["eu"]
    assert home.app.embedded is not None
    second = await earth._make_hub(
        *("second",),
        region="eu",
        regions=earth.home / "eu.toml",
        store=str(home.app.embedded.endpoint),
        rate_limits=False,
    )
    hubs = [home, second]
    await until(lambda: all(len(hub.app.services.hubs.live) == 2 for hub in hubs))
    world = second.app.services.world
    assert world is not None
    await until(lambda: all(link.up for link in world.links.values()))
    alice, carol = await home.register("alice"), await second.register("carol")
    bob = await earth["us"].register("bob")
    for client in (alice, carol):
        for n in range(5):
            ack = await client.ask("payment", id=f"p{n}", to="@bob", amount=1, currency="USD")
            assert ack["state"] == "accepted"
        for n in range(5):
            await entry(client, f"p{n}", "settled")
    for n, one in enumerate((alice, carol)):
        name = ("@alice", "@carol")[n]
        await bob.ask("message", id=f"m{n}", to=name, text="thanks")
        assert (await entry(one, f"m{n}"))["text"] == "thanks"
    assert await money_of(bob) == 10_010
    await earth.judge()


async def test_what_waits_is_shown_by_region(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    await alice.ask("message", id="first", to="@bob", text="so that the home is known")
    await entry(bob, "first")
    await earth.at_rest()
    earth.cut("eu", "us")
    await alice.ask("payment", id="p1", to="@bob", amount=30, currency="USD")
    await alice.ask("payment", id="p2", to="@bob", amount=12, currency="USD")
    survey = earth.world("eu").surveys["us"]
    await until(lambda: survey.waiting.legs == 2)
    assert survey.waiting.money == {"USD": 42}
    assert survey.waiting.oldest_at is not None
    page = earth["eu"].app.site.answer("/metrics")[2]
    assert 'teller_region_up{region="us"} 0.0' in page
    assert 'teller_region_up{region="ap"} 1.0' in page
    assert 'teller_region_legs_waiting{region="us"} 2.0' in page
    assert 'teller_region_in_transit{currency="USD",region="us"} 42.0' in page
    shown = set(re.findall(r"teller_(?:region|tunnels|directory|rooms_copied)[a-z_]*", DOCS))
    assert shown
    assert shown <= set(re.findall(r"teller_[a-z_]+", page))
    report = await books(earth["eu"])
    assert report.findings == []
    assert (report.sent, report.held) == ({"us": {"USD": 42}}, {"USD": 9_958})
    earth.heal("eu", "us")
    await entry(bob, "p2")
    await until(lambda: survey.waiting.legs == 0)
    assert survey.waiting.money == {}
    assert (await books(earth["us"])).come == {"eu": {"USD": 42}}
    await earth.judge()


async def test_a_payment_that_vanished_from_the_outbox_is_found_by_the_audit(earth: Earth) -> None:
    alice = await earth["eu"].register("alice")
    await earth["us"].register("bob")
    await alice.ask("message", to="@bob", text="so that the home is known")
    earth.cut("eu", "us")
    await alice.ask("payment", id="p", to="@bob", amount=30, currency="USD")
    assert (await books(earth["eu"])).findings == []
    keyspace = earth["eu"].app.services.keyspace
    here = keyspace.partition_of("@alice")
    await earth["eu"].app.services.channel(here).request("RPOP", keyspace.outbox(here, "us.0"))
    findings = (await books(earth["eu"])).findings
    assert any("payment p of @alice to @bob in another region" in one for one in findings)
    assert any("holds" in one and "to us.0" in one for one in findings)


async def test_what_a_hub_left_behind_is_carried_when_it_is_back(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    await alice.ask("message", id="first", to="@bob", text="so that the home is known")
    await entry(bob, "first")
    earth.cut("eu", "us")
    await alice.ask("payment", id="p", to="@bob", amount=30, currency="USD")
    await earth["eu"].stop()
    earth.heal("eu", "us")
    await earth.begin("eu")
    assert (await entry(bob, "p"))["amount"] == 30
    await earth.judge()
