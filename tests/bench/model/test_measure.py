"""The model's own measuring run in miniature, against real hubs and their real stores."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from bench.limits import store
from bench.log import Log
from bench.model import measure
from bench.model.calibrate import calibrated
from bench.model.store import memory_of
from bench.options import Load
from bench.stage import Stage

SHORT = {"seconds": 0.8, "warm_up": 0.05}


class Silent:
    def expect(self, steps: int) -> None: ...

    def advance(self, name: str) -> None: ...

    def say(self, words: str) -> None: ...


def stage() -> Stage:
    sizes = replace(
        measure.SIZES, rounds=1, seconds=0.8, warm_up=0.05, rooms=(6,), idle=(40,), storm=20,
        connections=8,
    )  # fmt: skip
    return Stage(Load(), sizes, Log(Silent()), [])


def test_a_small_run_tells_of_calls_of_memory_and_of_the_store_alone() -> None:
    where = stage()
    with where.hub() as stand:
        before, _ = measure.posted(stand.system)
        stand.enter(2)
        posts, calls = measure.posted(stand.system)
        assert posts == before + 2
        assert posts >= calls >= 1
        memory = memory_of(stand, accounts=50, pairs=8)
        full = measure.metered(stand, "full", kinds={"message": 1}, to="pair", depth=8, **SHORT)
        one = measure.metered(stand, "one", kinds={"message": 1}, to="pair", depth=1, **SHORT)
        for contender in (full, one):
            contender.rounds.append(contender.play({}))
            contender.rounds[-1].excused = True  # whoever else uses the machine
        found = measure.alone(where, stand)
    assert measure.batch(full) > measure.batch(one) >= 1
    assert set(found) == {"store_message", "store_payment", "store_full"}
    assert min(found.values()) > 0
    assert memory.message_log > memory.message > 2 * 100  # two copies of a text of 100 bytes
    assert min(memory.account, memory.payment, memory.payment_log) > 100
    assert memory.mark > 16


def test_the_store_alone_is_driven_with_calls_of_one() -> None:
    with stage().hub() as stand:
        people = stand.generator.call("enter", number=4, keep=False)["names"]
        path = stand.system.store_socket
        assert path is not None
        with store.client(path) as client, redis.Redis(unix_socket_path=str(path)) as asked:
            before = asked.info("commandstats")["cmdstat_fcall"]["calls"]
            plan = {"people": people, "kinds": {"message": 1}, "pids": stand.system.pids}
            answer = client.call("load", **plan, **SHORT, **measure.SINGLE)
            calls = asked.info("commandstats")["cmdstat_fcall"]["calls"] - before
    assert answer["sent"] == calls > 0
    assert not any(answer["faults"].values())


@pytest.mark.long
def test_everything_that_the_model_has_to_know_is_measured() -> None:
    where = stage()
    assert isinstance(where.watch, Log)
    found = measure.measured(where, where.watch)
    assert [point.share for point in found.points] == list(measure.STEPS)
    for point in found.points:
        assert point.rate > 0
        assert point.batch >= 1
        assert point.hub > 0
        assert point.store > 0
        assert 0 < point.p50 <= point.p99
    assert min(found.hub_message, found.hub_payment, found.copy, found.connect) > 0
    assert found.sync == sorted(found.sync)
    assert len(found.sync) == 101
    assert calibrated(found).hub_post >= 0
