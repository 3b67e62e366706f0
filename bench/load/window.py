"""One window: load for a while, closed or open loop, and what was seen meanwhile.

Closed loop: each sender keeps `depth` operations in flight; that finds saturation, and says
nothing of tails. Open loop: send times are fixed beforehand, and latency counts from the intended
time, so that an operation which had to wait for a stalled generator or hub is not flattered.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic_ns, process_time_ns

from bench.procfs import cpu_ns

from .connection import Connection
from .dialect import ID_DIGITS
from .histogram import pack

TICK_SECONDS = 0.001
"""How often the open loop looks what is due: uvloop's timers count milliseconds."""


@dataclass
class Plan:
    """What to do in one window."""

    first: int
    """The id of its first operation; ids are never used twice."""
    seconds: float
    warm_up: float = 1.0
    depth: int = 1
    """Operations in flight per sender, in closed loop."""
    rate: float | None = None
    """Operations per second of all senders together: open loop."""
    drain: float = 15.0
    """Seconds that answers may take after the last frame was sent, before they count as lost."""
    pids: dict[str, int] = field(default_factory=dict)
    """Processes whose CPU time to read, by the name of their part."""


@dataclass
class Mark:
    """The counters at one moment."""

    at: int
    acked: int
    delivered: int
    own_cpu: int
    cpu: dict[str, int]


class Window:
    """Runs a `Plan` over open connections; those with templates send."""

    def __init__(self, connections: Sequence[Connection], plan: Plan) -> None:
        self.first = plan.first
        self.sent_at: list[int] = []
        """Per operation: when it was sent, in open loop when it should have been."""
        self.sender_of = array("L")
        self.ack_ns: list[int] = []
        self.delivery_ns: list[int] = []
        self.lag_ns: list[int] = []
        self.errors: list[str] = []
        self._connections = connections
        self._senders = [c for c in connections if c.templates]
        self._index = {c: n for n, c in enumerate(connections)}
        self._plan = plan
        self._sending = True

    async def run(self, copies: int) -> dict[str, object]:
        """The figures of the window; each operation is to be delivered `copies` times."""
        for connection in self._connections:
            connection.start(self)
        plan = self._plan
        pacer = asyncio.ensure_future(self._pace(plan.rate)) if plan.rate else None
        if pacer is None:
            for sender in self._senders:
                self._send(sender, plan.depth)
        await asyncio.sleep(plan.warm_up)
        for seen in (self.ack_ns, self.delivery_ns, self.lag_ns):
            seen.clear()
        before = self._mark()
        await asyncio.sleep(plan.seconds)
        after = self._mark()
        self._sending = False
        if pacer is not None:
            await pacer
        await self._drain(copies)
        for connection in self._connections:
            connection.window = None
        return self._figures(before, after)

    def acked(self, sender: Connection, number: int) -> None:
        """Called by a connection when acks came: in closed loop the next frames go out."""
        if self._sending and not self._plan.rate:
            self._send(sender, number)

    def _send(self, sender: Connection, number: int) -> None:
        now, index, templates = monotonic_ns(), self._index[sender], sender.templates
        op = self.first + len(self.sent_at)
        frames = [templates[n % len(templates)] % n for n in range(op, op + number)]
        self.sent_at += [now] * number
        self.sender_of.extend([index] * number)
        sender.transport.write(frames[0] if number == 1 else b"".join(frames))

    async def _pace(self, rate: float) -> None:
        senders, interval = self._senders, 1e9 / rate
        started = monotonic_ns()
        while self._sending:
            now = monotonic_ns()
            due = int((now - started) / interval) + 1
            for n in range(len(self.sent_at), due):
                intended = started + int(n * interval)
                sender = senders[n % len(senders)]
                self.sent_at.append(intended)
                self.sender_of.append(self._index[sender])
                self.lag_ns.append(now - intended)
                op = self.first + n
                sender.transport.write(sender.templates[n % len(sender.templates)] % op)
            await asyncio.sleep(TICK_SECONDS)

    async def _drain(self, copies: int) -> None:
        """Wait for the answers still out. A delivery too many does not end the wait."""
        deadline = monotonic_ns() + self._plan.drain * 1e9
        sent = len(self.sent_at)
        while monotonic_ns() < deadline:
            mark = self._mark()
            if mark.acked >= sent and mark.delivered >= sent * copies:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # what comes twice comes a little later

    def _mark(self) -> Mark:
        return Mark(
            at=monotonic_ns(),
            acked=sum(len(c.acks) for c in self._connections) // ID_DIGITS,
            delivered=sum(len(c.deliveries) for c in self._connections) // ID_DIGITS,
            own_cpu=process_time_ns(),
            cpu={name: cpu_ns(pid) for name, pid in self._plan.pids.items()},
        )

    def _figures(self, before: Mark, after: Mark) -> dict[str, object]:
        elapsed = after.at - before.at
        return {
            "seconds": elapsed / 1e9,
            "sent": len(self.sent_at),
            "acked": after.acked - before.acked,
            "delivered": after.delivered - before.delivered,
            "generator_cpu": (after.own_cpu - before.own_cpu) / elapsed,
            "cpu_ns": {name: after.cpu[name] - spent for name, spent in before.cpu.items()},
            "ack": pack(self.ack_ns),
            "delivery": pack(self.delivery_ns),
            "lag": pack(self.lag_ns),
            "errors": self.errors[:5],
        }
