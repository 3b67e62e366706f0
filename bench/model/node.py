"""Hubs and their store, by discrete events: how long a message takes at a rate.

It follows `server/commit/pipeline.py`: posts wait for the call before them, or a millisecond for
company; a call carries what waits; the store serves what came meanwhile in one turn, and one sync
to disk ends the turn. Times are seconds, CPU costs µs.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from .events import Clock, Core, percentile

POSTS_PER_CALL, CALLS_IN_FLIGHT, POSTS_WORTH_A_CALL, COMMIT_DELAY = 128, 2, 64, 0.001
"""The pipeline's own; `tests/bench/model/test_node.py` sees that they are the same."""
BEFORE = 0.5
"""Share of a post's hub time that is spent before the call: reading and drafting; the rest is for
the ack and the entry."""
Answered = Callable[[], None]
Arrival = tuple[float, float]
"""When a message was due, and when it came."""


@dataclass(frozen=True)
class Work:
    """CPU µs that posts take: so much for each call, and so much for each post in it."""

    hub_call: float
    hub_post: float
    store_call: float
    store_post: float


@dataclass
class Seen:
    """What a simulation showed."""

    took: list[tuple[float, float]] = field(default_factory=list)
    """Of each message, when it was due and the seconds until its ack."""
    calls: int = 0
    hub: float = 0.0
    """Seconds of CPU."""
    store: float = 0.0

    @property
    def batch(self) -> float:
        """Messages in a call, on average."""
        return len(self.took) / max(1, self.calls)

    def ms(self, percent: float, since: float = 0.0, until: float = float("inf")) -> float:
        """A percentile of the latency of what was due in that time, in milliseconds."""
        return 1_000 * percentile((t for due, t in self.took if since <= due < until), percent)


class Store:
    """A store process: it serves every call that is there, syncs once, then answers them all."""

    def __init__(
        self, clock: Clock, core: Core, work: Work, sync: Sequence[float], seen: Seen, seed: int
    ) -> None:
        """`sync` are the 101 percentiles of what a sync takes, in milliseconds."""
        self._clock, self._core, self._work, self._sync = clock, core, work, sync
        self._seen, self._draw = seen, random.Random(seed)
        self._calls: deque[tuple[int, Answered]] = deque()
        self._in_turn = False

    def call(self, posts: int, answered: Answered) -> None:
        """A call with so many posts came."""
        self._calls.append((posts, answered))
        if not self._in_turn:
            self._turn()

    def _turn(self) -> None:
        calls = [*self._calls]
        self._calls.clear()
        self._in_turn = True
        posts = sum(number for number, _ in calls)
        seconds = (self._work.store_call * len(calls) + self._work.store_post * posts) / 1e6
        self._seen.store += seconds
        self._core.do(seconds, lambda: self._clock.after(self._drawn(), partial(self._end, calls)))

    def _drawn(self) -> float:
        """How long this sync takes: any of the measured ones, in seconds."""
        at = self._draw.random() * (len(self._sync) - 1)
        low = int(at)
        return (self._sync[low] + (at - low) * (self._sync[low + 1] - self._sync[low])) / 1_000

    def _end(self, calls: list[tuple[int, Answered]]) -> None:
        self._in_turn = False
        for _, answered in calls:
            answered()
        if self._calls and not self._in_turn:
            self._turn()


class Hub:
    """A hub process and its pipeline."""

    def __init__(self, clock: Clock, core: Core, store: Store, work: Work, seen: Seen) -> None:
        self._clock, self._core, self._store = clock, core, store
        self._work, self._seen = work, seen
        self._waiting: deque[float] = deque()
        self._in_flight, self._company, self._delays = 0, 1, 0
        self._timed = False

    def arrived(self, due: float) -> None:
        """A message came that was due then."""
        self._do(BEFORE * self._work.hub_post, partial(self._drafted, due))

    def _do(self, cost: float, then: Answered) -> None:
        self._seen.hub += cost / 1e6
        self._core.do(cost / 1e6, then)

    def _drafted(self, due: float) -> None:
        self._waiting.append(due)
        self._consider()

    def _consider(self) -> None:
        """Send what waits, if it is enough; else wait for company."""
        while self._waiting and len(self._waiting) >= self._enough():
            self._send()
        if self._waiting and not self._in_flight and not self._timed:
            self._timed, self._delays = True, self._delays + 1
            self._clock.after(COMMIT_DELAY, partial(self._waited, self._delays))

    def _enough(self) -> int:
        if self._in_flight >= CALLS_IN_FLIGHT:
            return len(self._waiting) + 1
        return POSTS_WORTH_A_CALL if self._in_flight else min(self._company, POSTS_WORTH_A_CALL)

    def _waited(self, number: int) -> None:
        if self._timed and number == self._delays:
            self._timed = False
            if self._waiting and not self._in_flight:
                self._send()

    def _send(self) -> None:
        number = min(len(self._waiting), POSTS_PER_CALL)
        batch = [self._waiting.popleft() for _ in range(number)]
        self._company, self._timed = number, False
        self._in_flight += 1
        self._seen.calls += 1
        answered = partial(self._answered, batch)
        self._do(self._work.hub_call, partial(self._store.call, number, answered))

    def _answered(self, batch: list[float]) -> None:
        self._do((1 - BEFORE) * self._work.hub_post * len(batch), partial(self._told, batch))

    def _told(self, batch: list[float]) -> None:
        self._seen.took.extend((due, self._clock.now - due) for due in batch)
        self._in_flight -= 1
        self._consider()


def one_core(work: Work, sync: Sequence[float], arrivals: Iterable[Arrival]) -> Seen:
    """A hub and its store that share a core, as the bench pins them."""
    clock, seen = Clock(), Seen()
    core = Core(clock)
    hub = Hub(clock, core, Store(clock, core, work, sync, seen, seed=1), work, seen)
    return _run(clock, [hub], arrivals, seen)


def shard(work: Work, sync: Sequence[float], hubs: int, arrivals: Iterable[Arrival]) -> Seen:
    """A store on a core of its own, and so many hubs, with a core each, that post to it."""
    clock, seen = Clock(), Seen()
    store = Store(clock, Core(clock), work, sync, seen, seed=1)
    some = [Hub(clock, Core(clock), store, work, seen) for _ in range(hubs)]
    return _run(clock, some, arrivals, seen)


def _run(clock: Clock, hubs: list[Hub], arrivals: Iterable[Arrival], seen: Seen) -> Seen:
    draw = random.Random(2)
    for due, came in arrivals:
        clock.at(came, partial(draw.choice(hubs).arrived, due))
    clock.run()
    return seen


def paced(rate: float, seconds: float, tick: float = 0.001) -> list[Arrival]:
    """Arrivals as the bench's open loop makes them: due evenly, sent at the next tick."""
    due = [number / rate for number in range(int(rate * seconds))]
    return [(time, (int(time / tick) + 1) * tick) for time in due]


def poisson(stretches: Iterable[tuple[float, float]], seed: int = 1) -> list[Arrival]:
    """Arrivals of many who know nothing of each other: stretches of so many seconds at so many a
    second."""
    draw, begin, found = random.Random(seed), 0.0, list[Arrival]()
    for seconds, rate in stretches:
        time = begin + draw.expovariate(rate)
        while time < begin + seconds:
            found.append((time, time))
            time += draw.expovariate(rate)
        begin += seconds
    return found
