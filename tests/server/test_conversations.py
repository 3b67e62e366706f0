"""The list of conversations: states, the last entry, and unread entries, which are never counted in
a counter that could get stuck."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from protocol.frames import DeleteEntry, MessageEntry, ReadEntry, Ref
from server.handlers import listing
from server.reading.conversations import Walk, parse_contacts, state_of
from tests.support import Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]


@pytest.fixture(params=[1, 16])
async def hub(request: pytest.FixtureRequest, make_hub: MakeHub) -> Hub:
    return await make_hub(strangers="ask", partitions=request.param)


async def listed(client: Client) -> dict[str, dict[str, Any]]:
    answer = await client.ask("conversations")
    assert answer["type"] == "conversations", answer
    return {one["who"]: one for one in answer["conversations"]}


async def heard(client: Client, id: str) -> dict[str, Any]:
    return await client.until(lambda frame: frame.get("id") == id and "from" in frame)


async def test_states_of_both_sides(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    assert await listed(alice) == {"@alice": {"who": "@alice", "state": "self"}}
    said = await alice.ask("message", to="@bob", text="hi")
    await heard(bob, said["id"])
    assert (await listed(alice))["@bob"]["state"] == "sent"
    assert (await listed(bob))["@alice"]["state"] == "request"
    said = await bob.ask("message", to="@alice", text="hi yourself")
    await heard(alice, said["id"])
    assert (await listed(alice))["@bob"]["state"] == "accepted"
    assert (await listed(bob))["@alice"]["state"] == "accepted"
    await bob.ask("block", who="@alice")
    assert (await listed(bob))["@alice"]["state"] == "blocked"
    assert (await listed(alice))["@bob"]["state"] == "accepted"  # nobody is told


async def test_who_was_declined_is_not_told(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    said = await alice.ask("message", to="@bob", text="hi")
    await heard(bob, said["id"])
    await bob.ask("decline", who="@alice")
    assert (await listed(bob))["@alice"]["state"] == "declined"
    assert (await listed(alice))["@bob"]["state"] == "sent"


async def test_money_that_waits_stands_in_the_list(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("payment", to="@bob", amount=100, currency="USD", id="p")
    await alice.ask("payment", to="@bob", amount=20, currency="USD", id="q")
    await heard(bob, "q")
    found = (await listed(bob))["@alice"]
    assert (found["waiting"], found["unread"], found["state"]) == ({"USD": 120}, 2, "request")
    assert found["last"]["id"] == "q"
    await bob.ask("accept", who="@alice")
    await bob.until(lambda frame: frame["type"] == "settled" and frame["id"] == "q")
    assert "waiting" not in (await listed(bob))["@alice"]


async def test_a_payment_that_came_back_is_no_payment_in_the_list(hub: Hub) -> None:
    """Complaint 18: the preview says "you paid" for money that never got there."""
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("payment", to="@bob", amount=100, currency="USD", id="p")
    await heard(bob, "p")
    await bob.ask("decline", who="@alice")
    await alice.until(lambda frame: frame["type"] == "returned")
    assert (await listed(alice))["@bob"]["last"]["type"] == "returned"


async def test_unread_is_what_stands_behind_the_marker(hub: Hub) -> None:
    """Complaint 13: badges that never clear."""
    alice, bob = await hub.register("alice"), await hub.register("bob")
    ids = [(await alice.ask("message", to="@bob", text=f"{n}"))["id"] for n in range(3)]
    await heard(bob, ids[-1])
    assert (await listed(bob))["@alice"]["unread"] == 3
    await bob.ask("read", to="@alice", up_to=ids[1])
    found = (await listed(bob))["@alice"]
    assert found["unread"] == 1
    page = await bob.ask("history", box="@bob")
    assert [one["id"] for one in page["entries"] if one["seq"] == found["read_up_to"]] == [ids[1]]
    await bob.ask("read", to="@alice", up_to=ids[2])
    assert "unread" not in (await listed(bob))["@alice"]
    # A marker of another device, which was slower, takes nothing back.
    await bob.ask("read", to="@alice", up_to=ids[0])
    assert "unread" not in (await listed(bob))["@alice"]


async def test_who_answers_has_read_what_came_before(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    said = await alice.ask("message", to="@bob", text="hi")
    await heard(bob, said["id"])
    await bob.ask("message", to="@alice", text="hi")
    assert "unread" not in (await listed(bob))["@alice"]


async def test_a_room_is_counted_from_the_marker_or_the_join(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("create", room="#tea")
    await alice.ask("message", to="#tea", text="before bob came")
    await bob.ask("join", room="#tea")
    ids = [(await alice.ask("message", to="#tea", text=f"{n}"))["id"] for n in range(3)]
    await heard(bob, ids[-1])
    found = (await listed(bob))["#tea"]
    assert (found["state"], found["unread"], found["last"]["id"]) == ("room", 3, ids[-1])
    await bob.ask("read", to="#tea", up_to=ids[1])
    assert (await listed(bob))["#tea"]["unread"] == 1
    await bob.ask("read", to="#tea", up_to=ids[2])
    assert "unread" not in (await listed(bob))["#tea"]


async def test_a_deleted_message_is_not_unread_and_its_words_are_gone(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    said = await alice.ask("message", to="@bob", text="oops")
    await heard(bob, said["id"])
    await bob.ask("accept", who="@alice")
    gone = await alice.ask("delete", to="@bob", ref={"from": "@alice", "id": said["id"]})
    assert gone["type"] == "ack", gone
    await bob.until(lambda frame: frame["type"] == "delete")
    found = (await listed(bob))["@alice"]
    assert "unread" not in found
    assert (found["last"]["text"], found["last"]["gone"]) == ("", "deleted")


async def test_arrangements_last_and_are_ones_own(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    said = await alice.ask("message", to="@bob", text="hi")
    await heard(bob, said["id"])
    first = await alice.ask("arrange", id="a", who="@bob", muted=True, pinned=True)
    assert first["type"] == "ack"
    again = await alice.ask("arrange", id="a", who="@bob", muted=True, pinned=True)
    assert again.pop("replayed")
    assert again == first
    altered = await alice.ask("arrange", id="a", who="@bob", muted=False)
    assert altered["code"] == "id_reused"
    await alice.ask("arrange", who="@bob", pinned=False, archived=True)
    found = (await listed(alice))["@bob"]
    assert (found.get("muted"), found.get("pinned"), found.get("archived")) == (True, None, True)
    assert "muted" not in (await listed(bob))["@alice"]
    await alice.ask("arrange", who="@alice", pinned=True)
    assert (await listed(alice))["@alice"]["pinned"]
    refused = {"$world": "name_invalid", "@carl": "unknown_account", "#tea": "not_a_member"}
    for who, code in refused.items():
        assert (await alice.ask("arrange", who=who, muted=True))["code"] == code
    assert list(await listed(alice)) == ["@alice", "@bob"]


async def test_pages_go_on_after_a_name(hub: Hub) -> None:
    alice = await hub.register("alice")
    for name in ("bob", "carl", "dora"):
        await hub.register(name)
        await alice.ask("message", to=f"@{name}", text="hi")
    first = await alice.ask("conversations", limit=2)
    assert [one["who"] for one in first["conversations"]] == ["@alice", "@bob"]
    assert first["more"]
    rest = await alice.ask("conversations", after="@bob")
    assert [one["who"] for one in rest["conversations"]] == ["@carl", "@dora"]
    assert not rest["more"]


async def test_nobody_lists_before_coming_in(hub: Hub) -> None:
    refused = await (await hub.connect()).ask("conversations")
    assert refused["code"] == "unauthenticated"


async def test_a_long_box_is_walked_in_pages_and_then_says_at_least(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await make_hub(rate_limits=False)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    for number in range(30):
        await alice.ask("message", to="@bob", text=f"{number}", id=f"m{number}")
    await heard(bob, "m29")
    monkeypatch.setattr(listing, "OWN_ENTRIES", 4)
    found = (await listed(bob))["@alice"]
    assert (found["unread"], found.get("unread_more")) == (30, None)
    monkeypatch.setattr(listing, "OWN_PAGES", 2)
    found = (await listed(bob))["@alice"]
    assert (found["unread"], found["unread_more"]) == (8, True)


async def test_two_hubs_say_the_same(make_hub: MakeHub) -> None:
    first = await make_hub(strangers="ask", partitions=4)
    assert first.app.embedded is not None
    second = await make_hub("second", strangers="ask", store=str(first.app.embedded.endpoint))
    await until(lambda: first.app.services.relay.others)
    alice, bob = await first.register("alice"), await first.register("bob")
    said = await alice.ask("message", to="@bob", text="hi")
    await heard(bob, said["id"])
    assert await listed(await second.login("bob")) == await listed(bob)


# --- the walk alone ---


def test_contacts_are_read() -> None:
    fields = {b"@bob": b"", b"m:@bob": b"", b"r:#tea": b"x", b"p:#tea": b"", b"#tea": b""}
    found = parse_contacts(fields)
    assert (found.people, found.flags, found.read) == (
        {"@bob"},
        {"@bob": {"m"}, "#tea": {"p"}},
        {"#tea": "x"},
    )


@pytest.mark.parametrize("seed", range(20))
def test_unread_is_what_a_reader_would_count(seed: int) -> None:
    """Whatever happens in a box, in whatever pages it is read."""
    chance = random.Random(seed)
    box: list[Any] = []
    for seq in range(1, chance.randint(2, 60)):
        other = chance.choice(["@bob", "@carl"])
        mine = [one for one in box if isinstance(one, MessageEntry) and one.from_ == other]
        if chance.random() < 0.2 and mine:
            up_to = chance.choice(mine).id
            box.append(ReadEntry(f"{seq}", "@me", other, up_to, "@me", seq, 1))
        elif chance.random() < 0.1 and mine:
            ref = Ref(other, chance.choice(mine).id)
            box.append(DeleteEntry(f"{seq}", other, "@me", ref, "@me", seq, 1))
        else:
            pair = (other, "@me") if chance.random() < 0.8 else ("@me", other)
            box.append(MessageEntry(f"{seq}", *pair, "hi", box="@me", seq=seq, at=1))
    walk, rest = Walk("@me", now=2), list(box)
    while rest:
        size = chance.randint(1, 7)
        walk.back(rest[-size:])
        del rest[-size:]
    walk.end()
    for other in ("@bob", "@carl"):
        read = 0
        for one in box:
            if isinstance(one, ReadEntry) and one.to == other:
                read = max(read, *(m.seq for m in box[: one.seq] if m.id == one.up_to))
            if isinstance(one, MessageEntry) and (one.from_, one.to) == ("@me", other):
                read = max(read, one.seq)
        deleted = {one.ref.id for one in box if isinstance(one, DeleteEntry)}
        unread = [
            one
            for one in box
            if isinstance(one, MessageEntry)
            and one.from_ == other
            and one.seq > read
            and one.id not in deleted
        ]
        assert walk.of(other).unread == len(unread)


@pytest.mark.parametrize(
    ("own", "theirs", "heard", "state"),
    [
        ("1", "A", True, "request"),
        ("B", "A", True, "blocked"),
        ("D", "A", True, "declined"),
        ("A", "A", False, "accepted"),
        ("A", "1", False, "sent"),
        ("A", "D", False, "sent"),
        ("A", "B", False, "sent"),
        ("A", "B", True, "accepted"),
        ("A", "?", False, "sent"),
        ("A", "?", True, "accepted"),
        ("-", "-", False, "sent"),
    ],
)
def test_state(own: str, theirs: str, heard: bool, state: str) -> None:
    assert state_of(own, theirs, heard) == state
