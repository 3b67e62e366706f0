"""When posts leave for the store: at once where there is little, together where there is much."""

from __future__ import annotations

import asyncio

import pytest

from protocol.errors import Code
from protocol.frames import Message
from server.commit.durability import Durable
from server.commit.outcomes import Result
from server.commit.pipeline import CALLS_IN_FLIGHT, POSTS_PER_CALL, POSTS_WORTH_A_CALL, Pipeline
from server.ledger.posts import Post
from server.store.connection import Callback, Command
from tests.support import PATIENCE_S, until

OK = 0
DELAY = "server.commit.pipeline.COMMIT_DELAY_S"


class Calls:
    """A channel that only notes what it is given; `answer` answers the oldest call."""

    up = True

    def __init__(self) -> None:
        self.waiting: list[tuple[int, Callback]] = []
        self.sizes: list[int] = []

    def send(self, command: Command, callback: Callback) -> None:
        size = int(command[3 + int(command[2])])  # so many marks, one for each post
        self.sizes.append(size)
        self.waiting.append((size, callback))

    async def request(self, *command: bytes | str | int) -> object:
        raise NotImplementedError

    def renew(self) -> None:
        raise NotImplementedError

    def answer(self, too_many: int = 0) -> None:
        size, callback = self.waiting.pop(0)
        callback([1_700_000_000_000, *[OK] * (size + too_many)])


class Desk:
    """Notes the ids of what was settled, and how the others failed."""

    def __init__(self) -> None:
        self.settled_ids: list[str] = []
        self.failures: list[Code] = []

    def settled(self, post: Post, at: int, result: Result, durable: Durable) -> None:
        self.settled_ids.append(post.id)

    def failed(self, post: Post, code: Code) -> None:
        self.failures.append(code)

    def flush(self) -> None:
        pass


class Bench:
    """A pipeline between the two."""

    def __init__(self) -> None:
        self.calls, self.desk = Calls(), Desk()
        self.pipeline = Pipeline(self.calls, self.desk)
        self.posted = 0

    async def post(self, number: int) -> None:
        """Give it so many posts in one tick; returns in the tick after."""
        for _ in range(number):
            self.posted += 1
            id = str(self.posted)
            frame = Message(id, "@bob", "hi")
            self.pipeline.post(Post(frame, id, None, "@alice", id.encode(), bytes(16), b"hi"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Whoever waits for others waits as long as it takes."""
    monkeypatch.setattr(DELAY, PATIENCE_S)
    return Bench()


async def test_alone_nobody_waits(bench: Bench) -> None:
    for _ in range(3):
        await bench.post(1)
        bench.calls.answer()
    assert bench.calls.sizes == [1, 1, 1]


async def test_a_tick_leaves_in_one_call(bench: Bench) -> None:
    await bench.post(5)
    assert bench.calls.sizes == [5]


async def test_what_comes_meanwhile_leaves_with_the_answer(bench: Bench) -> None:
    await bench.post(1)
    await bench.post(3)
    assert bench.calls.sizes == [1]
    bench.calls.answer()
    assert bench.calls.sizes == [1, 3]


async def test_who_left_together_waits_for_one_another(bench: Bench) -> None:
    await bench.post(4)
    bench.calls.answer()
    await bench.post(1)
    await bench.post(2)
    assert bench.calls.sizes == [4]
    await bench.post(1)
    assert bench.calls.sizes == [4, 4]


async def test_what_came_during_a_larger_call_waits_for_more_after_it(bench: Bench) -> None:
    await bench.post(4)
    await bench.post(3)
    bench.calls.answer()
    assert bench.calls.sizes == [4]
    await bench.post(1)
    assert bench.calls.sizes == [4, 4]


async def test_nobody_waits_longer_than_the_delay(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DELAY, 0.05)
    await bench.post(4)
    bench.calls.answer()
    await bench.post(2)
    await until(lambda: len(bench.calls.sizes) == 2)
    assert bench.calls.sizes == [4, 2]
    bench.calls.answer()
    await bench.post(2)  # and two are company enough from here on
    assert bench.calls.sizes == [4, 2, 2]


async def test_the_delay_ends_with_the_call_that_it_waited_for(bench: Bench) -> None:
    await bench.post(4)
    bench.calls.answer()
    await bench.post(2)
    await bench.post(2)
    await bench.post(3)
    assert bench.calls.sizes == [4, 4]
    assert bench.pipeline._delay is None  # a timer left over would cut the next wait short


async def test_so_many_are_worth_a_second_call(bench: Bench) -> None:
    await bench.post(1)
    await bench.post(POSTS_WORTH_A_CALL - 1)
    assert bench.calls.sizes == [1]
    await bench.post(1)
    assert bench.calls.sizes == [1, POSTS_WORTH_A_CALL]
    await bench.post(POSTS_PER_CALL)
    assert len(bench.calls.sizes) == CALLS_IN_FLIGHT


async def test_a_crowd_leaves_in_full_calls_and_is_settled_in_order(bench: Bench) -> None:
    await bench.post(POSTS_PER_CALL * 3)
    while bench.calls.waiting:
        bench.calls.answer()
    assert bench.calls.sizes == [POSTS_PER_CALL] * 3
    assert bench.desk.settled_ids == [str(n + 1) for n in range(bench.posted)]
    assert bench.desk.failures == []
    assert bench.pipeline.idle


@pytest.mark.parametrize("too_many", [-1, 1])
async def test_an_answer_that_does_not_fit_leaves_every_outcome_unknown(
    bench: Bench, too_many: int
) -> None:
    await bench.post(3)
    bench.calls.answer(too_many)
    assert bench.desk.failures == [Code.OUTCOME_UNKNOWN] * 3
    assert bench.desk.settled_ids == []
    assert bench.pipeline.idle
