"""What other hubs tell, on its way to those who are connected here."""

from __future__ import annotations

from msgspec import UnsetType

from protocol.frames import BalanceAfter

from .announcer import Announcer
from .hub import Hub, Listener, Party, Room, tell
from .ledger.entries import TIME_DIGITS, decode_entry
from .membership import Membership
from .peer import Peer
from .relay import Ear, Notice
from .services import Counters

SHED_BYTES = 64 * 1024
"""A listener whose socket does not take more than this gets no ephemeral frames."""


class Hearing(Ear):
    """Takes what the relay heard to the announcer and the listeners."""

    def __init__(
        self, hub: Hub, announcer: Announcer, membership: Membership, counters: Counters
    ) -> None:
        self._hub = hub
        self._announcer = announcer
        self._membership = membership
        self._counters = counters

    def entry(self, name: str, seq: int, stored: bytes, balance: BalanceAfter | UnsetType) -> None:
        box = self._hub.find(name)
        if box is not None and seq > box.seq:
            entry = decode_entry(stored[TIME_DIGITS:])
            self._announcer.put(box, seq, int(stored[:TIME_DIGITS]), entry, balance)

    def joined(self, name: str, room: str, seq: int) -> None:
        self._membership.came(name, room, seq)

    def notice(self, name: str, frame: Notice) -> None:
        tell_notice(self._hub, self._counters, name, frame)

    def heard(self) -> None:
        self._announcer.flush()


def tell_notice(hub: Hub, counters: Counters, name: str, frame: Notice) -> None:
    """Tell an ephemeral frame to those who listen to `name` here, but not to its sender."""
    box = hub.find(name)
    if not isinstance(box, Party | Room):
        return
    ready: list[Listener] = []
    for listener in box.everyone():
        if isinstance(listener, Peer) and listener.waiting_bytes > SHED_BYTES:
            counters.shed += 1
        elif not (isinstance(listener, Peer) and listener.handle == frame.from_):
            ready.append(listener)
    tell(ready, frame)
