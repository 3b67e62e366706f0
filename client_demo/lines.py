"""One line of a conversation, what became of it, and how it is to be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from protocol.folding import View, key_of

from .events import Frame

Key: TypeAlias = tuple[str, str]
"""Who sent a line, and its id: the same on every device."""


class Delivery(Enum):
    """What became of a line of ours. A line of others is always `STORED`."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    """No answer came before the connection broke; the hub is asked again."""
    STORED = "stored"
    ACCEPTED = "accepted"
    """Stored, but the money is still on its way. Only `Line.fate` says so."""
    WAITING = "waiting"
    """Stored, but the payee has not accepted us yet. Only `Line.fate` says so."""
    DELIVERED = "delivered"
    READ = "read"
    REFUSED = "refused"
    RETURNED = "returned"
    """Stored, but it could not be delivered. Only `Line.fate` says so."""


@dataclass(slots=True, eq=False)
class Line:
    """A message, a payment, a deposit, or a note that someone came or went.

    `amount` is in minor units of `currency`; `at` is in milliseconds since 1970 by the store's
    clock; `seq` and `at` are `None` until the line is stored. `after` is for a refused line: the
    seq of the newest line when it was refused or came back; `until` is when its `reason` ends, in
    milliseconds since 1970, or 0.

    Some are facts that only ever become true, so that they may come in any order:
    `accepted`: the money left the payer; `settled`: the payee has it; `returned`: why it came
    back; `unshown`: why the room that a payment named does not show it; `offered`: the payee had
    not accepted the payer. `offer_days`: how long money waits for that; 0: not known. `frame` is
    the entry, or our frame, itself; `view` is what it comes to with all that was said about it,
    once it is stored.
    """

    kind: str
    sender: str
    id: str
    to: str
    text: str
    order: int
    amount: int = 0
    currency: str = ""
    room: str = ""
    seq: int | None = None
    after: int | None = None
    at: int | None = None
    delivery: Delivery = Delivery.SENDING
    reason: str = ""
    until: int = 0
    accepted: bool = False
    settled: bool = False
    returned: str = ""
    unshown: str = ""
    offered: bool = False
    offer_days: int = 0
    frame: Frame = field(default_factory=dict)
    view: View | None = None

    @classmethod
    def of(cls, frame: Frame, order: int) -> Line:
        """A line from an entry, or from a frame of ours. `order` sorts what is not stored yet."""
        return cls(
            kind=frame["type"],
            sender=frame["from"],
            id=frame["id"],
            to=frame.get("to") or frame.get("room") or frame.get("who", ""),
            text=frame.get("text", ""),
            order=order,
            amount=frame.get("amount", 0),
            currency=frame.get("currency", ""),
            room=frame.get("room", ""),
            seq=frame.get("seq"),
            at=frame.get("at"),
            delivery=Delivery.STORED if "seq" in frame else Delivery.SENDING,
            accepted=frame.get("state") == "accepted",
            settled=frame.get("state") == "settled",
            offered=frame.get("state") == "waiting",
            frame=frame,
        )

    @property
    def key(self) -> Key:
        """What is the same for this line on every device."""
        return self.sender, self.id

    @property
    def words(self) -> str:
        """The newest words; none if they are gone."""
        return self.text if self.view is None else self.view.text

    @property
    def gone(self) -> str:
        """Why there are no words, if they are gone."""
        return str(self.frame.get("gone", "")) if self.view is None else self.view.gone

    @property
    def ref(self) -> Key | None:
        """The line that this one answers, or passes on."""
        return key_of(self.frame["ref"]) if "ref" in self.frame else None

    @property
    def thread(self) -> Key | None:
        """The line that began the thread this one belongs to."""
        return key_of(self.frame["thread"]) if "thread" in self.frame else None

    @property
    def ends_at(self) -> int | None:
        """When the words disappear, in milliseconds since 1970."""
        lifetime = self.frame.get("expires_s")
        return None if lifetime is None or self.at is None else self.at + lifetime * 1000

    @property
    def waits_until(self) -> int | None:
        """When money that nobody accepts goes back, in milliseconds since 1970; None: not known."""
        if self.at is None or not self.offer_days:
            return None
        return self.at + self.offer_days * 86_400_000

    def calls(self, me: str) -> bool:
        """Whether it is meant for us in particular."""
        mentions = self.frame.get("mentions", ())
        return self.sender != me and (me in mentions or "@all" in mentions)

    @property
    def fate(self) -> Delivery:
        """What became of the line, all told: its delivery, unless its money is on its way still,
        or it came back. Only the ledger's word counts: that somebody read it settles nothing."""
        if self.returned:
            return Delivery.RETURNED
        if self.is_stored and not self.settled:
            if self.offered:
                return Delivery.WAITING
            if self.accepted:
                return Delivery.ACCEPTED
        return self.delivery

    @property
    def is_stored(self) -> bool:
        """Whether the hub has it, whatever became of it since."""
        return self.delivery in _STORED

    @property
    def place(self) -> tuple[float, bool, int]:
        """Where the line stands: stored lines by `seq`; one without, that was refused or came
        back, below what was there then; at the end what waits, as it was posted."""
        if self.seq is not None:
            return self.seq, False, self.order
        if self.after is not None:
            return self.after, True, self.order
        return float("inf"), False, self.order


_STORED = (Delivery.STORED, Delivery.DELIVERED, Delivery.READ)
