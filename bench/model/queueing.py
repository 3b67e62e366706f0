"""Waiting at one server, in closed form. Times are seconds, rates per second."""

from __future__ import annotations

from math import inf, log


def mean_wait(rate: float, service: float, variation: float = 0.0) -> float:
    """The mean time that an arrival waits before its service begins, in an M/G/1 queue.

    `service` is the mean time of service, `variation` its squared coefficient of variation: 0 is
    M/D/1, 1 is M/M/1. Infinite where more comes than can be served. (Pollaczek and Khinchine.)
    """
    busy = rate * service
    if busy >= 1:
        return inf
    return busy * service * (1 + variation) / (2 * (1 - busy))


def wait_percentile(percent: float, rate: float, service: float, variation: float = 0.0) -> float:
    """The time that `percent` of the arrivals wait at most.

    Whoever waits (a share that is the utilisation) is taken to wait exponentially long, with the
    mean that Pollaczek and Khinchine give. That is exact for M/M/1 and an approximation for others;
    for M/D/1 it is a few per cent too long.
    """
    busy = rate * service
    if busy >= 1:
        return inf
    left = 1 - percent / 100
    if busy <= left:
        return 0.0
    return mean_wait(rate, service, variation) / busy * log(busy / left)
