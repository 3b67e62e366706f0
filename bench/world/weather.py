"""What one direction of a connection does to the bytes in it: a calculation, without any I/O."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SEGMENT_BYTES = 1_448
"""What one packet of TCP carries over Ethernet."""
RTO_MIN = 0.2
"""Seconds above the round trip after which Linux sends a lost packet again (`TCP_RTO_MIN`)."""


@dataclass(frozen=True)
class Weather:
    """How one direction is."""

    delay: float
    """Seconds from end to end."""
    jitter: float = 0.0
    """Seconds that a piece takes longer on average; exponentially distributed."""
    loss: float = 0.0
    """Share of packets that are lost, below 1. A stream does not lose them, but waits for them."""
    rate: float = 0.0
    """Bytes per second that it carries; 0 means any number."""

    def __post_init__(self) -> None:
        if not (self.delay >= 0 and self.jitter >= 0 and 0 <= self.loss < 1 and self.rate >= 0):
            raise ValueError(f"there is no such weather: {self}")


class Way:
    """When the pieces that enter one direction leave it. They never overtake each other."""

    def __init__(self, weather: Weather, round_trip: float, opens: float, draw: Random) -> None:
        """`round_trip` in seconds says how long a lost packet stalls the stream; nothing enters
        before `opens`, when the connection's handshake is through."""
        self.weather = weather
        """Can be replaced at any time."""
        self._round_trip, self._draw = round_trip, draw
        self._free = opens
        self._last = 0.0

    def due(self, now: float, size: int) -> float:
        """When a piece of `size` bytes that enters `now` leaves, by the same clock."""
        weather = self.weather
        self._free = max(now, self._free)
        if weather.rate:
            self._free += size / weather.rate
        due = self._free + weather.delay
        if weather.jitter:
            due += self._draw.expovariate(1 / weather.jitter)
        if weather.loss:
            due += self._stall(size)
        self._last = max(due, self._last)
        return self._last

    def wait_until(self, moment: float) -> None:
        """Nothing leaves before `moment`."""
        self._last = max(moment, self._last)

    def _stall(self, size: int) -> float:
        """Seconds that losing packets costs. The time-out doubles each time that the same packet
        is lost again (RFC 6298, 5.5)."""
        packets = -(-size // SEGMENT_BYTES)
        stall, timeout = 0.0, self._round_trip + RTO_MIN
        lost = 1 - (1 - self.weather.loss) ** packets
        while self._draw.random() < lost:
            stall += timeout
            timeout *= 2
            lost = self.weather.loss
        return stall
