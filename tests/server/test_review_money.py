"""What a stranger may not do to somebody's box, and money whose decision was asked for twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.erasure import erasing, steps
from server.ledger.pairs import COUNTED_MAX
from server.people import requests
from tests.support import PASSWORD, Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]
MONEY: dict[str, Any] = {"amount": 1000, "currency": "USD"}


async def box_of(client: Client, name: str) -> list[tuple[str, str]]:
    """Type and id of everything in a box behind the opening balance."""
    page = await client.ask("history", box=name)
    return [(one["type"], one["id"]) for one in page["entries"]][1:]


async def told(client: Client, type: str, id: str) -> dict[str, Any]:
    """The entry, when it comes."""
    return await client.until(lambda one: (one["type"], one["id"]) == (type, id) and "from" in one)


def words_of(who: str, id: str) -> dict[str, str]:
    return {"from": who, "id": id}


async def refused(client: Client, frame: dict[str, Any]) -> str:
    """Why a frame was refused: at once, or, between partitions, where it arrived."""
    answer = await client.ask(**frame)
    if answer["type"] == "error":
        return str(answer["code"])
    return str((await told(client, "returned", answer["id"]))["reason"])


async def erased(hub: Hub, name: str) -> None:
    """Wait until all of the erasure is done."""
    services = hub.app.services
    partition = services.keyspace.partition_of(name)
    key = services.keyspace.erased(partition)

    async def done() -> bool:
        return await services.channel(partition).request("SISMEMBER", key, name) == 1

    await until(done)


async def test_who_never_asked_has_nothing_to_delete(two: tuple[Client, Client]) -> None:
    alice, bob = two
    before = await box_of(bob, "@bob")
    taken = {"type": "delete", "to": "@bob", "ref": words_of("@alice", "never")}
    assert await refused(alice, taken) == "not_accepted"
    assert await box_of(bob, "@bob") == before


async def test_a_stranger_fills_no_box_with_deletions(two: tuple[Client, Client]) -> None:
    """Of words that nobody can look up any more, such as these, which never were."""
    alice, bob = two
    await alice.ask("message", id="hi", to="@bob", text="hi")
    await told(bob, "message", "hi")
    before = await box_of(bob, "@bob")
    for number in range(COUNTED_MAX + 3):
        ref = words_of("@alice", f"never-{number}")
        await alice.send({"type": "delete", "id": f"d-{number}", "to": "@bob", "ref": ref})
    last = {"type": "delete", "to": "@bob", "ref": words_of("@alice", "last")}
    assert await refused(alice, last) == "request_pending"
    assert len(await box_of(bob, "@bob")) - len(before) == COUNTED_MAX - 1


async def test_a_stranger_may_take_back_what_they_asked(two: tuple[Client, Client]) -> None:
    alice, bob = two
    await alice.ask("message", id="hi", to="@bob", text="hi")
    await told(bob, "message", "hi")
    taken = {"type": "delete", "id": "d", "to": "@bob", "ref": words_of("@alice", "hi")}
    assert (await alice.ask(**taken))["type"] == "ack"
    await told(bob, "delete", "d")


async def test_friends_take_back_what_is_too_old_to_be_looked_up(
    two: tuple[Client, Client],
) -> None:
    alice, bob = two
    await alice.ask("message", id="hi", to="@bob", text="hi")
    await told(bob, "message", "hi")
    await bob.ask("accept", who="@alice")
    taken = {"type": "delete", "id": "d", "to": "@bob", "ref": words_of("@alice", "long-ago")}
    assert (await alice.ask(**taken))["type"] == "ack"
    await told(bob, "delete", "d")


async def test_a_stranger_fills_no_box_with_invitations(two: tuple[Client, Client]) -> None:
    """One that was taken back by a ban could be followed by the next."""
    alice, bob = two
    before = await box_of(bob, "@bob")
    for room in ("#tea", "#coffee"):
        assert (await alice.ask("create", room=room))["type"] == "ack"
        for _ in range(2):
            await alice.ask("invite", room=room, who="@bob")
            await alice.ask("ban", room=room, who="@bob")
            await alice.ask("ban", room=room, who="@bob", remove=True)
    await alice.ask("message", id="last", to="@bob", text="hi")
    await told(bob, "message", "last")
    assert await box_of(bob, "@bob") == [*before, ("message", "last")]


async def test_who_was_accepted_may_invite(two: tuple[Client, Client]) -> None:
    alice, bob = two
    await alice.ask("message", id="hi", to="@bob", text="hi")
    await told(bob, "message", "hi")
    await bob.ask("accept", who="@alice")
    await alice.ask("create", room="#tea")
    assert (await alice.ask("invite", id="i", room="#tea", who="@bob"))["type"] == "ack"
    await told(bob, "invite", "i")


async def test_a_decision_sent_again_moves_the_money_that_the_first_left(
    street: tuple[Hub, Hub], two: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the acceptance was lost, and so nobody looked; the client asks again."""
    alice, bob = two
    await alice.ask("payment", id="p", to="@bob", **MONEY)
    await told(bob, "payment", "p")
    with monkeypatch.context() as patch:
        patch.setattr(street[1].app.services.delivery, "answered", lambda who: None)
        await bob.ask("accept", id="a", who="@alice")
    assert (await bob.ask("accept", id="a", who="@alice"))["replayed"]
    await told(bob, "settled", "p")
    await told(alice, "settled", "p")


