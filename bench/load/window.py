"""One window: load for a while, closed or open loop, and what was seen meanwhile.

Closed loop: each sender keeps `depth` operations in flight; that finds saturation, and says
nothing of tails. Open loop: send times are fixed beforehand, and latency counts from the intended
time, so that an operation which had to wait for a stalled generator or hub is not flattered.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic_ns, process_time_ns

from bench.procfs import cpu_ns

from .connection import TAIL, Connection
from .dialects.base import ID_DIGITS
from .drain import drain
from .pace import pace
from .plan import Plan
from .routes import MERCHANT, ROOM, Router

KNOWN_MAX = 512
"""Reads of a room that are remembered at a time."""


@dataclass
class Mark:
    """The counters at one moment; CPU times in ns."""

    at: int
    acked: int
    delivered: int
    settled: int
    own_cpu: int
    cpu: dict[str, int]


class Window:
    """Runs a `Plan` over open connections."""

    def __init__(
        self,
        connections: Sequence[Connection],
        plan: Plan,
        router: Router,
        revive: Callable[[Window, Connection], Awaitable[Connection]],
    ) -> None:
        dialect = connections[0].dialect
        self.plan, self.router, self.connections = plan, router, list(connections)
        self.revive = revive
        self.first = plan.first
        self.sent_at = array("q")
        """Per operation: when it was sent, in open loop when it should have been."""
        self.route_of = array("L")
        """Per operation: its place in the router's `routes`."""
        self.lag_ns = array("q")
        self.errors: list[str] = []
        self.before = self.after = Mark(0, 0, 0, 0, 0, {})
        """The counters at both ends of what counts."""
        self.deliveries_in = dialect.delivery.findall
        self.acks_in = dialect.ack.findall if dialect.ack is not None else _nothing
        self.settlements_in = (
            dialect.settlement.findall if dialect.settlement is not None else _nothing
        )
        self.settles = plan.until == "settled"
        """Whether the payers must hear that the money has arrived."""
        self.ends_with_delivery = dialect.ack is None
        self.goes_on_with_delivery = (
            self.ends_with_delivery or dialect.acks_early or plan.until == "delivery"
        )
        """Whether it is the delivery that makes room for the next operation in closed loop."""
        self._goes_on_with_ack = not (self.goes_on_with_delivery or self.settles)
        self.shared = "room" in router.kinds
        """Whether several connections get the same bytes."""
        self._room_only = router.kinds == {"room"}
        self.known: dict[bytes, tuple[bytes, list[bytes]]] = {}
        readers = len(self.connections) - plan.stalled
        self.stalled = frozenset(range(readers, len(self.connections)))
        """The numbers of the connections that do not read."""
        senders = range(min(plan.senders or readers, readers))
        self.senders = [n for n in senders if plan.to != "hot" or n != MERCHANT]
        self._counts, self._chaser = dialect.ack_counts, router.chaser
        self._witnesses = {self._witness(sender) for sender in self.senders}
        self._sending = True
        self.refused: set[int] = set()
        """The operations that were honestly turned away, and never happened."""
        self.away: set[int] = set()
        """The numbers of stalled readers who were cut off."""
        self.returned = 0
        """How often a stalled reader had to come back, with its cursors."""

    async def run(self) -> None:
        """Load and measure; what came is in the connections' logs."""
        plan, chosen = self.plan, frozenset(self.senders)
        for number, connection in enumerate(self.connections):
            connection.start(self, number, number in chosen)
            if number in self.stalled:
                connection.stall()
        pacer = asyncio.ensure_future(pace(self, plan.rate, plan.stretches)) if plan.rate else None
        if pacer is None:
            for number in self.senders:
                self.send(number, plan.depth, monotonic_ns())
        await asyncio.sleep(plan.warm_up)
        self.before = self.mark()
        await asyncio.sleep(plan.measured)
        self.after = self.mark()
        self._sending = False
        if pacer is not None:
            await pacer
        for number in self.stalled:
            self.connections[number].unstall()
        await drain(self)
        for connection in self.connections:
            connection.window = None

    def mark(self) -> Mark:
        """The counters, now."""
        return Mark(
            at=monotonic_ns(),
            acked=sum(len(c.acks) for c in self.connections),
            delivered=sum(len(c.deliveries) for c in self.connections),
            settled=sum(len(c.settlements) for c in self.connections),
            own_cpu=process_time_ns(),
            cpu={name: cpu_ns(pid) for name, pid in self.plan.pids.items()},
        )

    # --- sending ---

    def send(self, number: int, times: int, at: int) -> None:
        """The next `times` operations of connection `number`, which count from the moment `at`."""
        connection, router = self.connections[number], self.router
        if connection.broken is not None:
            return
        picks, frames, repeats = router.picks(number, times), router.frames, router.repeats
        op = self.first + len(self.sent_at)
        if repeats > 1:
            parts = [frames[route] % ((id,) * repeats) for id, route in enumerate(picks, op)]
        elif times > 1:
            parts = [frames[route] % id for id, route in enumerate(picks, op)]
        else:  # mostly; a loop over one would double what sending costs
            parts = [frames[picks[0]] % op]
        self.sent_at.extend([at] * times)
        self.route_of.extend(picks)
        if self._counts:
            connection.unanswered.extend(range(op, op + times))
        if self._chaser:
            parts.append(self._chaser)
        connection.transport.write(b"".join(parts))

    # --- called by the connections ---

    def acked(self, sender: Connection, ids: list[bytes], now: int) -> None:
        """Acknowledgements came: in closed loop the next frames go out."""
        if self._counts:
            ids = self._counted(sender, int(ids[-1]))
        sender.acks.add(b"".join(ids), now)
        if self._sending and self.plan.rate is None and self._goes_on_with_ack:
            self.send(sender.number, len(ids), now)

    def settled(self, payer: Connection, ids: list[bytes], now: int, misstated: int) -> None:
        """The payer was told that money has arrived: in closed loop the next payments go out.
        `misstated` is by how much acknowledgements that say so are more than all of them."""
        if misstated:
            self.complain(payer, f"{payer.name}: not every ack says that the money is on its way")
        if ids:
            payer.settlements.add(b"".join(ids), now)
            if self._sending and self.plan.rate is None:
                self.send(payer.number, len(ids), now)

    def delivered(self, receiver: Connection, ids: list[bytes]) -> None:
        """Deliveries came, where nothing is acknowledged: the closed loop waits for them."""
        if self.plan.rate is not None or not self._sending:
            return
        if self._room_only and receiver.number not in self._witnesses:
            return
        routes, first, total = self.router.routes, self.first, len(self.sent_at)
        ended: Counter[int] = Counter()
        for op in map(int, ids):
            if not first <= op < first + total:
                continue  # the gate will tell
            route = routes[self.route_of[op - first]]
            if route.to != ROOM or receiver.number == self._witness(route.sender):
                ended[route.sender] += 1
        for sender, times in ended.items():
            self.send(sender, times, monotonic_ns())

    def remember(self, data: bytes, found: list[bytes]) -> None:
        """Members of the room will read the very same `data`, with these ids in it."""
        if len(self.known) >= KNOWN_MAX:
            self.known.clear()
        self.known[data[-TAIL:]] = (data, found)

    def turned_down(self, connection: Connection, refusal: bytes) -> None:
        """A refusal came: of an operation that did not happen, or of something else."""
        op = connection.dialect.turned_away(refusal)
        if op is None:
            self.complain(connection, refusal[:300].decode("latin-1"))
        else:
            self.refused.add(op)

    def complain(self, connection: Connection, words: str) -> None:
        """Something came that should not; from whoever stalls a goodbye is no wonder."""
        if connection.number not in self.stalled:
            self.errors.append(words)

    def lost(self, connection: Connection, words: str) -> None:
        """A connection broke. Whoever stalled comes back when the window is over."""
        if connection.number in self.stalled and connection.dialect.resumes:
            self.away.add(connection.number)
        else:
            self.errors.append(words)

    def _counted(self, sender: Connection, count: int) -> list[bytes]:
        """The ids that a running count acknowledges."""
        new = count - sender.counted
        sender.counted = count
        if new > len(sender.unanswered):
            self.errors.append(f"{sender.name} got {new} acknowledged of {len(sender.unanswered)}")
            new = len(sender.unanswered)
        return [b"%0*d" % (ID_DIGITS, sender.unanswered.popleft()) for _ in range(new)]

    def _witness(self, sender: int) -> int:
        """The member whose copy of a room message stands for everyone's."""
        last = len(self.connections) - len(self.stalled) - 1
        return last if last != sender else 0

    def kind(self, op: int) -> str:
        """What kind of operation `op` is; nothing if it is none of this window's."""
        at = op - self.first
        known = 0 <= at < len(self.route_of)
        return self.router.routes[self.route_of[at]].kind if known else ""


def _nothing(data: bytes) -> list[bytes]:
    del data
    return []
