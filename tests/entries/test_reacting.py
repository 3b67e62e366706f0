"""Reactions and pins."""

from __future__ import annotations

import pytest

from server.ledger.notes import REACTIONS_MAX, TAGGED
from server.store.client import redis_client
from tests.entries.town import Town, came, new_id, ok, page, ref, refused, say, seen

TO = ("@bob", "#tea")


def _other(to: str) -> str:
    return "@alice" if to == "@bob" else to


@pytest.mark.parametrize("to", TO)
async def test_each_emoji_of_each_person_counts_once(town: Town, to: str) -> None:
    id = await say(town.alice, to, "news")
    await came(town.bob, "message")
    place = _other(to)
    for emoji in ("👍", "👍", "🎉"):
        await ok(town.bob, "react", to=place, ref=ref("@alice", id), emoji=emoji)
    await ok(town.alice, "react", to=to, ref=ref("@alice", id), emoji="👍")
    await ok(town.bob, "react", to=place, ref=ref("@alice", id), emoji="🎉", remove=True)
    await town.alice.until(lambda frame: frame.get("remove") is True)
    await came(town.bob, "react")
    for who, where in ((town.alice, to), (town.bob, place)):
        view = await seen(who, where, ("@alice", id))
        assert {emoji: set(by) for emoji, by in view.reactions.items()} == {
            "👍": {"@alice", "@bob"}
        }


@pytest.mark.parametrize("to", TO)
async def test_money_can_be_liked_and_what_is_gone_cannot(town: Town, to: str) -> None:
    id, room = new_id(), {"room": "#tea"} if to == "#tea" else {}
    await ok(town.alice, "payment", id=id, to="@bob", amount=5, currency="USD", **room)
    await came(town.bob, "payment")
    place = _other(to)
    await ok(town.bob, "react", to=place, ref=ref("@alice", id), emoji="❤️")
    assert (await seen(town.bob, place, ("@alice", id))).reactions == {"❤️": ("@bob",)}
    words = await say(town.alice, to, "oh")
    await ok(town.alice, "delete", to=to, ref=ref("@alice", words))
    await came(town.bob, "delete")
    react = {"to": place, "emoji": "👍"}
    assert await refused(town.bob, "react", ref=ref("@alice", words), **react) == "unknown_entry"
    unknown = ref("@alice", new_id())
    assert await refused(town.bob, "react", ref=unknown, **react) == "unknown_entry"
    stranger = ref("@carol", "what")
    if to == "@bob":
        assert await refused(town.bob, "react", ref=stranger, **react) == "unknown_entry"


async def test_again_and_altered(town: Town) -> None:
    id = await say(town.alice, "#tea", "news")
    await came(town.bob, "message")
    fields = {"to": "#tea", "ref": ref("@alice", id), "id": new_id()}
    first = await ok(town.bob, "react", emoji="👍", **fields)
    assert await ok(town.bob, "react", emoji="👍", **fields) == {**first, "replayed": True}
    assert await refused(town.bob, "react", emoji="👎", **fields) == "id_reused"


@pytest.mark.parametrize("text", [" ", "a b", "\u202e", "\n", "\u200b"])
async def test_a_reaction_can_be_seen(town: Town, text: str) -> None:
    id = await say(town.alice, "#tea", "news")
    fields = {"to": "#tea", "ref": ref("@alice", id)}
    assert await refused(town.alice, "react", emoji=text, **fields) == "text_invalid"
    for emoji in ("👩\u200d🚀", "❤️", "+1", "🏴\U000e0067\U000e0062\U000e007f"):
        await ok(town.alice, "react", emoji=emoji, **fields)


