"""What a client posts, and what became of it as far as the client was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]
COMING = ("create", "join")


@dataclass(slots=True)
class Op:
    """One frame that is to be stored, however often it was sent."""

    place: int
    """Its place among those of its sender, in the order of first sending."""
    frame: Frame
    since: float = 0.0
    """When it was first sent, by the loop's clock."""
    copies: int = 0
    """How often it was sent."""
    adrift: int = 0
    """Copies whose connection ended before an answer came: they may still arrive somewhere."""
    doubtful: bool = False
    """It was answered "ask again" or not at all, at least once; or it was sent on two ways."""
    box: str = ""
    """From its ack, where there was one."""
    seq: int = 0
    at: int = 0
    acked: bool = False
    state: str = ""
    """Of money, as its first ack said."""
    epoch: int = 0
    """The box's, as known when the ack came."""
    refused: str = ""
    """The code of the final refusal, if no copy was acknowledged."""
    closed: str = ""
    """`settled` or `returned`, once such an entry came for it."""

    @property
    def id(self) -> str:
        """Its idempotency key."""
        id: str = self.frame["id"]
        return id

    @property
    def kind(self) -> str:
        """The type of its frame."""
        kind: str = self.frame["type"]
        return kind

    @property
    def amount(self) -> int:
        """Money that it moves, in minor units."""
        amount: int = self.frame.get("amount", 0)
        return amount

    @property
    def open(self) -> bool:
        """Whether no final answer came so far."""
        return not (self.acked or self.refused)

    @property
    def others(self) -> list[str]:
        """The boxes, besides the one of its ack, where it must stand, too."""
        named = [self.frame.get("to"), self.frame.get("room")]
        return [name for name in dict.fromkeys(named) if name and name != self.box]


@dataclass
class Tally:
    """Plain counts, for the verdict and for the progress."""

    sent: int = 0
    copies: int = 0
    acked: int = 0
    replayed: int = 0
    unknown: int = 0
    """Frames that were without a clear answer at least once."""
    doubles: int = 0
    altered: int = 0
    """Altered copies that were refused as they must be."""
    reads: int = 0
    connections: int = 0
    lost: int = 0
    """Connections that ended, whoever ended them."""
    limited: int = 0
    """Boxes whose gap was too long to be sent, and was read page by page."""
    again: dict[str, int] = field(default_factory=dict)
    """Answers that said "send it again", by code."""
