"""Rooms whose members live in several regions."""

from __future__ import annotations

import asyncio
from itertools import combinations
from random import Random
from typing import Any

import pytest

from protocol.codec import MSGPACK
from protocol.frames import Payment
from server.edge.limits import Bucket
from server.regions.frames import Arrive, Ask, Mirror, Reply, Told
from server.regions.link import Unreachable
from tests.support import Client, Hub, until

from .conftest import NAMES, Earth, MakeHub

Frame = dict[str, Any]


async def entries_of(client: Client, count: int, room: str = "#room") -> list[Frame]:
    """The next so many entries of a room."""
    return [await client.until(lambda frame: frame.get("box") == room) for _ in range(count)]


async def copy_of(hub: Hub, room: str = "#room") -> list[bytes]:
    """The box of a room as a region's store holds it."""
    keys = hub.app.services.keyspace.of(room)
    found = await hub.app.services.channel(keys.partition).request("LRANGE", keys.box, 0, -1)
    assert isinstance(found, list)
    return found


async def in_step(earth: Earth, *regions: str, room: str = "#room") -> None:
    """Wait until the copies in `regions` are as the original, which is in `eu`."""

    async def same() -> bool:
        original = await copy_of(earth["eu"], room)
        return all([await copy_of(earth[region], room) == original for region in regions])

    await until(same)


async def made(earth: Earth) -> tuple[Client, Client]:
    """Alice, who made a room in `eu`, and Bob of `us`, who joined it."""
    alice = await earth["eu"].register("alice")
    assert (await alice.ask("create", room="#room"))["type"] == "ack"
    bob = await earth["us"].register("bob")
    assert (await bob.ask("join", id="join-bob", room="#room"))["type"] == "ack"
    return alice, bob


async def is_known(earth: Earth, who: str, region: str, room: str = "#room") -> None:
    """Wait until the account's own partition knows that it is in the room."""
    keys = earth[region].app.services.keyspace.of(who)
    channel = earth[region].app.services.channel(keys.partition)

    async def known() -> bool:
        return await channel.request("SISMEMBER", keys.joined, room) == 1

    await until(known)


async def test_members_of_two_regions_hear_each_other_at_the_same_places(earth: Earth) -> None:
    alice, bob = await made(earth)
    ack = await alice.ask("message", to="#room", text="from eu")
    away = await bob.ask("message", to="#room", text="from us")
    assert (ack["box"], ack["seq"]) == ("#room", 3)
    assert away["type"] == "ack"
    assert "seq" not in away
    heard = await entries_of(bob, 3)
    assert [(one["seq"], one["type"], one["from"]) for one in heard] == [
        (2, "join", "@bob"),
        (3, "message", "@alice"),
        (4, "message", "@bob"),
    ]
    heard = await entries_of(alice, 2)
    assert [(one["seq"], one["from"]) for one in heard] == [(2, "@bob"), (4, "@bob")]
    assert heard[1]["text"] == "from us"


async def test_a_hundred_messages_from_each_side_keep_their_order(earth: Earth) -> None:
    alice, bob = await made(earth)
    carol = await earth["ap"].register("carol")
    await carol.ask("join", room="#room")
    for number in range(100):
        for client in (alice, bob, carol):
            frame = {"type": "message", "id": f"m{number}", "to": "#room", "text": str(number)}
            await client.send(frame)
    await bob.answer("m99")
    heard = await entries_of(bob, 1 + 1 + 300)
    assert [one["seq"] for one in heard] == list(range(2, 304))
    for who in ("@alice", "@bob", "@carol"):
        said = [one["text"] for one in heard if one["from"] == who and one["type"] == "message"]
        assert said == [str(number) for number in range(100)]
    await in_step(earth, "us", "ap")
    await earth.judge()


