"""What costs the hub much counts as many frames."""

from __future__ import annotations

from ..peer import Peer
from ..services import Services
from .posting import take_turn


def pay_for(services: Services, peer: Peer, id: str, turns: int) -> None:
    """A question about much costs as much as `turns` further ones, by the connection's rate.

    Raises:
        FrameError: `rate_limited`.
    """
    bucket = peer.bucket
    for _ in range(turns if bucket is not None else 0):
        take_turn(services, bucket, id)  # type: ignore[arg-type]
