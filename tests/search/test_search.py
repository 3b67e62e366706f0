"""The frame `search`: who finds what, in which order, and who never does."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from tests.search.conftest import MakeHubs, a_moment, find, find_all, page_of, say
from tests.support import Client, Hub, until


async def test_ones_own_box_and_rooms_only(hub: Hub) -> None:
    alice, bob, eve = [await hub.register(name) for name in ("alice", "bob", "eve")]
    await alice.ask("create", room="#town")
    await bob.ask("join", room="#town")
    await say(alice, "#town", "the parrot in the room")
    await say(alice, "@bob", "the parrot for bob")
    await say(alice, "@alice", "my own parrot")
    assert await find_all(bob, words="parrot") == ["the parrot for bob", "the parrot in the room"]
    assert await find_all(alice, words="parr") == [
        "my own parrot",
        "the parrot for bob",
        "the parrot in the room",
    ]
    assert await find(eve, words="parrot") == []
    assert await find(eve, words="parrot", box="@bob") == []
    assert await find(eve, words="parrot", who="@alice") == []
    refused = await eve.ask("search", words="parrot", box="#town")
    assert refused["code"] == "not_a_member"


async def test_a_room_that_was_left_is_not_searched(hub: Hub) -> None:
    alice, bob, carol = [await hub.register(name) for name in ("alice", "bob", "carol")]
    await alice.ask("create", room="#town")
    for one in (bob, carol):
        await one.ask("join", room="#town")
    await say(alice, "#town", "hello parrot")
    assert await find(bob, words="parrot") == ["hello parrot"]
    await bob.ask("leave", room="#town")
    await alice.ask("kick", room="#town", who="@carol")
    await carol.until(lambda frame: frame["type"] == "kick")
    for one in (bob, carol):
        assert await find(one, words="parrot") == []
        assert (await one.ask("search", box="#town"))["code"] == "not_a_member"
    assert await find(alice, words="parrot") == ["hello parrot"]


async def test_filters(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("create", room="#town")
    await bob.ask("join", room="#town")
    await say(alice, "#town", "lunch in town")
    await a_moment()
    middle = await say(alice, "@bob", "lunch at noon")
    await a_moment()
    await say(bob, "@alice", "lunch, yes")
    await say(bob, "@bob", "note: lunch")
    paid = {"to": "@bob", "amount": 500, "currency": "USD", "text": "for lunch", "room": "#town"}
    assert (await alice.ask("payment", **paid))["type"] == "ack"
    assert await find(bob, words="lunch", who="@bob") == ["note: lunch", "lunch, yes"]
    assert await find(bob, words="lunch", box="#town") == ["for lunch", "lunch in town"]
    assert await find(bob, words="lunch", box="@bob")  # one's own box, and nothing else
    assert await find(bob, box="@alice") == ["for lunch", "lunch, yes", "lunch at noon"]
    assert await find(bob, money=True) == ["for lunch", "opening balance"]  # shown once, not twice
    assert await find(bob, money=True, who="$world") == ["opening balance"]
    assert await find(bob, words="lunch", until=middle["at"] - 1) == ["lunch in town"]
    since = await find_all(bob, words="lunch", since=middle["at"] + 1)
    assert since == ["for lunch", "lunch, yes", "note: lunch"]
    assert await find(bob, words="lunch", who="@nobody") == []
    page = await bob.ask("search", words="for lunch")
    assert page["hits"][0]["entry"]["amount"] == 500
    assert page["hits"][0]["snippet"] == "for lunch"
    assert "after" not in page
    assert "behind" not in page


async def test_any_language(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob", binary=True)
    texts = [
        "Schöne Grüße",
        "東京タワーで会いましょう",
        "Привет, как дела",
        "ส้มตำอร่อยมาก",
        "ok 👍🏽",
    ]
    for text in texts:
        await say(alice, "@bob", text)
    await say(alice, "@bob", "extraordinarily 東京 京都")
    assert await find(bob, words="extraordinaril") == ["extraordinarily 東京 京都"]
    assert await find(bob, words="extraordinated") == await find(bob, words="東京都") == []
    words = ["schone GRUSSE", "タワー", "привет", "อร่อย", "👍"]
    assert [await find(bob, words=one) for one in words] == [[text] for text in texts]


async def test_pages_stay_while_new_entries_come(hub: Hub) -> None:
    alice = await hub.register("alice")
    await alice.ask("create", room="#one")
    await alice.ask("create", room="#two")
    boxes = ("@alice", "#one", "#two")
    said = [f"word {number}" for number in range(30)]
    for number, text in enumerate(said):
        await say(alice, boxes[number % 3], text)
    seen: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = await page_of(alice, words="word", limit=7, **after)
        seen += [hit["entry"] for hit in page["hits"]]
        if "after" not in page:
            break
        after = {"after": page["after"]}
        await say(alice, "#one", "one more word")
    assert sorted(one["text"] for one in seen) == sorted(said)
    times = [one["at"] for one in seen]
    assert times == sorted(times, reverse=True)


async def test_a_last_page_that_is_full_says_so(hub: Hub) -> None:
    alice = await hub.register("alice")
    for number in range(4):
        await say(alice, "@alice", f"word {number}")
    page = await page_of(alice, words="word", limit=4)
    assert len(page["hits"]) == 4
    assert "after" not in page


async def test_long_texts_make_short_pages(hub: Hub) -> None:
    alice = await hub.register("alice")
    long = "needle " + "x" * 60_000
    for _ in range(5):
        await say(alice, "@alice", long)
    pages, after = [], dict[str, Any]()
    while not pages or after:
        page = await page_of(alice, words="needle", **after)
        pages.append(len(page["hits"]))
        after = {"after": page["after"]} if "after" in page else {}
    assert pages == [2, 2, 1]


async def test_bad_questions(hub: Hub) -> None:
    alice = await hub.register("alice")
    for code, fields in (
        ("malformed", {"words": "?!"}),
        ("malformed", {"after": "here"}),
        ("malformed", {"after": "x.y.@alice"}),
        ("name_invalid", {"box": "$world"}),
        ("name_invalid", {"who": "#room"}),
        ("malformed", {"words": "x" * 300}),
        ("malformed", {"limit": 51}),
        ("malformed", {"money": 1}),
    ):
        assert (await alice.ask("search", **fields))["code"] == code, fields
    assert hub.app.services.search.pid is None  # nobody was disturbed for it


async def test_one_question_at_a_time(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an account, however many connections it has."""
    alice, bob = await hub.register("alice"), await hub.register("bob")
    other, desk = await hub.login("alice"), hub.app.services.search
    answer, held = desk._answer, list[Any]()
    monkeypatch.setattr(desk, "_answer", held.append)
    for id in ("first", "second"):
        await alice.send({"type": "search", "id": id, "words": "word"})
    assert (await alice.answer("second"))["code"] == "busy"
    assert (await other.ask("search", words="word"))["code"] == "busy"
    await alice.close()
    assert (await (await hub.login("alice")).ask("search", words="word"))["code"] == "busy"
    await bob.send({"type": "search", "id": "his", "words": "word"})
    await until(lambda: len(held) == 2)
    monkeypatch.undo()
    for one in held:
        answer(one)
    assert (await bob.answer("his"))["type"] == "found"
    assert await find(other, words="word") == []


