"""Everything that is kept of an account, asked for by its owner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support import Hub

MakeHub = Callable[..., Awaitable[Hub]]


@pytest.mark.parametrize("partitions", [1, 4])
async def test_it_has_all(make_hub: MakeHub, partitions: int) -> None:
    hub = await make_hub(partitions=partitions)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await hub.login("alice")
    await alice.ask("message", to="@bob", text="hello")
    await alice.ask("profile", name="Alice", about="at sea", receipts=False)
    for room in ("#one", "#two", "#three"):
        await alice.ask("create", room=room)
    await bob.ask("create", room="#bobs")
    await alice.ask("join", room="#bobs")
    await alice.ask("message", to="#bobs", text="hello")
    for who, wanted in (("@bob", ("pinned", "muted")), ("#bobs", ("archived",))):
        flags: dict[str, Any] = dict.fromkeys(wanted, True)
        assert (await alice.ask("arrange", who=who, **flags))["type"] == "ack"
    told = await alice.ask("export")
    assert told["type"] == "export", told
    assert told["handle"] == "alice"
    assert (told["profile"]["name"], told["profile"]["about"]) == ("Alice", "at sea")
    assert told["settings"] == {"receipts": False, "seen": True}
    assert told["balances"] == {"USD": {"available": 10_000, "held": 0}}
    owns = dict.fromkeys(("#one", "#two", "#three"), "owner")
    assert told["rooms"] == {**owns, "#bobs": "member"}
    assert {who: set(flags) for who, flags in told["contacts"].items() if flags} == {
        "@bob": {"p", "m"},
        "#bobs": {"a"},
    }
    assert [one["name"] for one in told["devices"]] == ["unnamed", "unnamed"]
    assert [one.get("current", False) for one in told["devices"]].count(True) == 1
    for box, length in told["boxes"].items():
        page = await alice.ask("history", box=box, limit=200)
        assert page["entries"][-1]["seq"] == length
    assert set(told["boxes"]) == {"@alice", *told["rooms"]}


async def test_it_tells_nothing_of_others(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.ask("profile", name="Robert the secretive")
    await bob.ask("create", room="#bobs")
    assert "bob" not in str(await alice.ask("export")).lower()
    operator = await hub.operator()
    assert (await operator.ask("export"))["code"] == "forbidden"
    stranger = await hub.connect()
    assert (await stranger.ask("export"))["code"] == "unauthenticated"
    assert (await operator.ask("erase", password="x"))["code"] == "forbidden"
    assert (await stranger.ask("erase", password="x"))["code"] == "unauthenticated"
