"""Whom words call."""

from __future__ import annotations

import pytest

from tests.entries.town import Town, came, ok, page, ref, refused, say


@pytest.mark.parametrize("to", ["@bob", "#tea"])
async def test_whom_words_call_stands_in_the_entry(town: Town, to: str) -> None:
    called = ["@bob", "@nobody_here"]
    id = await say(town.alice, to, "@bob: look", mentions=called)
    assert (await came(town.bob, "message"))["mentions"] == called
    edit = {"to": to, "ref": ref("@alice", id), "text": "@carol: look", "mentions": ["@carol"]}
    await ok(town.alice, "edit", **edit)
    assert (await came(town.bob, "edit"))["mentions"] == ["@carol"]
    box = "@alice" if to == "@bob" else to
    kept = (await page(town.alice, box))["entries"]
    assert [one["mentions"] for one in kept[-2:]] == [called, ["@carol"]]


async def test_only_admins_call_everybody(town: Town) -> None:
    calls = {"to": "#tea", "text": "all of you", "mentions": ["@all"]}
    assert await refused(town.bob, "message", **calls) == "forbidden"
    id = await say(town.bob, "#tea", "bob")
    edit = {"ref": ref("@bob", id), **calls}
    assert await refused(town.bob, "edit", **edit) == "forbidden"
    await ok(town.alice, "message", **calls)
    await ok(town.alice, "role", room="#tea", who="@bob", role="admin")
    await ok(town.bob, "message", **calls)
    await ok(town.bob, "edit", **edit)
    assert await refused(town.alice, "message", **{**calls, "to": "@bob"}) == "forbidden"


@pytest.mark.parametrize("name", ["bob", "#tea", "@", "@Bob", "@bob ", "@bob\n"])
async def test_a_mention_names_a_person(town: Town, name: str) -> None:
    message = {"to": "#tea", "text": "hi", "mentions": [name]}
    assert await refused(town.alice, "message", **message) in ("name_invalid", "malformed")
