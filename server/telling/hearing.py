"""What other hubs tell, on its way to those who are connected here."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UnsetType

from protocol.frames import BalanceAfter, DeliveredEntry, ReadEntry

from ..ledger.entries import TIME_DIGITS, decode_entry
from ..peer import Peer
from ..services import Counters
from .announcer import Announcer
from .hub import Hub, Listener, Party, Room, tell
from .membership import Membership
from .relay import Ear, Notice

AUDIENCE_MAX = 250
"""In a room with more listeners here nobody is told who types."""


class Hearing(Ear):
    """Takes what the relay heard to the announcer and the listeners."""

    def __init__(
        self, hub: Hub, announcer: Announcer, membership: Membership, counters: Counters
    ) -> None:
        self._hub = hub
        self._announcer = announcer
        self._membership = membership
        self._counters = counters
        self.on_look: Callable[[str], None] = lambda name: None
        """Told of an account that should be looked at."""

    def entry(self, name: str, seq: int, stored: bytes, balance: BalanceAfter | UnsetType) -> None:
        box = self._hub.find(name)
        if box is not None and seq > box.seq:
            entry = decode_entry(stored[TIME_DIGITS:])
            self._announcer.put(box, seq, int(stored[:TIME_DIGITS]), entry, balance)

    def joined(self, name: str, room: str, seq: int) -> None:
        self._membership.told(name, room, seq)

    def notice(self, name: str, frame: Notice) -> None:
        tell_notice(self._hub, self._counters, name, frame)

    def look(self, name: str) -> None:
        self.on_look(name)

    def heard(self) -> None:
        self._announcer.flush()


def tell_notice(hub: Hub, counters: Counters, name: str, frame: Notice) -> None:
    """Tell an ephemeral frame to those who listen to `name` here, but not to its sender."""
    box = hub.find(name)
    if not isinstance(box, Party | Room):
        return
    ready: list[Listener] = []
    audience = box.everyone()
    if len(audience) > AUDIENCE_MAX:
        counters.shed += 1
        return
    for listener in audience:
        if isinstance(listener, Peer) and listener.crowded:
            counters.shed += 1
        elif _is_for(listener, frame):
            ready.append(listener)
    tell(ready, frame)


def _is_for(listener: Listener, frame: Notice) -> bool:
    """Nobody is told of themselves; and of receipts nobody who wants none."""
    if not isinstance(listener, Peer):
        return True
    if listener.handle == frame.from_:
        return False
    receipt = isinstance(frame, ReadEntry | DeliveredEntry)
    return not receipt or listener.party is None or listener.party.receipts
