"""The highest rate that passes: ramp up, then bisect."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

RAMP = 1.5
"""Each step of the ramp offers so many times the last."""
CLOSE = 1.05
"""The search ends when what fails is at most so many times what passes."""
STEPS_DOWN_MAX = 6
"""How often the first rate is lowered until something passes."""


def highest(passes: Callable[[float], bool], start: float) -> float | None:
    """The highest rate for which `passes` holds, to within 5 % below; None if none was found.

    Assumes that what passes at a rate passes at all lower ones. The middle between two rates is
    their geometric mean, since what counts is how many times the load is.
    """
    low, high = start, start * RAMP
    if passes(start):
        while passes(high):
            low, high = high, high * RAMP
    else:
        for _ in range(STEPS_DOWN_MAX):
            low, high = low / RAMP, low
            if passes(low):
                break
        else:
            return None
    while high > low * CLOSE:
        middle = sqrt(low * high)
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low
