"""How often passwords may be tried, and accounts be opened.

A wrong password costs its account, and the address that it came from, a try; when the free ones are
used up, each further one doubles the wait. Tries from an address where somebody was in with this
account before are counted apart, so that a stranger's guesses lock nobody out. Who has a token
needs no password at all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from protocol.errors import Code, FrameError

from ..edge.limits import Buckets

FREE_TRIES = 10
"""Wrong passwords for one account that cost nothing but themselves; then the wait doubles."""
FREE_TRIES_ADDRESS = 50
"""The same for one address, over all accounts."""
WAIT_S_MAX = 300.0
"""The longest wait between two tries. After twelve times that, all is forgotten."""
KEPT = 10_000
"""Accounts, and addresses, of which tries are remembered; the oldest are forgotten."""
HOUR_S = 3_600.0


class Tries:
    """Tries of something that may be tried so often for nothing."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._made: dict[Hashable, tuple[int, float]] = {}

    def take(self, who: Hashable, now: float) -> float:
        """One more try at `now`, in seconds; 0, or the seconds to wait until there is one."""
        count, at = self._made.pop(who, (0, now))
        if now - at > 12 * WAIT_S_MAX:
            count = 0
        over = count - self._free
        wait = at + min(WAIT_S_MAX, 2.0 ** min(over, 20)) - now if over >= 0 else 0.0
        self._made[who] = (count, at) if wait > 0 else (count + 1, now)  # the newest
        if len(self._made) > KEPT:
            del self._made[next(iter(self._made))]
        return max(0.0, wait)

    def give_back(self, who: Hashable) -> None:
        """The last try was none."""
        count, at = self._made.get(who, (0, 0.0))
        if count > 1:
            self._made[who] = count - 1, at
        else:
            self._made.pop(who, None)

    def forgive(self, who: Hashable) -> None:
        """All is well."""
        self._made.pop(who, None)


class Throttle:
    """Of one hub."""

    def __init__(self, now: Callable[[], float], registrations_per_h: int, rates: bool) -> None:
        """`rates`: whether addresses have any; accounts always do."""
        self._now = now
        self._rates = rates
        self._accounts = Tries(FREE_TRIES)
        self._addresses = Tries(FREE_TRIES_ADDRESS)
        self._known: dict[tuple[str, str], None] = {}
        """Where accounts have been in; the newest last."""
        self._opened = Buckets(registrations_per_h / HOUR_S, registrations_per_h)

    def password(self, name: str, address: str) -> None:
        """A password for `name` is about to be looked at.

        Raises:
            FrameError: `rate_limited`, with the time to wait.
        """
        now = self._now()
        wait = self._addresses.take(address, now) if self._rates else 0.0
        if not wait:
            wait = self._accounts.take(self._key(name, address), now)
            if wait and self._rates:
                self._addresses.give_back(address)
        _refuse(wait)

    def right(self, name: str, address: str, guessed: bool = True) -> None:
        """`name` is in, from `address`; by a password that was counted as a try (`guessed`)."""
        if guessed:
            self._accounts.forgive(self._key(name, address))
            if self._rates:
                self._addresses.give_back(address)
        self._known.pop((name, address), None)
        self._known[name, address] = None
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]

    def opening(self, address: str) -> None:
        """An account is about to be opened.

        Raises:
            FrameError: `rate_limited`, with the time to wait.
        """
        if self._rates:
            _refuse(self._opened.take(address, self._now()))

    def _key(self, name: str, address: str) -> Hashable:
        return (name, address) if (name, address) in self._known else name


def _refuse(wait_s: float) -> None:
    if wait_s > 0:
        raise FrameError(Code.RATE_LIMITED, retry_after_ms=int(wait_s * 1000) + 1)