async def test_so_many_questions_at_a_time(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.search.desk.OPEN_MAX", 1)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    desk = hub.app.services.search
    answer, held = desk._answer, list[Any]()
    with monkeypatch.context() as slow:
        slow.setattr(desk, "_answer", held.append)
        await alice.send({"type": "search", "id": "first", "words": "word"})
        await until(lambda: desk._open)
        assert (await bob.ask("search", words="word"))["code"] == "busy"
        await until(lambda: held)
    answer(*held)
    assert (await alice.answer("first"))["type"] == "found"
    assert await find(bob, words="word") == []


async def test_a_room_left_while_the_worker_searches(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await alice.ask("create", room="#town")
    await bob.ask("join", room="#town")
    await say(alice, "#town", "hello parrot")
    assert await find(bob, words="parrot") == ["hello parrot"]
    pid = hub.app.services.search.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await bob.send({"type": "search", "id": "question", "words": "parrot"})
    await bob.ask("leave", room="#town")
    os.kill(pid, signal.SIGCONT)
    page = await bob.answer("question")
    assert (page["type"], page["hits"]) == ("found", [])


async def test_the_operator_has_nothing_to_search(hub: Hub) -> None:
    operator = await hub.operator()
    assert (await operator.ask("search", words="word"))["code"] == "forbidden"


async def test_an_empty_question_lists_what_is_newest(hub: Hub) -> None:
    alice = await hub.register("alice")
    for text in ("one", "two"):
        await say(alice, "@alice", text)
    assert await find(alice) == await find(alice, words="  ") == ["two", "one", "opening balance"]


async def test_without_a_worker_search_is_unavailable(make_hub: Any) -> None:
    hub = await make_hub(search=False)
    alice = await hub.register("alice")
    assert (await alice.ask("search", words="word"))["code"] == "unavailable"


@pytest.mark.parametrize("partitions", [1, 4])
async def test_two_hubs(make_hubs: MakeHubs, partitions: int) -> None:
    first, second = await make_hubs(2, partitions=partitions)
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#town")
    await bob.ask("join", room="#town")
    await say(alice, "#town", "parrot in town")
    await say(alice, "@bob", "parrot for bob")
    await bob.until(lambda frame: frame.get("text") == "parrot for bob")
    assert await find_all(bob, words="parrot") == ["parrot for bob", "parrot in town"]
    assert await find_all(alice, words="parrot") == ["parrot for bob", "parrot in town"]
    elsewhere: list[Client] = [await first.login("bob"), await second.login("alice")]
    pages = await asyncio.gather(*(find_all(one, words="parrot") for one in elsewhere))
    assert pages == [["parrot for bob", "parrot in town"]] * 2


async def test_two_hubs_share_an_index(make_hubs: MakeHubs, tmp_path: Any) -> None:
    folder = tmp_path / "shared"
    first, second = await make_hubs(2, search_dir=folder)
    alice, bob = await first.register("alice"), await second.register("bob")
    for number in range(40):
        await say(alice, "@bob", f"word {number}")
    both = await asyncio.gather(*(page_of(one, words="word") for one in (alice, bob)))
    assert [len(page["hits"]) for page in both] == [20, 20]
    figures = [one.app.services.search.figures for one in (first, second)]
    assert all(one is not None for one in figures)
    assert not (second.data / "search").exists()
