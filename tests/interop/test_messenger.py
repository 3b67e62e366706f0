"""Each feature of the messenger from a plain client: `websockets`, with `orjson` or `msgpack`.

One person speaks MessagePack, the other JSON. Nothing here knows the hub's schema or codec.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support import PASSWORD, PATIENCE_S, Hub

from .people import Frame, Native

ROOM = "#tea"
CODE = "a-code-nobody-guesses"


class Guest(Native):
    """Somebody who keeps every frame that came."""

    def __init__(self, url: str, name: str, binary: bool) -> None:
        super().__init__(url, name, binary)
        self.heard: list[Frame] = []

    async def receive(self) -> Frame:
        frame = await super().receive()
        self.heard.append(frame)
        return frame

    async def hears(self, type: str, **fields: Any) -> Frame:
        """The first frame that has all of `fields`, whether it came already or not."""
        wanted = {"type": type, **fields}
        at = 0
        while True:
            while at == len(self.heard):
                await self.hear()
            frame = self.heard[at]
            if all(frame.get(name) == value for name, value in wanted.items()):
                return frame
            at += 1

    async def does(self, type: str, **fields: Any) -> Frame:
        """Post a frame that must be stored."""
        answer = await self.ask(type, **fields)
        assert answer["type"] == "ack", answer
        return answer

    async def fails(self, type: str, **fields: Any) -> str:
        """Post a frame that must be refused; returns the code."""
        answer = await self.ask(type, **fields)
        assert answer["type"] == "error", answer
        return str(answer["code"])

    async def says(self, to: str, text: str, **fields: Any) -> Frame:
        """Say something; returns the `ref` that names it."""
        ack = await self.does("message", to=to, text=text, **fields)
        return {"from": self.name, "id": ack["id"]}

    async def closed(self) -> int:
        """Wait for the end of the connection; returns the close code."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.receive()
        assert self.socket.close_code is not None
        return self.socket.close_code


Meet = Callable[..., Awaitable[list[Guest]]]


@pytest.fixture
async def meet(make_hub: Callable[..., Awaitable[Hub]]) -> AsyncIterator[Meet]:
    """Registers people at a hub where strangers must ask first, and acquaints them."""
    guests: list[Guest] = []
    hubs: list[Hub] = []

    async def start(*names: str, acquainted: bool = True) -> list[Guest]:
        if not hubs:
            hubs.append(await make_hub(strangers="ask"))
        for number, name in enumerate(names):
            guest = Guest(hubs[0].url, name, binary=number % 2 == 0)
            await guest.register()
            guests.append(guest)
        for one in guests if acquainted else ():
            for other in guests:
                if one.name < other.name:
                    await one.says(other.name, "hello")
                    await other.says(one.name, "hello yourself")
        return guests

    yield start
    for guest in guests:
        await guest.leave()


async def conversation(person: Guest, who: str) -> Frame:
    """One conversation of somebody's list."""
    page = await person.ask("conversations")
    (found,) = [each for each in page["conversations"] if each["who"] == who]
    return found


