"""What is not stored and may be dropped: typing and presence."""

from __future__ import annotations

from protocol.frames import Presence, PresenceNotice, Typing, TypingNotice

from ..hub import Listener, tell
from ..peer import Peer
from ..services import Services

SHED_BYTES = 64 * 1024
"""A listener whose socket does not take more than this gets no ephemeral frames."""


def notice(services: Services, peer: Peer, frame: Typing | Presence) -> None:
    """Tell those who are connected now. No answer, and none who is not there is told."""
    told: TypingNotice | PresenceNotice
    if isinstance(frame, Typing):
        told = TypingNotice(peer.handle, frame.to)
    else:
        told = PresenceNotice(peer.handle, frame.to, frame.state)
    ready = []
    for listener in _listeners(services, peer, frame.to):
        if isinstance(listener, Peer) and listener.waiting_bytes > SHED_BYTES:
            services.counters.shed += 1
        elif not (isinstance(listener, Peer) and listener.handle == peer.handle):
            ready.append(listener)
    tell(ready, told)


def _listeners(services: Services, peer: Peer, to: str) -> list[Listener]:
    hub = services.hub
    if to in hub.parties:
        return hub.parties[to].everyone()
    if peer.party is not None and to in peer.party.rooms and to in hub.rooms:
        return hub.rooms[to].everyone()
    return []
