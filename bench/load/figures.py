"""What a window showed: rates, and latencies of all that was sent while it counted."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain

from .dialects.base import ID_DIGITS
from .histogram import pack
from .log import Log
from .routes import ROOM
from .window import Window

EVERYONE_TIMED = 20
"""In a room up to this size every member's deliveries are timed, in larger ones a sample's."""
MEMBERS_TIMED = 10
"""There, every so-many-th member."""
SPREADS_MAX, SPREAD_LOOKUPS_MAX = 500, 1_000_000
"""Room messages whose first and last copy are looked up, and look-ups in all: a sample."""
ERRORS_TOLD = 5


def _numbers() -> array[int]:
    return array("q")


class Tally:
    """The reads of some connections, by kind of operation."""

    def __init__(self, window: Window) -> None:
        self._window = window
        routes = window.router.routes
        self._kind_of = [routes[one].kind for one in window.route_of]
        self._from, self._to = window.before.at, window.after.at
        self.took: defaultdict[str, array[int]] = defaultdict(_numbers)
        """Latencies of operations sent while it counted, in ns."""
        self.came: Counter[str] = Counter()
        """Operations that came while it counted."""
        self.seconds: defaultdict[int, array[int]] = defaultdict(_numbers)
        """Latencies by the second in which they came."""

    def add(self, log: Log, timed: bool) -> None:
        """Go through a log; only count it if it is not `timed`."""
        first, sent_at, kind_of = self._window.first, self._window.sent_at, self._kind_of
        sent, begin, total = 0, self._from, len(kind_of)
        for now, ops in log.reads():
            if now < begin:
                continue
            inside = now < self._to
            second = self.seconds[(now - begin) // 1_000_000_000]
            for op in ops:
                op -= first
                if not 0 <= op < total:
                    continue  # the gate tells of it
                kind = kind_of[op]
                if inside:
                    self.came[kind] += 1
                sent = sent_at[op]
                if timed and sent >= begin:
                    self.took[kind].append(now - sent)
                    second.append(now - sent)

    def timeline(self) -> list[tuple[int, int, float]]:
        """Each second: how many came, and the 99th percentile of their latency in ms."""
        return [
            (second, len(took), sorted(took)[int(len(took) * 0.99)] / 1e6)
            for second, took in sorted(self.seconds.items())
            if took
        ]

    def all(self) -> Iterator[int]:
        """Latencies of all kinds."""
        return chain.from_iterable(self.took.values())


def figures(window: Window) -> dict[str, object]:
    """The result of a window, but for what its gate says. Histograms are packed."""
    before, after = window.before, window.after
    elapsed = after.at - before.at
    acks, deliveries = _tallies(window)
    delivered = after.delivered - before.delivered
    acked = after.acked - before.acked
    copies = _copies(window)
    if window.ends_with_delivery:
        acked = round(delivered / copies["*"])
    kinds = {}
    for kind in sorted(window.router.kinds):
        whole = len(window.router.kinds) == 1
        came = delivered if whole else deliveries.came[kind]
        if window.ends_with_delivery:
            ended = round(came / copies[kind])
        else:
            ended = acked if whole else acks.came[kind]
        kinds[kind] = {
            "acked": ended,
            "delivered": came,
            "ack": pack(acks.took[kind]),
            "delivery": pack(deliveries.took[kind]),
        }
    return {
        "seconds": elapsed / 1e9,
        "sent": len(window.sent_at),
        "acked": acked,
        "delivered": delivered,
        "generator_cpu": (after.own_cpu - before.own_cpu) / elapsed,
        "cpu_ns": {name: after.cpu[name] - spent for name, spent in before.cpu.items()},
        "ack": pack(acks.all()),
        "delivery": pack(deliveries.all()),
        "lag": pack(window.lag_ns),
        "spread": pack(_spreads(window)),
        "settled": pack(_settled(window)),
        "kinds": kinds,
        "timeline": (deliveries if window.ends_with_delivery else acks).timeline(),
        "errors": window.errors[:ERRORS_TOLD],
        "refused": len(window.refused),
        "returned": window.returned,
    }


def _tallies(window: Window) -> tuple[Tally, Tally]:
    acks, deliveries = Tally(window), Tally(window)
    one_kind = len(window.router.kinds) == 1
    everyone = not window.shared or len(window.connections) <= EVERYONE_TIMED
    for number, connection in enumerate(window.connections):
        acks.add(connection.acks, timed=True)
        timed = number not in window.stalled and (everyone or number % MEMBERS_TIMED == 0)
        if timed or not one_kind:
            deliveries.add(connection.deliveries, timed)
    return acks, deliveries


def _copies(window: Window) -> dict[str, float]:
    """Copies of an operation by kind, and of any (`*`) on average."""
    routes, sent = window.router.routes, Counter(window.route_of)
    copies, number = Counter[str](), Counter[str]()
    for one, times in sent.items():
        for kind in (routes[one].kind, "*"):
            copies[kind] += times * window.router.copies(routes[one])
            number[kind] += times
    return {kind: copies[kind] / number[kind] for kind in number} or {"*": 1.0}


def _spreads(window: Window) -> list[int]:
    """For a sample of room messages: ns from the first copy to the last, over all who read."""
    readers = [c for n, c in enumerate(window.connections) if n not in window.stalled]
    ops = _sample(window, min(SPREADS_MAX, SPREAD_LOOKUPS_MAX // len(readers)))
    first, last = dict.fromkeys(ops, 1 << 63), dict.fromkeys(ops, 0)
    known: dict[bytes, list[tuple[int, int]]] = {}
    for reader in readers if ops else ():
        log = reader.deliveries
        ids = bytes(log.ids)
        if ids not in known:
            known[ids] = _places(log, first)
        for op, place in known[ids]:
            came = log.times[bisect_right(log.ends, place)]
            first[op] = min(first[op], came)
            last[op] = max(last[op], came)
    return [last[op] - first[op] for op in ops if last[op]]


def _settled(window: Window) -> list[int]:
    """For each payment that was to travel: ns until payer and payee both knew that it arrived."""
    first, sent_at, begin = window.first, window.sent_at, window.before.at
    known = dict[int, int]()
    for connection in window.connections if window.settles else ():
        for log in (connection.deliveries, connection.settlements):
            for now, ops in log.reads():
                known.update((op, max(now, known.get(op, 0))) for op in ops)
    spans = ((at, known.get(op, 0)) for op, at in enumerate(sent_at, first))
    return [heard - at for at, heard in spans if heard and at >= begin]


def _sample(window: Window, most: int) -> list[int]:
    """Room operations of what counts, evenly chosen."""
    routes, begin = window.router.routes, bisect_left(window.sent_at, window.before.at)
    ops = [
        window.first + at
        for at in range(begin, len(window.sent_at))
        if routes[window.route_of[at]].to == ROOM
    ]
    return ops[:: max(1, -(-len(ops) // most))] if most else []


def _places(log: Log, wanted: dict[int, int]) -> list[tuple[int, int]]:
    """Where the operations `wanted` stand in a log, in bytes."""
    return [(op, at * ID_DIGITS) for at, op in enumerate(log.ops()) if op in wanted]