async def becomes(person: Guest, ref: Frame, why: str) -> None:
    """Wait until the words of an entry are gone for the reason `why`."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            page = await person.ask("history", box=person.name)
            (entry,) = [each for each in page["entries"] if each["id"] == ref["id"]]
            if entry.get("gone") == why:
                break
            await asyncio.sleep(0.1)
    assert entry["text"] == ""


async def test_a_stranger_asks_and_money_waits(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob", acquainted=False)
    await alice.says("@bob", "may I?")
    paid = await alice.does("payment", to="@bob", amount=500, currency="USD")
    assert paid["state"] == "waiting"
    asked = await conversation(bob, "@alice")
    assert (asked["state"], asked["unread"]) == ("request", 2)
    assert asked["waiting"] == {"USD": 500}
    assert (await conversation(alice, "@bob"))["state"] == "sent"
    await bob.does("accept", who="@alice")
    await alice.hears("settled", id=paid["id"])
    assert (await bob.ask("balance"))["balances"]["USD"] == {"available": 10_500, "held": 0}
    assert (await conversation(bob, "@alice"))["state"] == "accepted"


async def test_money_of_who_is_declined_goes_back(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob", acquainted=False)
    paid = await alice.does("payment", to="@bob", amount=500, currency="USD")
    await bob.does("decline", who="@alice")
    back = await alice.hears("returned", id=paid["id"])
    assert (back["amount"], back["currency"]) == (500, "USD")
    assert (await alice.ask("balance"))["balances"]["USD"]["available"] == 10_000
    assert await alice.fails("message", to="@bob", text="but") == "not_accepted"


async def test_a_block_ends_words_and_money(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    await bob.does("block", who="@alice")
    assert await alice.fails("message", to="@bob", text="hi") == "not_accepted"
    pay = {"amount": 1, "currency": "USD"}
    assert await alice.fails("payment", to="@bob", **pay) == "not_accepted"
    assert await bob.fails("payment", to="@alice", **pay) == "blocked"
    await bob.does("unblock", who="@alice")
    await alice.says("@bob", "again")


async def test_how_a_conversation_is_arranged_and_what_is_unread(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    before = (await conversation(bob, "@alice")).get("unread", 0)
    ref = await alice.says("@bob", "one")
    ref = await alice.says("@bob", "two")
    assert (await conversation(bob, "@alice"))["unread"] == before + 2
    await bob.does("read", to="@alice", up_to=ref["id"])
    await bob.does("arrange", who="@alice", muted=True, pinned=True)
    listed = await conversation(bob, "@alice")
    assert (listed.get("unread", 0), listed["muted"], listed["pinned"]) == (0, True, True)
    assert listed["last"]["text"] == "two"
    assert (await conversation(bob, "@bob"))["state"] == "self"


async def test_reply_edit_react_pin_thread_and_delete(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    ref = await alice.says("@bob", "frist")
    await bob.says("@alice", "you mean first", ref=ref)
    await bob.says("@alice", "or fist", thread=ref)
    await alice.does("edit", to="@bob", ref=ref, text="first")
    await bob.does("react", to="@alice", ref=ref, emoji="👍")
    await bob.does("pin", to="@alice", ref=ref)
    assert (await bob.hears("edit", ref=ref))["text"] == "first"
    for type, fields in (("react", {"emoji": "👍"}), ("pin", {}), ("message", {})):
        await alice.hears(type, ref=ref, **fields)
    said = await alice.ask("thread", box="@alice", ref=ref)
    kinds = [each["type"] for each in said["entries"]]
    assert sorted(kinds) == ["edit", "message", "message", "pin", "react"]
    assert await bob.fails("edit", to="@alice", ref=ref, text="no") == "forbidden"
    await alice.does("delete", to="@bob", ref=ref)
    await becomes(bob, ref, "deleted")


async def test_money_cannot_be_edited_or_deleted_but_its_note_can_be_hidden(meet: Meet) -> None:
    alice, _ = await meet("@alice", "@bob")
    paid = await alice.does("payment", to="@bob", amount=1, currency="USD", text="secret")
    ref = {"from": "@alice", "id": paid["id"]}
    assert await alice.fails("edit", to="@bob", ref=ref, text="x") == "money_stays"
    assert await alice.fails("delete", to="@bob", ref=ref) == "money_stays"
    await alice.does("delete", to="@bob", ref=ref, note=True)
    page = await alice.ask("history", box="@alice")
    (entry,) = [each for each in page["entries"] if each["id"] == paid["id"]]
    assert entry["amount"] == 1
    assert "secret" not in str(entry)


async def test_forward_quotes_what_was_said(meet: Meet) -> None:
    alice, bob, carol = await meet("@alice", "@bob", "@carol")
    ref = await alice.says("@bob", "the very words")
    heard = await bob.hears("message", id=ref["id"])
    await bob.does("forward", to="@carol", ref=ref, box="@bob", seq=heard["seq"])
    assert (await carol.hears("forward", ref=ref))["text"] == "the very words"


async def test_words_that_disappear(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    ref = await alice.says("@bob", "for a moment", expires_s=1)
    assert (await bob.hears("message", id=ref["id"]))["expires_s"] == 1
    await becomes(bob, ref, "expired")


async def test_receipts_can_be_turned_off_both_ways(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    ref = await alice.says("@bob", "one")
    await bob.does("delivered", to="@alice", up_to=ref["id"])
    await alice.hears("delivered", up_to=ref["id"])
    await bob.does("profile", receipts=False)
    await bob.does("read", to="@alice", up_to=ref["id"])
    await bob.says("@alice", "after it")
    await alice.hears("message", text="after it")
    marks = [each for each in alice.heard if each["type"] == "read"]
    assert marks == []


async def test_typing_and_presence_of_those_watched(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    answer = await alice.ask("watch", who=["@bob"])
    assert answer["online"] == ["@bob"]
    await bob.transmit({"type": "typing", "to": "@alice"})
    await alice.hears("typing", **{"from": "@bob"})
    await bob.transmit({"type": "presence", "state": "away"})
    await alice.hears("presence", **{"from": "@bob"}, state="away")
    await bob.leave()
    await alice.hears("presence", **{"from": "@bob"}, state="offline")


async def test_profiles_and_last_seen(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    await bob.does("profile", name="Bob", about="on the road")
    (found,) = (await alice.ask("profiles", who=["@bob"]))["profiles"]
    assert (found["name"], found["about"]) == ("Bob", "on the road")


async def test_a_room_with_rights(meet: Meet) -> None:
    alice, bob, carol = await meet("@alice", "@bob", "@carol")
    await alice.does("create", room=ROOM, access="private", title="Tea")
    assert await bob.fails("join", room=ROOM) == "not_invited"
    await alice.does("invite", room=ROOM, who="@bob")
    await bob.hears("invite", room=ROOM, who="@bob")
    await bob.does("join", room=ROOM)
    await alice.does("invite", room=ROOM, code=CODE, uses=1)
    await carol.does("join", room=ROOM, code=CODE)
    await alice.does("role", room=ROOM, who="@bob", role="admin")
    await bob.does("mute", room=ROOM, who="@carol", for_s=600)
    assert await carol.fails("message", to=ROOM, text="mmm") == "muted"
    await bob.does("mute", room=ROOM, who="@carol", remove=True)
    await carol.says(ROOM, "@bob: free", mentions=["@bob"])
    assert (await bob.hears("message", to=ROOM))["mentions"] == ["@bob"]
    assert await carol.fails("message", to=ROOM, text="@all", mentions=["@all"]) == "forbidden"
    await bob.does("ban", room=ROOM, who="@carol", for_s=600)
    assert await carol.fails("join", room=ROOM) == "banned"
    assert await alice.fails("leave", room=ROOM) == "owner_stays"
    page = await alice.ask("members", room=ROOM, limit=1)
    assert page["more"]
    rest = await alice.ask("members", room=ROOM, after=page["members"][-1]["who"])
    roles = {each["who"]: each["role"] for each in page["members"] + rest["members"]}
    assert roles == {"@alice": "owner", "@bob": "admin"}
    await alice.does("role", room=ROOM, who="@bob", role="owner")
    await alice.does("leave", room=ROOM)


async def test_a_room_that_asks_and_is_slow(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    await alice.does("create", room=ROOM, access="ask")
    await bob.does("join", room=ROOM)
    await alice.hears("join", room=ROOM, asks=True)
    assert await bob.fails("message", to=ROOM, text="in?") == "not_a_member"
    await alice.does("accept", room=ROOM, who="@bob")
    await bob.hears("accept", room=ROOM)
    await alice.does("topic", room=ROOM, topic="tea only", slow_s=600)
    await bob.says(ROOM, "one")
    assert await bob.fails("message", to=ROOM, text="two") == "too_soon"
    (room,) = (await bob.ask("profiles", who=[ROOM]))["profiles"]
    assert (room["about"], room["slow_s"], room["members"]) == ("tea only", 600, 2)
    await alice.does("role", room=ROOM, who="@bob", role="reader")
    assert await bob.fails("message", to=ROOM, text="three") == "read_only"
    await alice.does("kick", room=ROOM, who="@bob")
    assert await bob.fails("history", box=ROOM) == "not_a_member"


async def test_history_goes_both_ways_and_to_a_day(meet: Meet) -> None:
    alice, _ = await meet("@alice", "@bob")
    for number in range(6):
        await alice.says("@alice", f"note {number}")
    first = (await alice.ask("history", box="@alice", after=0, limit=2))["entries"]
    assert [each["seq"] for each in first] == [1, 2]
    after = await alice.ask("history", box="@alice", after=2, limit=2)
    assert [each["seq"] for each in after["entries"]] == [3, 4]
    before = await alice.ask("history", box="@alice", before=3, limit=2)
    assert [each["seq"] for each in before["entries"]] == [1, 2]
    at = after["entries"][-1]["at"]
    from_then = (await alice.ask("history", box="@alice", at=at, limit=50))["entries"]
    assert all(each["at"] >= at for each in from_then)
    assert after["entries"][-1]["id"] in [each["id"] for each in from_then]


async def test_search_in_ones_own_boxes(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    await alice.says("@bob", "the violin concert is on Friday")
    await alice.says("@bob", "バイオリンの演奏会")
    await alice.does("payment", to="@bob", amount=5, currency="USD", text="violin strings")
    answer = await bob.ask("search", words="violin")
    texts = [hit["entry"]["text"] for hit in answer["hits"]]
    assert texts == ["violin strings", "the violin concert is on Friday"]
    assert "violin" in answer["hits"][0]["snippet"]
    page = await bob.ask("search", words="violin", limit=1)
    rest = await bob.ask("search", words="violin", limit=1, after=page["after"])
    assert rest["hits"][0]["entry"]["text"] == texts[1]
    money = await bob.ask("search", words="violin", money=True)
    assert [hit["entry"]["type"] for hit in money["hits"]] == ["payment"]
    assert len((await bob.ask("search", words="演奏会"))["hits"]) == 1
    assert (await bob.ask("search", words="nothing such"))["hits"] == []


async def test_devices_are_listed_and_cut_off(meet: Meet) -> None:
    alice, *_ = await meet("@alice")
    other = Guest(alice.url, "@alice", binary=False)
    await other.dial()
    answer = await other.ask("login", handle="alice", password=PASSWORD, device="my phone")
    assert answer["type"] == "welcome"
    devices = (await alice.ask("devices"))["devices"]
    (phone,) = [each for each in devices if each["name"] == "my phone"]
    assert [each.get("current", False) for each in devices].count(True) == 1
    await alice.does("revoke", device=phone["device"])
    assert await other.closed() == 4500
    await other.dial()
    assert await other.fails("hello", token=answer["token"]) == "token_invalid"
    await other.leave()
    assert await alice.fails("revoke", device="0123456789abcdef") == "unknown_device"


async def test_export_and_erase(meet: Meet) -> None:
    alice, bob = await meet("@alice", "@bob")
    ref = await alice.says("@bob", "soon forgotten")
    await bob.hears("message", id=ref["id"])
    report = await alice.ask("export")
    assert (report["handle"], report["balances"]["USD"]["available"]) == ("alice", 10_000)
    assert "@bob" in report["contacts"]
    assert report["boxes"]["@alice"] >= 3
    assert await alice.fails("erase", password=PASSWORD) == "not_empty"
    await alice.does("payment", to="@bob", amount=10_000, currency="USD")
    assert await alice.fails("erase", password="wrong one") == "login_failed"
    await alice.does("erase", password=PASSWORD)
    assert await alice.closed() == 4500
    await becomes(bob, ref, "erased")
    assert await bob.fails("message", to="@alice", text="still there?") == "account_closed"


async def test_suspend_by_the_operator(meet: Meet, make_hub: Any) -> None:
    hub = await make_hub(data="suspended")
    alice = Guest(hub.url, "@alice", binary=True)
    await alice.register()
    operator = await hub.operator()
    answer = await operator.ask("suspend", who="@alice", suspended=True)
    assert answer["type"] == "ack"
    assert await alice.closed() >= 4500
    await alice.dial()
    assert await alice.fails("hello", token=alice.token) == "suspended"
    with contextlib.suppress(ConnectionClosed):
        await alice.leave()
