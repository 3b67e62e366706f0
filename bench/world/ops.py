"""What clients did, and what came of it: every operation, and the gate over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

Pair = tuple[str, str]
"""The region of who sends, and that of who receives."""


@dataclass
class Op:
    """One message or payment. Times are in ns, by one clock for both ends; 0: not yet."""

    number: int
    pair: Pair
    kind: str
    to: str
    intended: int
    """When it was to be sent; latencies count from here."""
    acked: int = 0
    delivered: int = 0
    """When the recipient had the entry; of a payment the money had been credited then."""
    closed: int = 0
    """Of a payment that was only `accepted`: when the payer was told how it ended."""
    state: str = ""
    """Of a payment: what its ack said, `settled` or `accepted`."""
    again: bool = False
    """Whether it was sent again, and so may have been overtaken."""

    @property
    def done(self) -> bool:
        """Whether nothing of it is outstanding."""
        waits = self.state == "accepted" and not self.closed
        return bool(self.acked and self.delivered) and not waits

    @property
    def in_transit(self) -> bool:
        """Whether its money has left the payer, and nobody has seen it arrive."""
        return self.kind == "payment" and bool(self.acked) and not self.delivered


@dataclass
class Book:
    """All operations of a run."""

    ops: dict[str, Op] = field(default_factory=dict)
    """By the id of their frame."""
    faults: Counter[str] = field(default_factory=Counter)
    """What must never be: ``refused``, ``returned``, ``doubled``, ``reordered``, ``unasked``."""
    errors: list[str] = field(default_factory=list)
    """The words of the first refusals."""
    _newest: dict[tuple[str, str], int] = field(default_factory=dict)
    """Of each sender and recipient, the last operation that was delivered."""

    def acked(self, id: str, now: int, state: str) -> None:
        """The sender was told that it is done."""
        op = self._known(id)
        if op is not None and not op.acked:
            op.acked, op.state = now, state

    def delivered(self, id: str, sender: str, to: str, now: int) -> None:
        """The recipient got the entry."""
        op = self._known(id)
        if op is None:
            return
        if op.delivered:
            self.faults["doubled"] += 1
            return
        op.delivered = now
        if op.again:
            return
        if op.number < self._newest.get((sender, to), 0):
            self.faults["reordered"] += 1
        self._newest[sender, to] = op.number

    def closed(self, id: str, how: str, now: int) -> None:
        """The payer was told that the payee has the money, or that it is back."""
        op = self._known(id)
        if op is None:
            return
        if op.closed:
            self.faults["doubled"] += 1
        op.closed = now
        if how == "returned":
            self.faults["returned"] += 1

    def refused(self, id: str, words: str) -> None:
        """It was not done, for a reason that nobody here gave."""
        self.faults["refused"] += 1
        if len(self.errors) < 3:
            self.errors.append(f"{id}: {words}")

    def of(self, first: int) -> list[Op]:
        """The operations from number `first` on."""
        return [op for op in self.ops.values() if op.number >= first]

    def in_transit(self) -> int:
        """Minor units that have left their payers and were not seen to arrive."""
        return sum(op.in_transit for op in self.ops.values())

    def _known(self, id: str) -> Op | None:
        op = self.ops.get(id)
        if op is None:
            self.faults["unasked"] += 1
        return op


def samples(ops: Iterable[Op]) -> dict[str, dict[str, list[float]]]:
    """Seconds from the intended time to each event, by ``source>dest`` and by figure: ``ack`` (of
    messages), ``payment ack``, ``delivery``, ``credit``, ``settled`` (the payer was told)."""
    found: dict[str, dict[str, list[float]]] = {}
    for op in ops:
        of = found.setdefault(">".join(op.pair), {})
        money = op.kind == "payment"
        events = (
            ("payment ack" if money else "ack", op.acked),
            ("credit" if money else "delivery", op.delivered),
            ("settled", op.closed),
        )
        for name, at in events:
            if at:
                of.setdefault(name, []).append((at - op.intended) / 1e9)
    return found
