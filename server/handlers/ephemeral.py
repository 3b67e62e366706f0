"""What is not stored and may be dropped: typing and presence."""

from __future__ import annotations

from protocol.frames import Presence, PresenceNotice, Typing, TypingNotice

from ..hearing import tell_notice
from ..peer import Peer
from ..services import Services


def notice(services: Services, peer: Peer, frame: Typing | Presence) -> None:
    """Tell those who are connected now, here and at other hubs. No answer, and none who is not
    there is told."""
    if frame.to[0] == "#" and (peer.party is None or frame.to not in peer.party.rooms):
        return
    told: TypingNotice | PresenceNotice
    if isinstance(frame, Typing):
        told = TypingNotice(peer.handle, frame.to)
    else:
        told = PresenceNotice(peer.handle, frame.to, frame.state)
    tell_notice(services.hub, services.counters, frame.to, told)
    services.relay.notice(frame.to, told)
