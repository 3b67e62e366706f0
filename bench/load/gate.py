"""The correctness gate: every operation acknowledged once, every copy delivered once, in order.

A figure counts only if this holds. It is checked on every id that came, after the window.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .routes import ROOM
from .window import Window


@dataclass
class Faults:
    """How often each thing that must not happen did."""

    lost: int = 0
    """Deliveries that never came."""
    doubled: int = 0
    reordered: int = 0
    """Deliveries that came after a later one of the same sender."""
    unexpected: int = 0
    """Deliveries to someone they were not for; acknowledgements of what was not sent."""
    unacknowledged: int = 0
    acknowledged_twice: int = 0
    unsettled: int = 0
    """Payments on their way of which the payer never heard that the money has arrived."""

    def __iadd__(self, other: Faults) -> Faults:
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)
        return self

    @property
    def any(self) -> bool:
        """Whether something went wrong."""
        return any(vars(self).values())


def check_acks(sent: Collection[int], acked: Sequence[int]) -> Faults:
    """Compares what one connection sent with the acks that it got."""
    once, sent = set(acked), set(sent)
    return Faults(
        unacknowledged=len(sent - once),
        acknowledged_twice=len(acked) - len(once),
        unexpected=len(once - sent),
    )


def check_settlements(sent: Collection[int], settled: Sequence[int]) -> Faults:
    """Compares the payments of one connection, all of which were to travel, with what it heard of
    their arrival. Payments to one payee must arrive in order; here each payer has but one."""
    faults = check_acks(sent, settled)
    return Faults(
        unsettled=faults.unacknowledged,
        doubled=faults.acknowledged_twice,
        unexpected=faults.unexpected,
        reordered=sum(one > after for one, after in pairwise(settled)),
    )


def check_deliveries(expected: dict[int, int], delivered: Iterable[int]) -> Faults:
    """Compares what one connection was to get (operation to sender) with what it got."""
    faults, seen, last = Faults(), set(), dict.fromkeys(expected.values(), -1)
    for op in delivered:
        sender = expected.get(op)
        if sender is None:
            faults.unexpected += 1
        elif op in seen:
            faults.doubled += 1
        else:
            seen.add(op)
            faults.reordered += op < last[sender]
            last[sender] = max(op, last[sender])
    faults.lost = len(expected) - len(seen)
    return faults


def check(window: Window) -> Faults:
    """The whole window. Members of a room get the same, so equal logs are judged once."""
    faults, routes, members = Faults(), window.router.routes, len(window.connections)
    sent: list[list[int]] = [[] for _ in range(members)]
    direct: list[dict[int, int]] = [{} for _ in range(members)]
    spoken: dict[int, int] = {}
    for op, route in enumerate((routes[one] for one in window.route_of), window.first):
        if op in window.refused:
            continue
        sent[route.sender].append(op)
        (spoken if route.to == ROOM else direct[route.to])[op] = route.sender
    judged: dict[bytes, Faults] = {}
    echoes = window.connections[0].dialect.echoes_room
    for number, connection in enumerate(window.connections):
        if not window.ends_with_delivery:
            faults += check_acks(sent[number], connection.acks.ops())
        if window.settles:
            faults += check_settlements(sent[number], connection.settlements.ops())
        log = connection.deliveries
        if direct[number] or (sent[number] and not echoes):
            own = {op: sender for op, sender in spoken.items() if echoes or sender != number}
            faults += check_deliveries(own | direct[number], log.ops())
            continue
        ids = bytes(log.ids)
        if ids not in judged:
            judged[ids] = check_deliveries(spoken, log.ops())
        faults += judged[ids]
    return faults
