"""Folding: what is seen depends on what is known, not on how it came."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.folding import Folding, View, fold, place_of
from tests.entries.town import Frame, Town, new_id, page, ref
from tests.support import Client

ME = "@alice"
ROOM = "#tea"
_PEOPLE = st.sampled_from(["@alice", "@bob", "@carol"])
_SUBJECTS = st.integers(1, 3).map(
    lambda n: {"from": ["@alice", "@bob", "@carol"][n - 1], "id": str(n)}
)


@st.composite
def _change(draw: st.DrawFn, seq: int) -> Frame:
    kind = draw(st.sampled_from(["edit", "delete", "react", "pin", "message"]))
    entry: Frame = {"type": kind, "from": draw(_PEOPLE), "id": f"c{seq}", "to": ROOM, "box": ROOM}
    entry |= {"seq": seq, "at": seq * 1000, "ref": draw(_SUBJECTS)}
    if kind in ("edit", "message"):
        entry["text"] = f"words {seq}"
    elif kind == "react":
        entry["emoji"] = draw(st.sampled_from("👍🎉"))
    if kind in ("react", "pin"):
        entry["remove"] = draw(st.booleans())
    if kind == "delete" and draw(st.booleans()):
        entry |= {"only_me": True, "from": ME, "box": ME}
    return entry


@st.composite
def _room(draw: st.DrawFn) -> list[Frame]:
    entries: list[Frame] = []
    for n, who in enumerate(["@alice", "@bob", "@carol"], 1):
        entry = {"type": "message", "from": who, "id": str(n), "to": ROOM, "box": ROOM}
        entries.append({**entry, "seq": n, "at": n * 1000, "text": f"first {n}"})
    return entries + [draw(_change(seq)) for seq in range(4, draw(st.integers(4, 16)))]


def _views(entries: list[Frame]) -> list[View | None]:
    folding = Folding(ME)
    for entry in entries:
        folding.add(entry)
    people = ["@alice", "@bob", "@carol"]
    return [folding.view(ROOM, (who, str(n)), 10**6) for n, who in enumerate(people, 1)]


@given(_room(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_neither_order_nor_repetition_matters(entries: list[Frame], chance: random.Random) -> None:
    mixed = entries + chance.sample(entries, chance.randrange(len(entries) + 1))
    chance.shuffle(mixed)
    assert _views(mixed) == _views(entries)


@given(_room())
@settings(max_examples=100, deadline=None)
def test_only_authors_change_words_and_what_is_gone_stays_gone(entries: list[Frame]) -> None:
    for view in _views(entries):
        assert view is not None
        about = [
            one for one in entries if one.get("ref") == ref(view.entry["from"], view.entry["id"])
        ]
        deleted = any(one["type"] == "delete" for one in about)
        assert (view.gone == "deleted") is deleted
        mine = [one for one in about if one["type"] == "edit" and one["from"] == view.entry["from"]]
        wanted = mine[-1]["text"] if mine else view.entry["text"]
        assert view.text == ("" if deleted else wanted)


MESSAGE: Frame = {"type": "message", "from": "@bob", "id": "1", "to": ME, "box": ME, "text": "hi"}
PAYMENT: Frame = {**MESSAGE, "type": "payment", "amount": 5, "currency": "USD"}
DELETE: Frame = {"type": "delete", "from": "@bob", "id": "2", "ref": ref("@bob", "1")}


def test_words_disappear_in_time() -> None:
    brief = {**MESSAGE, "at": 1000, "expires_s": 5}
    assert (fold(brief, [], 5999).text, fold(brief, [], 5999).gone) == ("hi", "")
    assert (fold(brief, [], 6000).text, fold(brief, [], 6000).gone) == ("", "expired")
    edit = {"type": "edit", "from": "@bob", "id": "2", "text": "for ever"}
    assert fold(brief, [edit], 5999).text == "hi"


@pytest.mark.parametrize(
    ("subject", "delete", "gone"),
    [
        (MESSAGE, DELETE, "deleted"),
        (MESSAGE, {**DELETE, "from": ME}, ""),
        (MESSAGE, {**DELETE, "from": ME, "only_me": True}, "deleted"),
        (MESSAGE, {**DELETE, "note": True}, ""),
        ({**MESSAGE, "box": ROOM, "to": ROOM}, {**DELETE, "from": ME}, "deleted"),
        (PAYMENT, DELETE, ""),
        (PAYMENT, {**DELETE, "only_me": True}, ""),
        (PAYMENT, {**DELETE, "note": True}, "deleted"),
        (PAYMENT, {**DELETE, "note": True, "from": ME}, ""),
        ({**PAYMENT, "box": ROOM}, {**DELETE, "from": ME}, ""),
    ],
)
def test_what_a_deletion_takes_away(subject: Frame, delete: Frame, gone: str) -> None:
    view = fold(subject, [delete])
    assert (view.gone, view.text) == (gone, "" if gone else "hi")
    assert view.entry.get("amount") == subject.get("amount")


def test_what_the_hub_has_taken_away_stays_away() -> None:
    folding = Folding(ME)
    blank = {**MESSAGE, "seq": 3, "text": "", "gone": "deleted"}
    for one in (MESSAGE, blank, {**MESSAGE, "seq": 3}):
        folding.add(one)
    view = folding.view("@bob", ("@bob", "1"))
    assert view is not None
    assert (view.text, view.gone) == ("", "deleted")
    for one in ({**blank, "id": "5", "gone": "locked"}, {**MESSAGE, "id": "5", "seq": 4}):
        folding.add(one)
    view = folding.view("@bob", ("@bob", "5"))
    assert view is not None
    assert (view.text, view.gone) == ("hi", "")


def test_a_change_from_another_conversation_is_passed_over() -> None:
    folding = Folding(ME)
    folding.add({**MESSAGE, "seq": 1})
    edit = {"type": "edit", "from": "@bob", "id": "9", "ref": ref("@bob", "1"), "text": "no"}
    folding.add({**edit, "to": ROOM, "box": ROOM, "seq": 7})
    view = folding.view("@bob", ("@bob", "1"))
    assert view is not None
    assert view.text == "hi"


def test_a_conversation_can_be_forgotten() -> None:
    folding = Folding(ME)
    folding.add(MESSAGE)
    folding.add({**MESSAGE, "to": ROOM, "box": ROOM})
    folding.forget(ROOM)
    assert folding.view(ROOM, ("@bob", "1")) is None
    assert folding.view("@bob", ("@bob", "1")) is not None


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"from": "@bob", "to": ME, "box": ME}, "@bob"),
        ({"from": ME, "to": "@bob", "box": ME}, "@bob"),
        ({"from": ME, "to": ME, "box": ME}, ME),
        ({"from": "@bob", "to": ROOM, "box": ROOM}, ROOM),
        ({"from": "@bob", "to": "@carol", "box": ROOM}, ROOM),
        ({"from": ME, "to": ROOM, "box": ME}, ROOM),
        ({"from": ME, "to": "@bob"}, "@bob"),
    ],
)
def test_places(entry: Frame, place: str) -> None:
    assert place_of(entry, ME) == place


# The hub's side agrees with it.


async def _stir(
    client: Client, to: str, keys: list[tuple[str, str]], chance: random.Random
) -> None:
    """One thing done at random, which may be refused."""
    me = f"@{client.welcome['handle']}"
    kind = chance.choice(["message", "message", "edit", "edit", "delete", "react", "react", "pin"])
    fields: dict[str, Any] = {"to": to}
    id = new_id()
    if kind == "message":
        keys.append((me, id))
    else:
        fields["ref"] = ref(*chance.choice(keys)) if keys else ref(me, id)
    if kind in ("message", "edit"):
        fields["text"] = f"words {chance.random()}"
    if kind == "react":
        fields |= {"emoji": chance.choice("👍🎉"), "remove": chance.random() < 0.3}
    if kind == "delete":
        fields["only_me"] = chance.random() < 0.3
    await client.ask(kind, id, **fields)


def _seen(folding: Folding, place: str, keys: list[tuple[str, str]]) -> list[object]:
    found: list[object] = []
    for key in keys:
        view = folding.view(place, key)
        assert view is not None, key
        reactions = {emoji: sorted(who) for emoji, who in view.reactions.items()}
        found.append((key, view.text, view.gone, reactions, view.pinned))
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("to", ["@bob", "#tea"])
async def test_pages_show_what_was_seen_live(town: Town, to: str, seed: int) -> None:
    """Whoever was there from the start and whoever pages back through it all see the same."""
    chance, keys = random.Random(seed), list[tuple[str, str]]()
    watcher = await town.second.login("alice")
    for _ in range(50):
        client = chance.choice([town.alice, town.bob])
        await _stir(client, "@alice" if client is town.bob and to == "@bob" else to, keys, chance)
    for client, back in ((town.bob, "@alice"), (town.alice, "@bob")):
        await client.ask("message", new_id(), to=back, text="the end")
        await client.ask("message", new_id(), to=ROOM, text="the end")
    live, ends = Folding(ME), 0
    while ends < 4:
        frame = await watcher.receive()
        if "box" in frame and "from" in frame:
            live.add(frame)
            ends += frame.get("text") == "the end"
    paged, box = Folding(ME), to if to == ROOM else ME
    before = 10**9
    while before > 1:
        found = await page(town.alice, box, before=before, limit=3)
        for entry in found["entries"] + found.get("later", []):
            paged.add(entry)
        before = found["entries"][0]["seq"] if found["entries"] else 0
    assert _seen(paged, to, keys) == _seen(live, to, keys)