async def test_history_and_resume_are_local_and_work_while_the_home_is_cut_off(
    earth: Earth,
) -> None:
    alice, bob = await made(earth)
    for number in range(5):
        await alice.ask("message", to="#room", text=str(number))
    await entries_of(bob, 6)
    await is_known(earth, "@bob", "us")
    earth.cut("us", "eu")
    page = await bob.ask("history", box="#room", limit=3)
    assert [one["text"] for one in page["entries"]] == ["2", "3", "4"]
    again = await earth["us"].hello(bob.welcome["token"], {"#room": 4})
    assert again.welcome["boxes"]["#room"]["seq"] == 7
    assert [(await again.receive())["seq"] for _ in range(3)] == [5, 6, 7]


async def test_what_is_said_during_a_cut_comes_afterwards_in_order(earth: Earth) -> None:
    alice, bob = await made(earth)
    await entries_of(bob, 1)
    earth.cut("us", "eu")
    for number in range(5):
        assert (await bob.ask("message", to="#room", text=f"us {number}"))["type"] == "ack"
        await alice.ask("message", to="#room", text=f"eu {number}")
    earth.heal("us", "eu")
    heard = await entries_of(bob, 10)
    assert [one["seq"] for one in heard] == list(range(3, 13))
    assert [one["text"] for one in heard if one["from"] == "@bob"] == [
        f"us {number}" for number in range(5)
    ]
    await in_step(earth, "us")


async def test_a_frame_sent_again_happens_once(earth: Earth) -> None:
    alice, bob = await made(earth)
    first = await bob.ask("message", id="once", to="#room", text="hello")
    again = await bob.ask("message", id="once", to="#room", text="hello")
    assert again == {**first, "replayed": True}
    reused = await bob.ask("message", id="once", to="#room", text="other")
    assert reused["code"] == "id_reused"
    joined = await bob.ask("join", id="join-bob", room="#room")
    assert joined["replayed"] is True
    await alice.ask("message", to="#room", text="end")
    heard = await entries_of(bob, 3)
    assert [one.get("text") for one in heard] == [None, "hello", "end"]


async def test_leaving_ends_what_is_heard_and_what_may_be_said(earth: Earth) -> None:
    alice, bob = await made(earth)
    await is_known(earth, "@bob", "us")
    other = await earth["us"].login("bob")
    assert "#room" in other.welcome["boxes"]
    assert (await bob.ask("leave", room="#room"))["type"] == "ack"
    left = await other.until(lambda frame: frame["type"] == "leave")
    assert left["from"] == "@bob"
    await until(lambda: not earth["us"].app.services.hub.parties["@bob"].rooms)
    refused = await bob.ask("message", to="#room", text="still here?")
    assert refused["code"] == "not_a_member"
    assert (await bob.ask("history", box="#room"))["code"] == "not_a_member"
    marker = await bob.ask("read", to="#room", up_to="m1")
    assert marker["code"] == "not_a_member"
    members = await alice.ask("members", room="#room")
    assert [one["who"] for one in members["members"]] == ["@alice"]
    assert (await bob.ask("join", room="#room"))["type"] == "ack"
    await alice.ask("message", to="#room", text="welcome back")
    assert (await bob.until(lambda frame: frame.get("text") is not None))["text"] == "welcome back"


async def test_refusals_of_the_room_come_through(earth: Earth) -> None:
    _, bob = await made(earth)
    again = await bob.ask("join", room="#room")
    assert again["code"] == "already_a_member"
    assert (await bob.ask("create", room="#room"))["code"] == "name_taken"
    assert (await bob.ask("join", room="#nowhere"))["code"] == "unknown_room"
    carol = await earth["us"].register("carol")
    assert (await carol.ask("message", to="#room", text="hi"))["code"] == "not_a_member"
    assert (await carol.ask("members", room="#room"))["code"] == "not_a_member"
    assert (await carol.ask("leave", room="#room"))["code"] == "not_a_member"
    paid = await carol.ask("payment", to="@bob", amount=1, currency="USD", room="#room")
    assert paid["code"] == "not_a_member"
    assert [one["who"] for one in (await bob.ask("members", room="#room"))["members"]] == [
        "@alice",
        "@bob",
    ]
    assert (await bob.ask("read", to="#room", up_to="m1"))["box"] == "@bob"


