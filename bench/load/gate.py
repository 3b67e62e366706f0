"""The correctness gate: every operation acknowledged once, every copy delivered once, in order.

A figure counts only if this holds. It is checked on every id that came, after the window.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .connection import Connection
from .dialect import ID_DIGITS
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
    """Deliveries to someone they were not for."""
    unacknowledged: int = 0
    acknowledged_twice: int = 0

    def __iadd__(self, other: Faults) -> Faults:
        for name, number in vars(other).items():
            setattr(self, name, getattr(self, name) + number)
        return self

    @property
    def any(self) -> bool:
        """Whether something went wrong."""
        return any(vars(self).values())


def ops_of(log: bytes | bytearray) -> list[int]:
    """The operations in a connection's log of ids."""
    return [int(log[at : at + ID_DIGITS]) for at in range(0, len(log), ID_DIGITS)]


def check_acks(sent: Collection[int], acked: Sequence[int]) -> Faults:
    """Compares what one connection sent with the acks that it got."""
    once = set(acked)
    return Faults(
        unacknowledged=len(set(sent) - once),
        acknowledged_twice=len(acked) - len(once),
        unexpected=len(once - set(sent)),
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


def check_pairs(window: Window, connections: Sequence[Connection]) -> Faults:
    """For one-to-one traffic: connection 2n and 2n+1 send to each other."""
    faults, sent = Faults(), _sent(window, len(connections))
    for index, connection in enumerate(connections):
        faults += check_acks(sent[index], ops_of(connection.acks))
        theirs = dict.fromkeys(sent[index ^ 1], index ^ 1)
        faults += check_deliveries(theirs, ops_of(connection.deliveries))
    return faults


def check_room(window: Window, connections: Sequence[Connection]) -> Faults:
    """For a room: everyone gets what all the others sent.

    Listeners get the same, so equal logs are judged once.
    """
    faults, sent = Faults(), _sent(window, len(connections))
    judged: dict[tuple[bytes, int], Faults] = {}
    for index, connection in enumerate(connections):
        faults += check_acks(sent[index], ops_of(connection.acks))
        case = (bytes(connection.deliveries), index if sent[index] else -1)
        if case not in judged:
            others = {op: n for n, ops in enumerate(sent) if n != index for op in ops}
            judged[case] = check_deliveries(others, ops_of(connection.deliveries))
        faults += judged[case]
    return faults


def _sent(window: Window, connections: int) -> list[list[int]]:
    """The operations that each connection sent, in order."""
    sent: list[list[int]] = [[] for _ in range(connections)]
    for n, sender in enumerate(window.sender_of):
        sent[sender].append(window.first + n)
    return sent