async def test_an_offer_that_cannot_be_ended_is_in_nobodys_way(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "OFFERS_PER_LOOK", 1)
    hub = await make_hub(strangers="ask")
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("payment", id="p", to="@bob", **MONEY)
    await told(bob, "payment", "p")
    stuck = [field for n in range(20) for field in (f"@carl:{n}", "99999 USD 1763800000000")]
    real = await hub.store("HGETALL", "{p0}u:@bob")
    await hub.store("SET", "{p0}f:@bob@carl", "AA")
    await hub.store("DEL", "{p0}u:@bob")
    await hub.store("HSET", "{p0}u:@bob", *stuck, *(part for one in real.items() for part in one))
    await bob.ask("accept", who="@alice")

    async def taken() -> bool:
        hub.app.services.requests.look("@bob")
        return not await hub.store("HEXISTS", "{p0}u:@bob", "@alice:p")

    await until(taken)


async def test_money_sent_last_reaches_a_friend_though_the_account_is_erased(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on its way when all that is known of both is to be deleted."""
    monkeypatch.setattr(steps, "ARRIVAL_S", 0.2)
    monkeypatch.setattr(erasing, "ROUND_S", 0.1)
    hub = await make_hub(strangers="ask", partitions=16)
    services = hub.app.services
    keyspace, courier = services.keyspace, services.courier
    assert keyspace.partition_of("@alice") != keyspace.partition_of("@bob")
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("message", id="hi", to="@bob", text="hi")
    await told(bob, "message", "hi")
    await bob.ask("accept", who="@alice")
    with monkeypatch.context() as patch:
        patch.setattr(courier, "_carry", lambda *leg: None)
        patch.setattr(courier, "_scan", _nothing)
        await alice.ask("payment", id="p", to="@bob", amount=10000, currency="USD")
        assert (await alice.ask("erase", password=PASSWORD))["type"] == "ack"
        with pytest.raises(steps.Unfinished):
            await steps.delete_all(services, "@alice")
    arrived = await told(bob, "payment", "p")
    assert arrived["state"] == "settled"

    await erased(hub, "@alice")


async def _nothing() -> None:
    pass


@pytest.mark.parametrize("partitions", [1, 16])
async def test_words_with_somebody_erased_can_still_be_read_and_taken_back(
    make_hub: MakeHub, partitions: int
) -> None:
    hub = await make_hub(strangers="ask", partitions=partitions, opening_balance=None)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("message", id="mine", to="@bob", text="hi")
    await told(bob, "message", "mine")
    await bob.ask("message", id="theirs", to="@alice", text="bye")
    await told(alice, "message", "theirs")
    assert (await bob.ask("erase", password=PASSWORD))["type"] == "ack"
    await erased(hub, "@bob")
    for frame in (
        {"type": "read", "id": "r", "to": "@bob", "up_to": "theirs"},
        {"type": "delete", "id": "d", "to": "@bob", "ref": words_of("@alice", "mine")},
    ):
        told_at_once = await alice.ask(**frame)
        assert told_at_once["type"] == "ack", told_at_once
    await alice.ask("message", id="note", to="@alice", text="that is all")
    box = await box_of(alice, "@alice")
    assert [one for one in box if one[0] == "returned"] == []