async def test_an_account_is_in_so_many_rooms_wherever_they_are(earth: Earth) -> None:
    alice = await earth["eu"].register("alice")
    bob = await earth["us"].register("bob")
    earth["us"].app.settings.rooms_per_account = 1
    for name in ("#one", "#two"):
        await alice.ask("create", room=name)
    assert (await bob.ask("join", room="#one"))["type"] == "ack"
    refused = await bob.ask("join", room="#two")
    assert (refused["code"], refused["details"]["of"]) == ("limit_exceeded", "rooms")


async def test_a_payment_is_shown_in_a_room_of_another_region(earth: Earth) -> None:
    alice, bob = await made(earth)
    dave = await earth["us"].register("dave")
    ack = await bob.ask("payment", to="@dave", amount=5_00, currency="USD", room="#room")
    assert ack["state"] == "settled"
    shown = await alice.until(lambda frame: frame["type"] == "payment")
    assert (shown["from"], shown["to"], shown["amount"], shown["box"]) == (
        *("@bob", "@dave", 5_00, "#room"),
    )
    assert (await dave.until(lambda frame: frame["type"] == "payment"))["box"] == "@dave"
    across = await bob.ask("payment", to="@alice", amount=2_00, currency="USD", room="#room")
    assert across["state"] == "accepted"
    shown = await bob.until(lambda frame: frame["type"] == "payment" and frame["box"] == "#room")
    await earth.judge()


async def test_a_room_with_a_past_is_copied_before_somebody_joins(earth: Earth) -> None:
    alice = await earth["eu"].register("alice")
    await alice.ask("create", room="#room")
    for number in range(1_000):
        frame = {"type": "message", "id": f"m{number}", "to": "#room", "text": str(number)}
        await alice.send(frame)
    await alice.answer("m999")
    bob = await earth["us"].register("bob")
    await bob.ask("join", room="#room")
    copied = await copy_of(earth["us"])
    assert len(copied) >= 1_001
    assert copied == (await copy_of(earth["eu"]))[: len(copied)]
    (joined,) = await entries_of(bob, 1)
    assert (joined["type"], joined["seq"]) == ("join", 1_002)
    page = await bob.ask("history", box="#room", before=3)
    assert [one["seq"] for one in page["entries"]] == [1, 2]


async def test_without_a_link_a_join_is_unavailable_and_works_later(earth: Earth) -> None:
    alice, bob = await made(earth)
    await alice.ask("create", room="#other")
    await bob.ask("message", to="#other", text="where is it?")  # us knows now
    earth.cut("us", "eu")
    await until(lambda: not earth.world("us").links["eu"].up)
    refused = await bob.ask("join", id="j", room="#other")
    assert (refused["code"], refused["retry"]) == ("unavailable", "same_id")
    earth.heal("us", "eu")
    await earth.joined()
    assert (await bob.ask("join", id="j", room="#other"))["type"] == "ack"
    await alice.ask("message", to="#other", text="hello")
    assert (await entries_of(bob, 2, "#other"))[1]["text"] == "hello"


async def test_a_copy_that_lost_its_store_is_made_anew(earth: Earth) -> None:
    alice, _ = await made(earth)
    await alice.ask("message", to="#room", text="one")
    await in_step(earth, "us")
    keys = earth["us"].app.services.keyspace.of("#room")
    await earth["us"].store("LTRIM", keys.box, 0, 0)
    await alice.ask("message", to="#room", text="two")
    await in_step(earth, "us")


async def test_nobody_overwrites_a_room_at_home_here(earth: Earth) -> None:
    await made(earth)
    before = await copy_of(earth["eu"])
    with pytest.raises(Unreachable):
        await earth.world("us").links["eu"].ask(Mirror("#room", 1, len(before), [b"forged"]))
    assert await copy_of(earth["eu"]) == before


async def test_the_audit_knows_members_of_other_regions(earth: Earth) -> None:
    await made(earth)
    await in_step(earth, "us")
    await earth.judge()


