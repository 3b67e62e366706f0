"""Which new connections a hub takes, and when the others should come back."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from .limits import Bucket, Buckets

ADDRESS_SHARE = 5
"""One address may take one part in so many of the hub's new connections a second."""
ADDRESS_PER_S_MIN = 10.0
"""But at least so many, if the hub takes as many."""
WINDOW_S = 1.0
SPREAD_S_MAX = 60.0


class Admission:
    """A rate of new connections, for the hub and for each address.

    Who is refused is told to come back spread over as long as the hub needs for all who were
    refused lately, so that a crowd does not come back as a crowd.
    """

    def __init__(self, per_s: float, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._now = now
        self._all = Bucket(per_s, max(1, int(per_s)))
        each = max(per_s / ADDRESS_SHARE, min(per_s, ADDRESS_PER_S_MIN))
        self._each = Buckets(each, max(1, int(per_s)))
        self._refused = 0
        self._before = 0
        self._since = 0.0

    def wait_ms(self, address: str) -> int:
        """Milliseconds after which a connection from `address` should come back; 0: come in."""
        now = self._now()
        wait = self._each.take(address, now) or self._all.take(now)
        if not wait:
            return 0
        if now - self._since > WINDOW_S:
            self._before = self._refused if now - self._since < 2 * WINDOW_S else 0
            self._refused, self._since = 0, now
        crowd_s = min(SPREAD_S_MAX, (self._before + self._refused) / self._per_s)
        self._refused += 1
        return max(1, round(wait * 1000)) + secrets.randbelow(1 + int(crowd_s * 1000))
