"""The simulated hub and store."""

from __future__ import annotations

import pytest

from bench.model import node
from bench.model.node import Work, one_core, paced, poisson, shard
from server.commit import pipeline

from .figures import SYNC, WORK

NO_SYNC = [0.0] * 101


def test_its_limits_are_the_pipelines() -> None:
    assert node.POSTS_PER_CALL == pipeline.POSTS_PER_CALL
    assert node.CALLS_IN_FLIGHT == pipeline.CALLS_IN_FLIGHT
    assert node.POSTS_WORTH_A_CALL == pipeline.POSTS_WORTH_A_CALL
    assert node.COMMIT_DELAY == pipeline.COMMIT_DELAY_S


def test_a_message_alone_waits_for_nobody() -> None:
    seen = one_core(WORK, NO_SYNC, [(0.0, 0.0)])
    spent = WORK.hub_call + WORK.hub_post + WORK.store_call + WORK.store_post
    assert [took for _, took in seen.took] == pytest.approx([spent / 1e6])
    assert seen.batch == 1


def test_a_sync_is_waited_for_and_takes_no_cpu() -> None:
    seen = one_core(WORK, [5.0] * 101, [(0.0, 0.0)])
    spent = WORK.hub_call + WORK.hub_post + WORK.store_call + WORK.store_post
    assert seen.ms(50) == pytest.approx(5.0 + spent / 1e3)
    assert seen.hub + seen.store == pytest.approx(spent / 1e6)


def test_after_company_the_next_waits_for_as_much_but_at_most_a_millisecond() -> None:
    together = [(0.0, 0.0)] * 8
    later = [(1.0, 1.0)]
    took = dict(one_core(Work(0, 0, 0, 0), NO_SYNC, together + later).took)
    assert took[1.0] == pytest.approx(node.COMMIT_DELAY)


def test_a_wait_that_company_ended_does_not_cut_the_next_one_short() -> None:
    before = [(0.0, 0.0)] * 3  # one leaves at once, then two together
    company = [(1.0, 1.0), (1.0005, 1.0005)]
    took = dict(one_core(Work(0, 0, 0, 0), NO_SYNC, [*before, *company, (1.0006, 1.0006)]).took)
    assert took[1.0] == pytest.approx(0.0005)
    assert took[1.0006] == pytest.approx(node.COMMIT_DELAY)


def test_everyone_is_answered_and_calls_grow_with_the_load() -> None:
    few = one_core(WORK, SYNC, paced(100, 1.0))
    many = one_core(WORK, SYNC, paced(2_000, 1.0))
    assert (len(few.took), len(many.took)) == (100, 2_000)
    assert few.batch < many.batch <= node.POSTS_PER_CALL
    assert many.hub / len(many.took) < few.hub / len(few.took)


def test_what_cannot_be_served_waits_longer_and_longer() -> None:
    too_much = 2e6 / (WORK.hub_post + WORK.store_post)
    seen = one_core(WORK, SYNC, paced(too_much, 1.0))
    thirds = [seen.ms(99, begin, begin + 0.2) for begin in (0.0, 0.4, 0.8)]
    assert 10 < thirds[0] < thirds[1] < thirds[2]


def test_a_store_serves_the_calls_of_many_hubs_in_one_turn() -> None:
    slow = [50.0] * 101
    seen = shard(Work(0, 0, 100, 10), slow, 20, [(0.0001 * n, 0.0001 * n) for n in range(20)])
    assert {round(took / 0.05) for _, took in seen.took} <= {1, 2, 3, 4}  # and not twenty syncs
    assert seen.store == pytest.approx((seen.calls * 100 + 20 * 10) / 1e6)


def test_arrivals_are_what_was_asked_for() -> None:
    even = paced(10_000, 0.5)
    assert len(even) == 5_000
    assert all(0 < came - due <= 0.001 + 1e-9 for due, came in even)
    drawn = poisson(((1.0, 1_000.0), (1.0, 10_000.0)))
    early = sum(due < 1.0 for due, _ in drawn)
    assert 900 < early < 1_100
    assert 9_700 < len(drawn) - early < 10_300
    assert drawn == sorted(drawn)
