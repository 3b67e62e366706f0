"""Latencies as HdrHistograms, in microseconds, three significant digits, up to a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

LARGEST_US = 60_000_000
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


def empty() -> HdrHistogram:
    """A histogram with nothing in it."""
    return HdrHistogram(1, LARGEST_US, 3)


def pack(nanoseconds: Iterable[int]) -> str:
    """The histogram of `nanoseconds`, encoded to travel between processes."""
    histogram = empty()
    for microseconds, times in Counter(ns // 1_000 for ns in nanoseconds).items():
        histogram.record_value(min(max(microseconds, 1), LARGEST_US), times)
    packed: bytes = histogram.encode()
    return packed.decode()


def merge(packed: Iterable[str]) -> HdrHistogram:
    """One histogram of several."""
    whole = empty()
    for one in packed:
        whole.decode_and_add(one)
    return whole


def merge_packed(packed: Iterable[str]) -> str:
    """The same, encoded again."""
    whole: bytes = merge(packed).encode()
    return whole.decode()
