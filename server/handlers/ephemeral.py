"""What is not stored and may be dropped: typing and presence."""

from __future__ import annotations

from protocol.frames import Presence, Typing

from ..peer import Peer
from ..services import Services


def notice(services: Services, peer: Peer, frame: Typing | Presence) -> None:
    """Tell those who are connected now, here and at other hubs, in a moment. No answer, and none
    who is not there is told."""
    services.presence.notice(peer, frame)
