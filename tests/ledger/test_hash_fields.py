"""What fields of hashes hold besides plain values: notes, and times at which they end. One suite
for the store and the model. See test_asks."""

from __future__ import annotations

from server.ledger.conditions import Change, Op
from server.ledger.conditions import Test as Look
from server.ledger.status import Status

from . import builders as b
from .ledgers import StoreLedger
from .test_asks import (
    AHEAD,
    ALICE,
    BOB,
    OK,
    PAST,
    TEA,
    THUMBS,
    Ledger,
    asks,
    one,
    put,
    rules,
    town,
    word,
)

__all__ = ["town"]  # a fixture
NOTES_MAX = 1_024
HEARTS, OTHERS = "annannanhearts", "benbenbethumbs"
"""Tags of notes."""


def test_note_holds_the_place_in_each_box(town: Ledger):
    one(town, b.message("0", "@bob", "@bob"))
    for id in "12":
        notes = [
            Change(box.refs, Op.NOTE, "f", str(place)) for place, box in enumerate((ALICE, BOB), 1)
        ]
        _, mine, theirs = one(town, b.given(b.message(id, "@alice", "@bob"), *notes))
    contents = town.contents()
    assert contents[ALICE.refs] == {b"f": (mine - 1).to_bytes(6) + mine.to_bytes(6)}
    assert contents[BOB.refs] == {b"f": (theirs - 1).to_bytes(6) + theirs.to_bytes(6)}


def test_notes_come_to_an_end(town: Ledger):
    """Then the entry is still taken."""
    posts = [word(f"{n}", Change(TEA.refs, Op.NOTE, "f", "1")) for n in range(NOTES_MAX + 3)]
    for at in range(0, len(posts), 64):
        assert {result[0] for result in town.apply(posts[at : at + 64])[1:]} == {OK}
    places = range(3, 3 + NOTES_MAX)
    assert town.contents()[TEA.refs] == {b"f": b"".join(at.to_bytes(6) for at in places)}


ENDS = "b,v,xuk"


def test_sweep_drops_what_has_ended_and_what_stands_beside_it(town: Ledger):
    gone = {"b@a": PAST, "v@a": PAST, "xc": PAST, "uc": "3", "kc": "@alice"}
    stays = {"b@b": "0", "b@c": AHEAD, "v@b": "soon", "xd": AHEAD, "ud": "1", "a@d": PAST}
    one(town, word("1", *(put(*field) for field in {**gone, **stays}.items())))
    assert one(town, word("2", Change(TEA.rules, Op.SWEEP, "", ENDS)))[0] == OK
    assert rules(town) == {name.encode(): value.encode() for name, value in stays.items()}


def test_sweep_spares_what_the_same_call_has_put_anew(town: Ledger):
    one(town, word("1", put("v@a", PAST), put("xc", PAST), put("uc", "3")))
    sweep = Change(TEA.rules, Op.SWEEP, "", ENDS)
    calls = [
        word("2", put("v@a", AHEAD)),
        word("3", sweep),
        word("4", sweep, put("xc", AHEAD), put("uc", "1")),
        word("5", sweep),
    ]
    town.apply(calls)
    assert rules(town) == {b"v@a": AHEAD.encode(), b"xc": AHEAD.encode(), b"uc": b"1"}


def test_what_has_ended_does_not_count(town: Ledger):
    """Nor is it counted twice in one call, once it is gone."""
    one(town, word("1", put("v@a", PAST), put("xc", PAST), put("uc", "3"), put("a@d", PAST)))
    few = asks(Look.FEWER, "2", ENDS)
    sweep = Change(TEA.rules, Op.SWEEP, "", ENDS)
    assert one(town, word("2", asks(Look.FEWER, "0", ENDS))) == [Status.BANNED, b"0"]
    posts = [word("3", few, sweep, put("v@b", AHEAD)), word("4", few, sweep, put("v@c", AHEAD))]
    assert [result[0] for result in town.apply(posts)[1:]] == [OK, Status.BANNED]
    assert rules(town) == {b"a@d": PAST.encode(), b"v@b": AHEAD.encode()}


def test_a_sweep_of_many_looks_at_some(store: StoreLedger):
    """And time after time finds all of them."""
    store.apply([b.register("r", "@alice", 100), b.create("c", "@alice", "#tea")])
    fields = {f"v@{n}": PAST if n % 2 else AHEAD for n in range(200)}
    store.client.hset(TEA.rules, mapping=fields)
    sweep, left = Change(TEA.rules, Op.SWEEP, "", ENDS), 200
    for n in range(10_000):
        assert one(store, word(f"{n}", sweep))[0] == OK
        now = store.client.hlen(TEA.rules)
        assert left - 20 <= now <= left
        left = now
        if left == 100:
            break
    assert set(store.client.hvals(TEA.rules)) == {AHEAD.encode()}


def test_of_one_tag_the_last_note_stays(town: Ledger):
    """All of them in one call, or each in its own."""
    tags = [THUMBS, OTHERS, THUMBS, HEARTS, OTHERS, THUMBS]
    posts = [word(f"{n}", Change(TEA.refs, Op.NOTE, "f", f"1{tag}")) for n, tag in enumerate(tags)]
    for call in (posts[:4], posts[4:5], posts[5:]):
        assert {result[0] for result in town.apply(call)[1:]} == {OK}
    kept = ((6, HEARTS), (7, OTHERS), (8, THUMBS))
    expected = b"".join(seq.to_bytes(6) + tag.encode() for seq, tag in kept)
    assert town.contents()[TEA.refs] == {b"f": expected}


def test_notes_with_tags_come_to_an_end(town: Ledger):
    """Then those that are there are still kept up to date."""
    tags = [f"{n:08}thumbs" for n in range(NOTES_MAX + 2)]
    posts = [
        word(f"{n}", Change(TEA.refs, Op.NOTE, "f", f"1{tag}"))
        for n, tag in enumerate([*tags, tags[0]])
    ]
    for at in range(0, len(posts), 64):
        assert {result[0] for result in town.apply(posts[at : at + 64])[1:]} == {OK}
    kept = [*range(1, NOTES_MAX), 0]
    places = {0: 3 + len(tags)}
    notes = b"".join(places.get(n, 3 + n).to_bytes(6) + tags[n].encode() for n in kept)
    assert town.contents()[TEA.refs] == {b"f": notes}
