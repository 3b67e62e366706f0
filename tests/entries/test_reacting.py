"""Reactions and pins."""

from __future__ import annotations

import pytest

from tests.entries.town import Town, came, new_id, ok, ref, refused, say, seen

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
    assert (await came(town.alice, "react"))["emoji"] == "👍"
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
