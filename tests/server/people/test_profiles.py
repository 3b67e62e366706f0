"""What people and rooms say of themselves, and what they keep to themselves."""

from __future__ import annotations

from tests.server.people.conftest import stored, thinks
from tests.server.relay.conftest import MakeHub
from tests.support import Client, Hub, until


async def profile_of(client: Client, name: str) -> dict[str, object]:
    page = await client.ask("profiles", who=[name])
    (found,) = page["profiles"]
    assert found.pop("who") == name
    return dict(found)


async def test_a_profile_is_seen_everywhere_and_keeps_what_is_left_out(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, phone = await first.register("alice"), await second.login("alice")
    bob = await second.register("bob")
    ack = await alice.ask("profile", id="p1", name="Alice A.", about="at sea")
    assert (ack["type"], ack["box"]) == ("ack", "@alice")
    told = await phone.until(lambda frame: frame.get("id") == "p1")
    assert (told["type"], told["name"], told["about"]) == ("profile", "Alice A.", "at sea")
    await alice.ask("profile", about="")
    assert await profile_of(bob, "@alice") == {"name": "Alice A."}
    assert await profile_of(alice, "@bob") == {}


async def test_a_profile_sent_again_is_answered_again_and_altered_it_is_refused(hub: Hub) -> None:
    alice = await hub.register("alice")
    first = await alice.ask("profile", id="p", name="Alice")
    again = await alice.ask("profile", id="p", name="Alice")
    assert again == {**first, "replayed": True}
    other = await alice.ask("profile", id="p", name="Eve")
    assert (other["code"], other["retry"]) == ("id_reused", "new_id")
    assert (await profile_of(alice, "@alice"))["name"] == "Alice"


async def test_a_profile_that_is_no_profile_changes_nothing(hub: Hub) -> None:
    alice = await hub.register("alice")
    for wrong in ({"name": 7}, {"name": "x" * 65}, {"about": "x" * 513}, {"nick": "A"}):
        assert (await alice.ask("profile", **wrong))["type"] == "error"
    assert (await stored(hub, "HGETALL", "profile", "@alice")).keys() == {b"created"}
    operator, nobody = await hub.operator(), await hub.connect()
    assert (await operator.ask("profile", name="x"))["code"] == "forbidden"
    assert (await nobody.ask("profiles", who=["@alice"]))["code"] == "unauthenticated"


async def test_what_one_says_of_oneself_is_not_stored_in_the_clear(hub: Hub) -> None:
    alice = await hub.register("alice")
    await alice.ask("profile", name="Xylophone", about="Zephyr")
    kept = await stored(hub, "HGETALL", "profile", "@alice")
    kept = b" ".join([*kept.values(), await stored(hub, "LINDEX", "box", "@alice", -1)])
    assert b"Xylophone" not in kept
    assert b"Zephyr" not in kept


async def test_only_those_that_there_are_answer(hubs: list[Hub]) -> None:
    alice = await hubs[0].register("alice")
    who = ["@nobody", "@alice", "#nowhere", "$world", "@alice"]
    page = await alice.ask("profiles", who=who)
    assert [one["who"] for one in page["profiles"]] == ["@alice"]
    assert (await alice.ask("profiles", who=[]))["type"] == "error"


async def test_a_private_room_says_nothing_to_others(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#den", access="private", title="Den")
    await alice.ask("create", room="#tea", title="Tea")
    page = await bob.ask("profiles", who=["#den", "#tea"])
    assert page["profiles"] == [{"who": "#tea", "name": "Tea", "access": "public", "members": 1}]
    assert await profile_of(alice, "#den") == {"name": "Den", "access": "private", "members": 1}


async def test_when_one_was_last_there_is_known_to_those_one_has_accepted(
    make_hub: MakeHub,
) -> None:
    hub = await make_hub(strangers="ask")
    alice, bob = await hub.register("alice"), await hub.register("bob")
    eve = await hub.register("eve")
    await thinks(hub, "@bob", "@alice", "A")
    await bob.close()
    await until(lambda: stored(hub, "HEXISTS", "profile", "@bob", "last"))
    assert (await profile_of(alice, "@bob"))["seen"] == int(
        await stored(hub, "HGET", "profile", "@bob", "last")
    )
    assert "seen" not in await profile_of(eve, "@bob")


async def test_who_hides_it_leaves_no_trail(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.close()
    await until(lambda: stored(hub, "HEXISTS", "profile", "@bob", "last"))
    bob = await hub.hello(bob.welcome["token"], {})
    await bob.ask("profile", seen=False)
    assert await stored(hub, "HEXISTS", "profile", "@bob", "last") == 0
    devices = await stored(hub, "HGETALL", "tokens", "@bob")
    await bob.close()

    async def noted() -> bool:  # when the device was there is its owner's to know
        return bool(await stored(hub, "HGETALL", "tokens", "@bob") != devices)

    await until(noted)
    assert await stored(hub, "HEXISTS", "profile", "@bob", "last") == 0
    assert "seen" not in await profile_of(alice, "@bob")


async def test_a_question_about_many_costs_as_many_frames(make_hub: MakeHub) -> None:
    hub = await make_hub(frames_per_s=0.01, frames_burst=25)
    alice = await hub.register("alice")
    who = [f"@someone{n}" for n in range(200)]
    assert (await alice.ask("profiles", who=who))["type"] == "profiles"
    refused = await alice.ask("profiles", who=who)
    assert (refused["code"], refused["retry"]) == ("rate_limited", "same_id")
