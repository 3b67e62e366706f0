"""Rates: token buckets, kept as one number each.

The generic cell rate algorithm: instead of counting tokens it keeps the time at which the bucket
will be full again.
"""

from __future__ import annotations


class Bucket:
    """Lets `rate` frames a second through, and a burst of `burst`."""

    __slots__ = ("_full_at", "_interval", "_tolerance")

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / rate
        # Nothing is added to the time and taken off again: it would not be quite the same time.
        self._tolerance = (burst - 1) * self._interval
        self._full_at = 0.0

    def full(self, now: float) -> bool:
        """Whether the bucket has all its tokens at `now`."""
        return self._full_at <= now

    def wait(self, now: float) -> float:
        """Seconds to wait, at `now`, until there is a token; 0 if there is one."""
        return max(0.0, max(self._full_at, now) - now - self._tolerance)

    def take(self, now: float) -> float:
        """Take one token at `now` (seconds); 0, or the seconds to wait until there is one."""
        full_at = max(self._full_at, now)
        wait = full_at - now - self._tolerance
        if wait > 0:
            return wait
        self._full_at = full_at + self._interval
        return 0.0


class Buckets:
    """A bucket for each of many, as long as it is not full; at most so many are kept."""

    def __init__(self, rate: float, burst: int, most: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: dict[str, Bucket] = {}

    def take(self, who: str, now: float) -> float:
        """One token of `who` at `now` (seconds); 0, or the seconds to wait until there is one."""
        bucket = self._buckets.pop(who, None) or Bucket(self._rate, self._burst)
        self._buckets[who] = bucket  # the newest
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(now)
