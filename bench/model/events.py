"""Discrete events: a clock with a heap of what is to come, and a server with one queue.

Times are seconds. Everything is drawn beforehand or from a seeded generator, so that a run can be
repeated. `tests/bench/model/test_events.py` holds it against M/M/1 and M/D/1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush

Action = Callable[[], None]


class Clock:
    """What is to come, in the order of its time; of the same time, in the order it was asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Action]] = []
        self._asked = 0

    def at(self, time: float, action: Action) -> None:
        """Do `action` at `time`."""
        self._asked += 1
        heappush(self._heap, (time, self._asked, action))

    def after(self, delay: float, action: Action) -> None:
        """Do `action` so much later than now."""
        self.at(self.now + delay, action)

    def run(self) -> None:
        """Until nothing is to come."""
        while self._heap:
            self.now, _, action = heappop(self._heap)
            action()


class Core:
    """One server that does one job after another, in the order they were given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: deque[tuple[float, Action]] = deque()
        self._busy = False
        self.spent = 0.0
        """Seconds that it worked."""

    def do(self, seconds: float, then: Action) -> None:
        """A job that takes so long; `then` is called when it is done."""
        self._jobs.append((seconds, then))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        if not self._jobs:
            self._busy = False
            return
        self._busy = True
        seconds, then = self._jobs.popleft()
        self.spent += seconds
        self._clock.after(seconds, lambda: self._done(then))

    def _done(self, then: Action) -> None:
        then()
        self._next()


def waits(arrivals: Iterable[float], services: Iterable[float]) -> list[float]:
    """How long each job waited before one `Core` began with it; `arrivals` ascend."""
    clock, found = Clock(), list[float]()
    core = Core(clock)

    def come(time: float, service: float) -> None:
        def done() -> None:
            found.append(clock.now - service - time)

        clock.at(time, lambda: core.do(service, done))

    for time, service in zip(arrivals, services, strict=False):
        come(time, service)
    clock.run()
    return found


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
