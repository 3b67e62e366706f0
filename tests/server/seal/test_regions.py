"""Words that cross regions: sealed in every store, opened with keys that are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.regions.frames import Failed, Keys, KeysTold
from server.seal.keys import DESTROYED
from tests.server.regions.conftest import Earth, MakeHub, earth, entry
from tests.server.seal.conftest import bytes_of, texts
from tests.support import PASSWORD, Client, until

__all__ = ["earth"]
SECRET = "hippopotamus"


@pytest.fixture
async def two(earth: Earth) -> tuple[Client, Client]:
    """Alice of `eu` and Bob of `us`, who is in her room."""
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    assert (await alice.ask("create", room="#zoo"))["type"] == "ack"
    assert (await bob.ask("join", room="#zoo"))["type"] == "ack"
    return alice, bob


def nowhere(earth: Earth) -> None:
    """See that the secret is in no region's data."""
    for region in ("eu", "us", "ap"):
        assert SECRET.encode() not in bytes_of(earth[region].data)


async def test_words_arrive_open_and_rest_sealed(earth: Earth, two: tuple[Client, Client]) -> None:
    alice, bob = two
    await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}")
    await alice.ask("payment", id="p", to="@bob", amount=5, currency="USD", text=f"for {SECRET}")
    await alice.ask("message", id="room", to="#zoo", text=f"{SECRET}es")
    got = [await bob.until(lambda one: SECRET in one.get("text", "")) for _ in range(3)]
    assert {one["id"] for one in got} == {"dm", "p", "room"}
    assert {f"a {SECRET}", f"for {SECRET}"} <= {text for text, _ in await texts(bob, "@bob")}
    assert (f"{SECRET}es", None) in await texts(bob, "#zoo")
    await bob.ask("message", id="re", to="#zoo", text=f"my {SECRET}")
    assert (await entry(alice, "re"))["text"] == f"my {SECRET}"
    keys = earth["us"].app.services.seals.keys
    assert set(await keys.find(["@alice", "@bob"])) == {"@bob"}
    nowhere(earth)
    await earth.judge()


async def test_keys_travel_with_the_words(earth: Earth, two: tuple[Client, Client]) -> None:
    """So words can be read at once, even if the link breaks right behind them."""
    alice, bob = two

    async def silent(region: str, asked: Keys) -> Failed:
        return Failed()

    earth.world("eu").answers[Keys] = silent
    await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}")
    assert (await entry(bob, "dm"))["text"] == f"a {SECRET}"
    earth["us"].app.services.seals.look_again()
    await alice.ask("message", id="room", to="#zoo", text=f"{SECRET}es")
    assert (await entry(bob, "room"))["text"] == f"{SECRET}es"
    earth["us"].app.services.seals.look_again()
    assert ("", "locked") in await texts(bob, "@bob")  # asked now, and not told


async def test_without_the_region_of_the_author_words_are_locked_for_a_while(
    earth: Earth, two: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.seal.seals.LOCKED_S", 0.2)
    alice, bob = two
    await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}")
    await entry(bob, "dm")
    earth.cut("eu", "us")
    earth["us"].app.services.seals.look_again()  # the hour is over
    assert ("", "locked") in await texts(bob, "@bob")
    assert earth["us"].app.services.seals.locked >= 1
    earth.heal("eu", "us")

    async def open_again() -> bool:
        return (f"a {SECRET}", None) in await texts(bob, "@bob")

    await until(open_again)


async def test_what_is_erased_there_is_erased_here(
    earth: Earth, two: tuple[Client, Client]
) -> None:
    alice, bob = two
    await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}")
    await alice.ask("message", id="room", to="#zoo", text=f"{SECRET}es")
    await entry(bob, "dm")
    carol = await earth["us"].register("carol")
    assert (await carol.ask("create", room="#far"))["type"] == "ack"
    assert (await alice.ask("join", room="#far"))["type"] == "ack"
    await alice.ask("payment", to="@carol", amount=10_000, currency="USD")
    refused = await alice.ask("erase", password=PASSWORD)
    assert refused["code"] == "owner_stays"  # Bob is in her room
    assert (await bob.ask("leave", room="#zoo"))["type"] == "ack"
    assert (await alice.ask("erase", id="bye", password=PASSWORD))["type"] == "ack"
    left = await carol.until(lambda one: one.get("type") == "leave")
    assert (left["from"], left["room"]) == ("@alice", "#far")
    earth["us"].app.services.seals.look_again()  # the hour is over
    assert ("", "erased") in await texts(bob, "@bob")
    assert SECRET not in str(await texts(bob, "@bob"))
    link = earth.world("us").links["eu"]
    assert await link.ask(Keys(["@alice"])) == KeysTold({"@alice": DESTROYED})
    closed = await carol.ask("message", id="late", to="@alice", text="hello?")
    assert closed["type"] == "ack"  # it is on its way
    assert (await entry(carol, "late", "returned"))["reason"] == "account_closed"
    nowhere(earth)


async def test_keys_are_told_only_of_ones_own_accounts(earth: Earth) -> None:
    await earth["eu"].register("alice")
    await earth["us"].register("bob")
    link = earth.world("ap").links["eu"]
    told = await link.ask(Keys(["@alice", "@bob", "@nobody"]))
    assert isinstance(told, KeysTold)
    assert set(told.keys) == {"@alice"}


async def test_a_second_hub_of_a_region_shares_its_keys(
    earth: Earth, two: tuple[Client, Client], make_hub: MakeHub, tmp_path: Path
) -> None:
    alice, _ = two
    app = earth["us"].app
    assert app.embedded is not None
    second = await make_hub(
        "us-2",
        region="us",
        regions=app.settings.regions,
        store=str(app.embedded.endpoint),
        rate_limits=False,
    )
    phone = await second.login("bob")
    world = second.app.services.world
    assert world is not None
    await until(lambda: world.links["eu"].up)
    await alice.ask("message", id="dm", to="@bob", text=f"a {SECRET}")
    assert (await entry(phone, "dm"))["text"] == f"a {SECRET}"
    assert (f"a {SECRET}", None) in await texts(phone, "@bob")
    assert not (tmp_path / "us-2" / "keys").exists()
