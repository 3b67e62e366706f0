"""The channel between the hubs costs only where it is needed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.relay.conftest import MakeHubs
from tests.server.relay.watching import gives, ids_until, receivers
from tests.support import Hub, until


async def test_a_hub_alone_publishes_and_subscribes_nothing(hub: Hub, published: list[str]) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    await alice.ask("message", id="m", to="@bob", text="hi")
    await alice.ask("message", to="@nobody", text="hi")
    await ids_until(bob, "m")
    assert published == []
    for box in ("@alice", "@bob", "#tea"):
        assert await receivers(hub, box) == 0


async def test_what_is_between_two_on_one_hub_is_not_published(
    make_hubs: MakeHubs, published: list[str]
) -> None:
    """Within a partition: what goes to another one may be carried by any hub's courier."""
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await first.register("bob")
    await second.register("carol")
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    published.clear()
    for n in range(5):
        await alice.ask("message", id=f"m{n}", to="@bob", text="hi")
        await alice.ask("payment", id=f"p{n}", to="@bob", amount=1, currency="USD")
        await alice.ask("message", id=f"r{n}", to="#tea", text="hi")
    await ids_until(bob, "r4")
    assert published == []
    await alice.ask("message", to="@carol", text="hi")
    assert published == ["@carol"]
    phone = await second.login("bob")
    published.clear()
    await alice.ask("message", id="now", to="@bob", text="hi")
    assert (await phone.until(lambda frame: frame.get("id") == "now"))["box"] == "@bob"
    assert published == ["@bob"]


async def test_who_has_gone_from_the_other_hub_is_not_told_for_long(
    make_hubs: MakeHubs, quick_rounds: None, published: list[str]
) -> None:
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await first.register("bob")
    phone = await second.login("bob")
    assert await receivers(first, "@bob") == 2
    await phone.close()
    await until(lambda: gives(receivers(first, "@bob"), 1))
    await alice.ask("message", id="m1", to="@bob", text="hi")  # its answer tells the hub
    published.clear()
    await alice.ask("message", id="m2", to="@bob", text="hi")
    assert published == []
    assert await ids_until(bob, "m2") == ["m1", "m2"]


async def test_subscriptions_follow_those_who_come_and_go(
    make_hubs: MakeHubs, quick_rounds: None
) -> None:
    first, second = await make_hubs(2, partitions=4)
    alice = await first.register("alice")
    assert await receivers(first, "@alice") == 1
    await alice.ask("create", room="#tea")
    assert await receivers(first, "#tea") == 1
    phone = await second.login("alice")
    assert (await receivers(first, "@alice"), await receivers(first, "#tea")) == (2, 2)
    await alice.close()
    await until(lambda: gives(receivers(first, "#tea"), 1))
    await until(lambda: gives(receivers(first, "@alice"), 1))
    await phone.close()
    await until(lambda: gives(receivers(first, "@alice"), 0))
    await until(lambda: gives(receivers(first, "#tea"), 0))


async def test_a_hub_subscribes_what_it_has_when_another_comes(make_hub: Any) -> None:
    first = await make_hub()
    alice = await first.register("alice")
    await alice.ask("create", room="#tea")
    second = await make_hub(store=str(first.app.embedded.endpoint))
    assert (await receivers(first, "@alice"), await receivers(first, "#tea")) == (1, 1)
    assert first.app.services.hubs.live == second.app.services.hubs.live
    bob = await second.register("bob")
    await bob.ask("message", id="m", to="@alice", text="hi")
    assert (await alice.until(lambda frame: frame.get("id") == "m"))["box"] == "@alice"


async def test_hubs_know_who_has_left(make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.telling.hubs.SILENCE_S", 2.0)
    monkeypatch.setattr("server.telling.hubs.BEAT_S", 0.2)
    first, second, third = await make_hubs(3)
    assert len({tuple(hub.app.services.hubs.live) for hub in (first, second, third)}) == 1
    await third.stop()
    await until(lambda: len(first.app.services.hubs.live) == 2)
    await second.app.services.stores.stop()  # a hub that is killed says nothing
    await until(lambda: len(first.app.services.hubs.live) == 1)
    assert not first.app.services.relay.others
