"""The plan of faults: the same for the same seed, everything in turn, never two of the cluster."""

from __future__ import annotations

from bench.prove.plan import HUB, KINDS, STORE, plan


def test_the_seed_decides() -> None:
    assert plan(7, 120, 3) == plan(7, 120, 3)
    assert plan(7, 120, 3) != plan(8, 120, 3)


def test_a_long_run_sees_every_fault_and_ends_calm() -> None:
    faults = plan(1, 600, 3)
    assert {fault.kind for fault in faults} == set(KINDS)
    assert all(fault.at + fault.seconds < 600 - 10 for fault in faults)


def test_two_at_once_are_never_two_of_the_cluster() -> None:
    faults = plan(3, 600, 3)
    both = [
        (one, other)
        for one in faults
        for other in faults
        if one is not other and one.at <= other.at < one.at + one.seconds
    ]
    assert both
    assert all({one.kind in STORE, other.kind in STORE} == {True, False} for one, other in both)


def test_one_hub_alone_is_never_broken_twice_at_once() -> None:
    faults = plan(3, 600, 1)
    ends = [fault.at + fault.seconds for fault in faults]
    assert all(fault.at > end for fault, end in zip(faults[1:], ends, strict=False))


def test_only_the_kinds_that_are_wanted_and_the_first_ones_first() -> None:
    faults = plan(2, 100, 3, ("flap", "power"), ("hub-cut",))
    assert {fault.kind for fault in faults} == {"flap", "power", "hub-cut"}
    assert next(fault.kind for fault in faults if fault.kind in HUB) == "hub-cut"
    assert plan(2, 100, 3, ()) == []