async def test_a_device_that_came_in_too_early_hears_the_room_all_the_same(earth: Earth) -> None:
    """Bob's second device logs in after the room took him, and before his partition knows it."""
    alice = await earth["eu"].register("alice")
    await alice.ask("create", room="#room")
    bob = await earth["us"].register("bob")
    answers, logged_in = earth.world("us").answers, asyncio.Event()
    arrive = answers[Arrive]

    async def late(region: str, asked: Arrive) -> Reply:
        await logged_in.wait()
        return await arrive(region, asked)

    answers[Arrive] = late
    await bob.ask("join", room="#room")
    other = await earth["us"].login("bob")
    assert "#room" not in other.welcome["boxes"]
    logged_in.set()
    await is_known(earth, "@bob", "us")
    await alice.ask("message", to="#room", text="hello both")
    for client in (bob, other):
        assert (await client.until(lambda frame: frame["type"] == "message"))[
            "text"
        ] == "hello both"


async def test_what_arrives_after_its_sender_has_left_is_returned(earth: Earth) -> None:
    alice, bob = await made(earth)
    await bob.send({"type": "leave", "id": "bye", "room": "#room"})
    await bob.send({"type": "message", "id": "late", "to": "#room", "text": "one more thing"})
    assert (await bob.answer("late"))["type"] == "ack"
    back = await bob.until(lambda frame: frame["type"] == "returned")
    assert (back["id"], back["to"], back["reason"]) == ("late", "#room", "not_a_member")
    await alice.ask("message", to="#room", text="end")
    await in_step(earth, "us")
    assert not any(b"\xa4late" in one for one in await copy_of(earth["eu"]))
    await earth.judge()


async def test_a_room_that_lost_entries_begins_anew_in_every_region(earth: Earth) -> None:
    alice, bob = await made(earth)
    await alice.ask("message", to="#room", text="lost")
    await entries_of(bob, 2)
    before = earth["us"].app.services.epoch_of(0)
    keys = earth["eu"].app.services.keyspace.of("#room")
    await earth["eu"].app.services.channel(keys.partition).request("RPOP", keys.box)
    await alice.send({"type": "typing", "to": "#room"})  # whoever hears the room looks at it
    await until(lambda: earth["us"].app.services.epoch_of(0) != before)
    await in_step(earth, "us")
    again = await earth["us"].hello(bob.welcome["token"], {"#room": 3})
    state = again.welcome["boxes"]["#room"]
    assert (state["seq"], state["epoch"] != before) == (2, True)


async def second_hub(earth: Earth, make_hub: MakeHub, region: str) -> Hub:
    """One more hub of a region, on the same store."""
    app = earth[region].app
    assert app.embedded is not None
    return await make_hub(
        f"{region}-2",
        region=region,
        regions=app.settings.regions,
        store=str(app.embedded.endpoint),
        rate_limits=False,
    )


async def test_a_device_at_another_hub_hears_of_a_room_that_was_joined(
    earth: Earth, make_hub: MakeHub
) -> None:
    alice = await earth["eu"].register("alice")
    await alice.ask("create", room="#room")
    bob = await earth["us"].register("bob")
    second = await second_hub(earth, make_hub, "us")
    device = await second.login("bob")
    await bob.ask("join", room="#room")
    await is_known(earth, "@bob", "us")
    await until(lambda: "#room" in second.app.services.hub.parties["@bob"].rooms)
    await alice.ask("message", to="#room", text="hello both")
    for client in (bob, device):
        assert (await client.until(lambda frame: "text" in frame))["text"] == "hello both"


