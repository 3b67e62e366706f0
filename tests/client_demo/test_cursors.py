"""Which entries were seen: each counts once, in whatever order they come."""

from hypothesis import given
from hypothesis import strategies as st

from client_demo.cursors import PAGE_MAX, Cursors


def following(**boxes):
    cursors = Cursors()
    cursors.welcome({box: {"epoch": 1, "seq": seq} for box, seq in boxes.items()})
    return cursors


def test_a_box_starts_at_its_end():
    cursors = following(a=7)
    assert cursors.seen() == {"a": 7}
    assert not cursors.see("a", 7)
    assert cursors.see("a", 8)
    assert cursors.seen() == {"a": 8}


def test_a_new_box_starts_with_its_first_entry():
    cursors = Cursors()
    assert cursors.see("#room", 5)
    assert cursors.seen() == {"#room": 5}
    assert cursors.gap("#room") is None


def test_a_jump_is_a_gap_until_it_is_filled():
    cursors = following(a=3)
    assert cursors.see("a", 7)
    assert cursors.seen() == {"a": 3}, "a resume must ask for what is missing"
    assert cursors.gap("a") == (7, 3)
    assert cursors.see("a", 6)
    assert cursors.gap("a") == (6, 2)
    assert cursors.see("a", 4)
    assert cursors.see("a", 5)
    assert cursors.gap("a") is None
    assert cursors.seen() == {"a": 7}


def test_a_long_gap_is_asked_for_in_pages():
    cursors = following(a=0)
    cursors.see("a", 1000)
    assert cursors.gap("a") == (1000, PAGE_MAX)


def test_what_the_hub_does_not_have_is_given_up():
    cursors = following(a=3)
    cursors.see("a", 7)
    cursors.see("a", 8)
    cursors.give_up("a")
    assert cursors.seen() == {"a": 8}
    assert cursors.gap("a") is None


def test_limited_leaves_a_gap_below_first_and_the_first_entry_still_counts():
    cursors = following(a=3)
    cursors.welcome({"a": {"epoch": 1, "seq": 50, "limited": True, "first": 40}})
    assert cursors.gap("a") == (40, 36)
    assert cursors.see("a", 40)
    for seq in range(4, 40):
        assert cursors.see("a", seq)
    assert cursors.gap("a") is None
    assert cursors.seen() == {"a": 40}


def test_limited_without_first_reaches_to_the_end():
    cursors = following(a=3)
    cursors.welcome({"a": {"epoch": 1, "seq": 5, "limited": True}})
    assert cursors.gap("a") == (6, 2)
    assert cursors.see("a", 5)
    assert cursors.see("a", 4)
    assert cursors.gap("a") is None
    assert cursors.see("a", 6)
    assert cursors.seen() == {"a": 6}


def test_a_restored_box_starts_again():
    cursors = following(a=9, b=2)
    assert cursors.welcome({"a": {"epoch": 2, "seq": 4}, "b": {"epoch": 1, "seq": 3}}) == ["a"]
    assert cursors.seen() == {"a": 4, "b": 2}


A9 = {"a": {"epoch": 1, "seq": 9}}


def test_a_box_that_was_away_goes_on_where_it_was():
    cursors = following(a=9, b=2)
    cursors.see("b", 5)
    cursors.welcome(A9)
    assert not cursors.knows("b")
    assert cursors.seen() == {"a": 9, "b": 2}, "it may come back"
    assert cursors.welcome(A9 | {"b": {"epoch": 1, "seq": 6}}) == []
    assert cursors.knows("b")
    assert [cursors.see("b", seq) for seq in (3, 4, 5, 6)] == [True, True, False, True]
    assert cursors.seen() == {"a": 9, "b": 6}


def test_a_box_that_was_away_and_restored_meanwhile_starts_again():
    cursors = following(a=9, b=2)
    cursors.welcome(A9)
    assert cursors.welcome(A9 | {"b": {"epoch": 2, "seq": 1}}) == ["b"]
    assert cursors.seen() == {"a": 9, "b": 1}


def test_a_box_that_was_gone_and_is_joined_again_starts_there():
    cursors = following(a=9, b=2)
    cursors.welcome(A9)
    assert cursors.see("b", 40)
    assert cursors.gap("b") is None
    assert cursors.knows("b")
    assert cursors.seen() == {"a": 9, "b": 40}


@given(st.integers(0, 30).flatmap(lambda n: st.permutations(list(range(1, n + 1)) * 2)))
def test_every_order_of_arrival_counts_each_entry_once(arrivals):
    cursors = following(a=0)
    seen = [seq for seq in arrivals if cursors.see("a", seq)]
    assert sorted(seen) == sorted(set(arrivals))
    assert cursors.gap("a") is None
    assert cursors.seen() == {"a": len(set(arrivals))}
