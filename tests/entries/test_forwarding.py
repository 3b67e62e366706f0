"""Words sent on: copied by the hub from where they stand."""

from __future__ import annotations

import pytest

from tests.entries.town import Town, came, new_id, ok, page, ref, refused, say, seen
from tests.support import Client

Source = dict[str, object]


async def _heard(client: Client, text: str, to: str, author: Client, **fields: object) -> Source:
    """A message that `client` got, as the source of a forward."""
    id = await say(author, to, text, **fields)
    entry = await client.until(lambda frame: frame.get("id") == id and "box" in frame)
    return {"ref": ref(entry["from"], id), "box": entry["box"], "seq": entry["seq"]}


async def test_words_go_on_under_their_authors_name(town: Town) -> None:
    source = await _heard(town.bob, "news", "@bob", town.alice)
    await ok(town.bob, "forward", to="@carol", **source)
    sent = await came(town.carol, "forward")
    assert (sent["from"], sent["text"], sent["ref"]) == ("@bob", "news", source["ref"])
    again = {"ref": ref("@bob", sent["id"]), "box": sent["box"], "seq": sent["seq"]}
    await ok(town.carol, "forward", to="#tea", **again)
    onward = await came(town.alice, "forward")
    assert (onward["from"], onward["text"], onward["ref"]) == ("@carol", "news", source["ref"])
    assert (await page(town.alice, "#tea"))["entries"][-1] == onward


async def test_the_newest_words_go_on(town: Town) -> None:
    source = await _heard(town.bob, "nws", "#tea", town.alice)
    await ok(town.alice, "edit", to="#tea", ref=source["ref"], text="news")
    await came(town.bob, "edit")
    await ok(town.bob, "forward", to="@carol", **source)
    assert (await came(town.carol, "forward"))["text"] == "news"


async def test_again_is_answered_even_when_the_source_is_gone(town: Town) -> None:
    source, id = await _heard(town.bob, "news", "@bob", town.alice), new_id()
    first = await ok(town.bob, "forward", id=id, to="@carol", **source)
    await ok(town.alice, "delete", to="@bob", ref=source["ref"])
    await came(town.bob, "delete")
    again = await ok(town.bob, "forward", id=id, to="@carol", **source)
    assert again == {**first, "replayed": True}
    altered = {**source, "seq": source["seq"] + 1}  # type: ignore[operator]
    error = await town.bob.ask("forward", id, to="@carol", **altered)
    assert (error["code"], error["details"]) == ("id_reused", {"field": "content"})
    assert await refused(town.bob, "forward", to="@carol", **source) == "unknown_entry"


async def test_what_cannot_be_forwarded(town: Town) -> None:
    bob = town.bob
    brief = await _heard(bob, "soon gone", "@bob", town.alice, expires_s=3600)
    words = await _heard(bob, "news", "@bob", town.alice)
    hidden = await _heard(bob, "not for me", "#tea", town.alice)
    await ok(bob, "delete", to="#tea", ref=hidden["ref"], only_me=True)
    gone = await _heard(bob, "taken back", "#tea", town.alice)
    await ok(town.alice, "delete", to="#tea", ref=gone["ref"])
    id = new_id()
    await ok(town.alice, "payment", id=id, to="@bob", amount=5, currency="USD", text="tea")
    entry = await came(bob, "payment")
    money = {"ref": ref("@alice", id), "box": "@bob", "seq": entry["seq"]}
    cases = [
        (brief, {}, "forbidden"),
        (money, {}, "unknown_entry"),
        (hidden, {}, "unknown_entry"),
        (gone, {}, "unknown_entry"),
        (words, {"ref": ref("@carol", words["ref"]["id"])}, "unknown_entry"),  # type: ignore[index]
        (words, {"ref": ref("@alice", new_id())}, "unknown_entry"),
        (words, {"ref": ref("@nobody_here", new_id())}, "unknown_entry"),
        (words, {"seq": 1}, "unknown_entry"),
        (words, {"seq": 0}, "unknown_entry"),
        (words, {"seq": 10_000}, "unknown_entry"),
        (words, {"box": "@alice"}, "forbidden"),
        (words, {"box": "#nowhere"}, "not_a_member"),
        (words, {"to": "@nobody_here"}, "unknown_account"),
        (words, {"to": "carol"}, "name_invalid"),
    ]
    for source, change, code in cases:
        fields = {"to": "@carol", **source, **change}
        assert await refused(bob, "forward", **fields) == code, change


async def test_a_room_that_was_left_is_not_read(town: Town) -> None:
    source = await _heard(town.carol, "among us", "#tea", town.alice)
    await ok(town.carol, "leave", room="#tea")
    assert await refused(town.carol, "forward", to="@bob", **source) == "not_a_member"


@pytest.mark.parametrize("to", ["@carol", "#tea"])
async def test_what_is_sent_behind_a_forward_stays_behind(town: Town, to: str) -> None:
    source, ids = await _heard(town.bob, "news", "@bob", town.alice), [new_id(), new_id()]
    await town.bob.send({"type": "forward", "id": ids[0], "to": to, **source})
    await town.bob.send({"type": "message", "id": ids[1], "to": to, "text": "so there"})
    acks = [await town.bob.answer(id) for id in ids]
    assert acks[0]["seq"] + 1 == acks[1]["seq"]


async def test_a_forward_can_be_deleted_and_not_edited(town: Town) -> None:
    source, id = await _heard(town.bob, "news", "@bob", town.alice), new_id()
    await ok(town.bob, "forward", id=id, to="@carol", **source)
    await came(town.carol, "forward")
    edit = {"to": "@carol", "ref": ref("@bob", id), "text": "other news"}
    assert await refused(town.bob, "edit", **edit) == "forbidden"
    await ok(town.bob, "delete", to="@carol", ref=ref("@bob", id))
    await came(town.carol, "delete")
    assert (await seen(town.carol, "@bob", ("@bob", id))).gone == "deleted"


async def test_a_slow_room_is_slow_for_forwards_too(town: Town) -> None:
    source = await _heard(town.bob, "news", "@bob", town.alice)
    await ok(town.alice, "topic", room="#tea", slow_s=600)
    await came(town.bob, "topic")
    await ok(town.bob, "forward", to="#tea", **source)
    assert await refused(town.bob, "forward", to="#tea", **source) == "too_soon"
