"""Edits: who may, what is refused, and what everybody sees."""

from __future__ import annotations

import pytest

from protocol.folding import fold
from server.reading import rules
from tests.entries.town import Town, came, new_id, ok, page, ref, refused, say, seen

TO = ("@bob", "#tea")


def _other(to: str) -> str:
    return "@alice" if to == "@bob" else to


@pytest.mark.parametrize("to", TO)
async def test_everybody_sees_the_new_words_and_how_it_was(town: Town, to: str) -> None:
    id = await say(town.alice, to, "helo")
    await ok(town.alice, "edit", to=to, ref=ref("@alice", id), text="hello")
    live = await came(town.bob, "edit")
    assert (live["ref"], live["text"]) == (ref("@alice", id), "hello")
    for who, place in ((town.alice, to), (town.bob, _other(to))):
        view = await seen(who, place, ("@alice", id))
        assert (view.text, view.earlier) == ("hello", ("helo",))


@pytest.mark.parametrize("to", TO)
async def test_only_ones_own_words(town: Town, to: str) -> None:
    id = await say(town.bob, _other(to) if to[0] == "@" else to, "mine")
    await came(town.alice, "message")
    edit = {"to": to, "ref": ref("@bob", id), "text": "yours"}
    assert await refused(town.alice, "edit", **edit) == "forbidden"
    assert (await seen(town.alice, to, ("@bob", id))).text == "mine"


@pytest.mark.parametrize("to", TO)
async def test_again_is_answered_as_before_and_altered_is_refused(town: Town, to: str) -> None:
    id, edit = await say(town.alice, to, "one"), new_id()
    fields = {"to": to, "ref": ref("@alice", id), "text": "two", "id": edit}
    first = await ok(town.alice, "edit", **fields)
    again = await ok(town.alice, "edit", **fields)
    assert again == {**first, "replayed": True}
    altered = await town.alice.ask("edit", **{**fields, "text": "three"})
    assert (altered["code"], altered["details"]) == ("id_reused", {"field": "text"})
    assert (await seen(town.alice, to, ("@alice", id))).earlier == ("one",)


async def test_a_deleted_message_is_edited_no_more_but_the_retry_is_answered(town: Town) -> None:
    id, edit = await say(town.alice, "@bob", "one"), new_id()
    fields = {"to": "@bob", "ref": ref("@alice", id), "text": "two"}
    first = await ok(town.alice, "edit", id=edit, **fields)
    await ok(town.alice, "delete", to="@bob", ref=ref("@alice", id))
    assert await refused(town.alice, "edit", **fields) == "unknown_entry"
    again = await ok(town.alice, "edit", id=edit, **fields)
    assert again == {**first, "replayed": True}


async def test_what_cannot_be_edited(town: Town) -> None:
    alice = town.alice
    paid, shown = new_id(), new_id()
    await ok(alice, "payment", id=paid, to="@bob", amount=5, currency="USD", text="tea")
    await ok(alice, "payment", id=shown, to="@bob", amount=5, currency="USD", room="#tea")
    brief = await say(alice, "@bob", "soon gone", expires_s=3600)
    there = await say(alice, "#tea", "in the room")
    other = await say(alice, "@carol", "to another")
    liked = new_id()
    await ok(alice, "react", id=liked, to="#tea", ref=ref("@alice", there), emoji="👍")
    cases = [
        ("@bob", paid, "money_stays"),
        ("#tea", shown, "money_stays"),
        ("@bob", brief, "forbidden"),
        ("@bob", there, "unknown_entry"),
        ("#tea", other, "unknown_entry"),
        ("@bob", other, "unknown_entry"),
        ("#tea", liked, "unknown_entry"),
        ("@bob", new_id(), "unknown_entry"),
        ("@bob", "no-date", "unknown_entry"),
        ("@nobody_here", there, "unknown_account"),
        ("#nowhere", there, "unknown_room"),
        ("bob", there, "name_invalid"),
    ]
    for to, id, code in cases:
        found = await refused(alice, "edit", to=to, ref=ref("@alice", id), text="no")
        assert found == code, (to, id)
    kept = await page(alice, "@alice", limit=200)
    assert not [entry for entry in kept["entries"] if entry["type"] == "edit"]


async def test_who_is_not_in_the_room_learns_nothing(town: Town) -> None:
    id = await say(town.alice, "#tea", "among us")
    await ok(town.carol, "leave", room="#tea")
    edit = {"to": "#tea", "text": "?"}
    for of, one in (("@alice", id), ("@carol", new_id())):
        assert await refused(town.carol, "edit", ref=ref(of, one), **edit) == "not_a_member"


async def test_a_message_is_edited_so_many_times(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "EDITS_MAX", 2)
    id = await say(town.alice, "@bob", "0")
    fields = {"to": "@bob", "ref": ref("@alice", id)}
    for text in "12":
        await ok(town.alice, "edit", text=text, **fields)
    assert await refused(town.alice, "edit", text="3", **fields) == "forbidden"


async def test_an_old_message_is_edited_no_more(town: Town) -> None:
    id = await say(town.alice, "@bob", "long ago")
    services = town.first.app.services
    services.store_ahead_ms += 7 * 86_400_000
    edit = {"to": "@bob", "ref": ref("@alice", id), "text": "now"}
    assert await refused(town.alice, "edit", **edit) == "unknown_entry"
    services.store_ahead_ms -= 7 * 86_400_000
    await ok(town.alice, "edit", **edit)


async def test_an_edit_sent_right_behind_its_message_finds_it(town: Town) -> None:
    """Nothing waits for the answer in between, and what comes later stays behind."""
    alice, ids = town.alice, [new_id() for _ in range(3)]
    for to in TO:
        ids = [new_id() for _ in range(3)]
        await alice.send({"type": "message", "id": ids[0], "to": to, "text": "one"})
        edit = {"to": to, "ref": ref("@alice", ids[0]), "text": "two"}
        await alice.send({"type": "edit", "id": ids[1], **edit})
        await alice.send({"type": "message", "id": ids[2], "to": to, "text": "three"})
        acks = [await alice.answer(id) for id in ids]
        assert [ack["type"] for ack in acks] == ["ack"] * 3
        seqs = [ack["seq"] for ack in acks]
        assert seqs == sorted(seqs)


def test_words_of_others_are_not_folded_in() -> None:
    entry = {"type": "message", "from": "@alice", "id": "1", "to": "#tea", "text": "hi"}
    forged = {"type": "edit", "from": "@eve", "id": "2", "ref": {}, "text": "no"}
    assert fold(entry, [forged]).text == "hi"
