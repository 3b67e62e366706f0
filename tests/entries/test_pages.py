"""Pages of history both ways, by date, with what changed later; and threads."""

from __future__ import annotations

import pytest

from server.reading import pages
from tests.entries.town import Frame, Town, came, ok, page, ref, refused, say


def _texts(found: Frame) -> list[str]:
    return [one.get("text", "") for one in found["entries"]]


async def _talk(town: Town, to: str, count: int) -> tuple[str, int]:
    """So many messages of Alice; the box, and the seq of the first."""
    box = to if to[0] == "#" else "@alice"
    first = 0
    for n in range(count):
        ack = await ok(town.alice, "message", to=to, text=f"{n}")
        first = first or ack["seq"]
    return box, first


@pytest.mark.parametrize("to", ["#tea", "@alice"])
async def test_both_ways(town: Town, to: str) -> None:
    box, first = await _talk(town, to, 10)
    up = await page(town.alice, box, after=first - 1, limit=4)
    assert (_texts(up), up["more"]) == (["0", "1", "2", "3"], True)
    up = await page(town.alice, box, after=up["entries"][-1]["seq"], limit=6)
    assert (_texts(up), up["more"]) == (["4", "5", "6", "7", "8", "9"], False)
    assert _texts(await page(town.alice, box, after=first + 9)) == []
    assert _texts(await page(town.alice, box, after=10**9)) == []
    down = await page(town.alice, box, before=first + 3, limit=2)
    assert (_texts(down), down["more"]) == (["1", "2"], True)


async def test_only_one_place_to_begin(town: Town) -> None:
    for two in ({"before": 3, "after": 1}, {"after": 1, "at": 1}, {"before": 3, "at": 1}):
        assert await refused(town.alice, "history", box="@alice", **two) == "malformed"


async def test_long_entries_upwards_leave_no_gap(town: Town) -> None:
    long, (box, first) = "y" * 60_000, await _talk(town, "@alice", 3)
    for n in range(5):
        await say(town.alice, "@alice", f"{n}{long}")
    await _talk(town, "@alice", 3)
    seqs: list[int] = []
    after, more = first - 1, True
    while more:
        found = await page(town.alice, box, after=after, limit=200)
        assert sum(len(text) for text in _texts(found)) <= pages.PAGE_BYTES_MAX
        seqs += [one["seq"] for one in found["entries"]]
        after, more = seqs[-1], found["more"]
    assert seqs == list(range(first, first + 11))


@pytest.mark.parametrize("count", [1, 7, 60])
async def test_jump_to_a_date(town: Town, count: int) -> None:
    box, _ = await _talk(town, "#tea", count)
    everything = (await page(town.alice, box, limit=200))["entries"]
    times = sorted({one["at"] for one in everything})
    chosen = times[:: max(1, len(times) // 7)]
    for at in (1, *chosen, *(at + 1 for at in chosen), times[-1] + 1):
        found = await page(town.alice, box, at=at, limit=3)
        wanted = [one for one in everything if one["at"] >= at]
        assert found["entries"] == wanted[:3], at
        assert found["more"] is (len(wanted) > 3)


async def test_an_old_page_comes_with_what_changed_it(town: Town) -> None:
    box, first = await _talk(town, "#tea", 3)
    entries = (await page(town.alice, box, after=first - 1))["entries"]
    refs = [ref("@alice", one["id"]) for one in entries]
    for text in ("zero", "null"):
        await ok(town.alice, "edit", to="#tea", ref=refs[0], text=text)
    await ok(town.alice, "react", to="#tea", ref=refs[1], emoji="👍")
    await ok(town.alice, "pin", to="#tea", ref=refs[2])
    await ok(town.alice, "delete", to="#tea", ref=refs[2])
    found = await page(town.alice, box, after=first - 1, limit=3)
    later = [(one["type"], one.get("text", one.get("emoji", ""))) for one in found["later"]]
    assert later == [("edit", "null"), ("react", "👍"), ("pin", ""), ("delete", "")]
    assert [one["seq"] for one in found["later"]] == sorted(one["seq"] for one in found["later"])
    short = await page(town.alice, box, after=first - 1, limit=1)
    assert [one["type"] for one in short["later"]] == ["edit"]
    rest = await page(town.alice, box, after=first - 1, limit=200)
    assert "later" not in rest


async def test_later_entries_are_bounded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LATER_MAX", 3)
    box, first = await _talk(town, "#tea", 2)
    entries = (await page(town.alice, box, after=first - 1))["entries"]
    for emoji in "ABCDE":
        await ok(town.alice, "react", to="#tea", ref=ref("@alice", entries[0]["id"]), emoji=emoji)
    await ok(town.alice, "delete", to="#tea", ref=ref("@alice", entries[1]["id"]))
    found = await page(town.alice, box, after=first - 1, limit=2)
    kept = [one.get("emoji", one["type"]) for one in found["later"]]
    assert kept == ["D", "E", "delete"]


@pytest.mark.parametrize("to", ["#tea", "@bob"])
async def test_a_thread_is_all_that_was_said_about_an_entry(town: Town, to: str) -> None:
    root = await say(town.alice, to, "who comes?")
    await came(town.bob, "message")
    place = "@alice" if to == "@bob" else to
    about = ref("@alice", root)
    reply = await say(town.bob, place, "me", ref=about, thread=about)
    await came(town.alice, "message")
    await say(town.alice, to, "something else")
    await say(town.alice, to, "and I", thread=about)
    await ok(town.alice, "react", to=to, ref=about, emoji="🎉")
    await ok(town.alice, "edit", to=to, ref=about, text="who comes today?")
    for _ in range(2):
        await came(town.bob, "message")
    await came(town.bob, "edit")
    await ok(town.bob, "edit", to=place, ref=ref("@bob", reply), text="me too")
    await came(town.alice, "edit")
    for client, box in ((town.alice, "@alice"), (town.bob, "@bob")):
        box = to if to == "#tea" else box
        found = await ok(client, "thread", box=box, ref=about)
        assert [one["type"] for one in found["entries"]] == ["message", "message", "react", "edit"]
        assert [one["text"] for one in found["later"]] == ["me too"]
        assert found["more"] is False
        first = await ok(client, "thread", box=box, ref=about, limit=2)
        assert (_texts(first), first["more"]) == (["me", "and I"], True)
        after = first["entries"][-1]["seq"]
        rest = await ok(client, "thread", box=box, ref=about, after=after)
        assert [one["type"] for one in rest["entries"]] == ["react", "edit"]


async def test_threads_of_others_are_not_shown(town: Town) -> None:
    root = await say(town.alice, "@bob", "between us")
    about = {"ref": ref("@alice", root)}
    assert await refused(town.carol, "thread", box="@bob", **about) == "forbidden"
    assert await refused(town.carol, "thread", box="#nowhere", **about) == "not_a_member"
    found = await ok(town.carol, "thread", box="@carol", **about)
    assert (found["entries"], found["more"]) == ([], False)


async def test_replies_that_come_together_are_each_found(town: Town) -> None:
    about = ref("@alice", await say(town.alice, "#tea", "who comes?"))
    ids = [f"reply-{n}" for n in range(9)]
    for id in ids:
        frame = {"type": "message", "id": id, "to": "#tea", "text": id, "ref": about}
        await town.alice.send(frame)
    acks = [await town.alice.answer(id) for id in ids]
    found = await ok(town.alice, "thread", box="#tea", ref=about)
    assert _texts(found) == ids
    assert [one["seq"] for one in found["entries"]] == [ack["seq"] for ack in acks]