async def test_in_rooms_admins_pin(town: Town) -> None:
    id = await say(town.bob, "#tea", "the rules")
    await came(town.alice, "message")
    fields = {"to": "#tea", "ref": ref("@bob", id)}
    assert await refused(town.bob, "pin", **fields) == "forbidden"
    await ok(town.alice, "pin", **fields)
    assert (await seen(town.bob, "#tea", ("@bob", id))).pinned
    await ok(town.alice, "role", room="#tea", who="@carol", role="admin")
    await ok(town.carol, "pin", remove=True, **fields)
    assert not (await seen(town.bob, "#tea", ("@bob", id))).pinned
    assert await refused(town.alice, "pin", to="#tea", ref=ref("@bob", new_id())) == "unknown_entry"


async def test_in_a_direct_conversation_both_pin(town: Town) -> None:
    id = await say(town.alice, "@bob", "my address")
    await came(town.bob, "message")
    await ok(town.bob, "pin", to="@alice", ref=ref("@alice", id))
    assert (await came(town.alice, "pin"))["from"] == "@bob"
    assert (await seen(town.alice, "@bob", ("@alice", id))).pinned
    await ok(town.alice, "pin", to="@bob", ref=ref("@alice", id), remove=True)
    assert not (await seen(town.bob, "@alice", ("@alice", id))).pinned


async def _notes(town: Town, box: str, id: str) -> bytes:
    """What the index of a box holds about reactions to words of Alice, as the store has it."""
    assert town.first.app.embedded is not None
    store = redis_client(town.first.app.embedded.endpoint)
    found = await store.hget(town.first.app.services.keyspace.of(box).refs, f"r@alice:{id}")
    await store.aclose()
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("to", TO)
async def test_a_toggled_reaction_takes_one_place(town: Town, to: str) -> None:
    """However often: the reactions of others are still found when the words are read again."""
    id = await say(town.alice, to, "news")
    await came(town.bob, "message")
    place = _other(to)
    fields = {"to": place, "ref": ref("@alice", id)}
    await ok(town.alice, "react", to=to, ref=ref("@alice", id), emoji="👍")
    await came(town.bob, "react")
    for _ in range(5):
        for remove in (False, True):
            await ok(town.bob, "react", emoji="👍", remove=remove, **fields)
    await ok(town.bob, "react", emoji="🎉", **fields)
    await town.alice.until(lambda frame: frame.get("emoji") == "🎉")
    for who, box in ((town.alice, "@alice"), (town.bob, "@bob")):
        box = to if to == "#tea" else box
        (words,) = [one for one in (await page(who, box))["entries"] if one.get("id") == id]
        later = (await page(who, box, after=words["seq"] - 1, limit=1))["later"]
        told = [(one["from"], one["emoji"], one.get("remove", False)) for one in later]
        assert told == [("@alice", "👍", False), ("@bob", "👍", True), ("@bob", "🎉", False)]
        assert len(await _notes(town, box, id)) == 3 * TAGGED


@pytest.mark.parametrize("to", TO)
async def test_nobody_has_more_than_so_many_reactions_to_one_entry(town: Town, to: str) -> None:
    """Those taken back count, too; what one has can still be toggled, and others can react."""
    id = await say(town.alice, to, "news")
    await came(town.bob, "message")
    fields = {"to": _other(to), "ref": ref("@alice", id)}
    for number in range(REACTIONS_MAX):
        await ok(town.bob, "react", emoji=chr(0x1F600 + number), **fields)
    one_more = {"type": "react", "id": new_id(), "emoji": "🎉", **fields}
    await town.bob.send(one_more)
    refusal = await town.bob.answer(one_more["id"])
    assert (refusal["code"], refusal["details"]) == (
        *("limit_exceeded", {"limit": REACTIONS_MAX, "of": "reactions"}),
    )
    await ok(town.bob, "react", emoji=chr(0x1F600), remove=True, **fields)
    assert await refused(town.bob, "react", emoji="🎉", **fields) == "limit_exceeded"
    await ok(town.bob, "react", emoji=chr(0x1F600), **fields)
    await ok(town.alice, "react", to=to, ref=ref("@alice", id), emoji="🎉")
    other = await say(town.alice, to, "more news")
    await came(town.bob, "message")
    await ok(town.bob, "react", to=_other(to), ref=ref("@alice", other), emoji="🎉")