async def test_every_hub_of_a_region_hears_a_room_of_another(
    earth: Earth, make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hubs at each end: who posts, who copies, who takes the copy and who listens differ."""
    monkeypatch.setattr("server.telling.catchup.MOMENT_S", 5.0)  # nobody reads what is on its way
    more = {region: await second_hub(earth, make_hub, region) for region in ("eu", "us")}
    alice, bob = await made(earth)
    await is_known(earth, "@bob", "us")
    others = [await more["eu"].login("alice"), await more["us"].login("bob")]
    everyone = [alice, bob, *others]
    assert all("#room" in one.welcome["boxes"] for one in others)
    for number, client in enumerate(everyone):
        for place in range(10):
            said_as = f"m{number}-{place}"
            ack = await client.ask("message", id=said_as, to="#room", text=said_as)
            assert ack["type"] == "ack"
    await in_step(earth, "us")
    for number, client in enumerate(everyone):
        said = []
        while len(said) < (30 if number in (0, 2) else 40):  # at home, an ack stands for one's own
            frame = await client.until(lambda frame: frame.get("box") == "#room")
            said += [frame] if frame["type"] == "message" else []
        assert [one["seq"] for one in said] == sorted({one["seq"] for one in said})
    told = [earth["us"], more["us"]]
    assert sum(hub.app.services.counters.relay_gaps for hub in told) < 20  # else from the store


async def test_joins_of_rooms_elsewhere_count_as_posts(earth: Earth) -> None:
    _, bob = await made(earth)
    earth["us"].app.services.hub.parties["@bob"].bucket = Bucket(0.001, 1)
    assert (await bob.ask("join", room="#room"))["code"] == "already_a_member"
    assert (await bob.ask("leave", room="#room"))["code"] == "rate_limited"


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_doubled_or_out_of_order_while_links_come_and_go(
    earth: Earth, seed: int
) -> None:
    draw = Random(seed)
    alice, bob = await made(earth)
    carol = await earth["ap"].register("carol")
    await carol.ask("join", room="#room")
    speakers = {"@alice": alice, "@bob": bob, "@carol": carol}
    for number in range(40):
        for client in speakers.values():
            id = f"m{number}"
            await client.send({"type": "message", "id": id, "to": "#room", "text": str(number)})
        pair = draw.sample(NAMES, 2)
        draw.choice([earth.cut, earth.kill, earth.heal, earth.heal])(*pair)
        await asyncio.sleep(draw.uniform(0, 0.02))
    for pair in combinations(NAMES, 2):
        earth.heal(*pair)
    total = 3 + 3 * 40

    async def all_there() -> bool:
        return len(await copy_of(earth["eu"])) == total

    await until(all_there)
    await in_step(earth, "us", "ap")
    heard = [2] + [one["seq"] for one in await entries_of(carol, 1 + 3 * 40)]
    assert heard == list(range(2, total + 1))
    page = await bob.ask("history", box="#room", limit=200)
    for who in speakers:
        said = [one["text"] for one in page["entries"] if one["from"] == who and "text" in one]
        assert said == [str(number) for number in range(40)]
    await earth.judge()


async def test_the_status_of_what_was_posted_in_another_region(earth: Earth) -> None:
    _, bob = await made(earth)
    report = await bob.ask("status", of="join-bob")
    assert (report["outcome"], report["ack"]["id"]) == ("stored", "join-bob")
    assert "seq" not in report["ack"]
    assert (await bob.ask("status", of="never"))["outcome"] == "unknown"
    await bob.ask("message", id="words", to="#room", text="hello")
    assert (await bob.ask("status", of="words"))["outcome"] == "stored"
    earth.cut("us", "eu")
    await until(lambda: not earth.world("us").links["eu"].up)
    assert (await bob.ask("status", of="join-bob"))["code"] == "unavailable"
    assert (await bob.ask("status", of="words"))["outcome"] == "stored"


async def test_the_metrics_count_copies_and_tunnels(earth: Earth) -> None:
    await made(earth)
    await earth["ap"].login("bob")
    await until(lambda: earth.world("eu").mirrors.copies)
    assert "teller_rooms_copied 1.0" in earth["eu"].app.site.answer("/metrics")[2]
    assert "teller_rooms_copied 0.0" in earth["us"].app.site.answer("/metrics")[2]
    assert "teller_tunnels 1.0" in earth["ap"].app.site.answer("/metrics")[2]


async def test_a_region_may_not_pay_on_behalf_of_anyone(earth: Earth) -> None:
    alice, _ = await made(earth)
    frame = Payment("p", "@bob", 1_00, "USD")
    reply = await earth.world("us").links["eu"].ask(Ask("@alice", 0, MSGPACK.encode(frame)))
    assert isinstance(reply, Told)
    assert MSGPACK.decode_hub_frame(reply.frame).code == "forbidden"  # type: ignore[attr-defined]
    assert (await alice.ask("balance"))["balances"]["USD"]["available"] == 100_00
