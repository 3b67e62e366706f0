"""How two hubs show each other that they know the regions' secret, without telling it.

Each proves it over the numbers that both drew at random for this connection, and over who speaks
to whom, so no proof serves twice, nor the other way round (the challenge-response of RFC 5802 and
ISO/IEC 9798-4 without their negotiation).
"""

from __future__ import annotations

import hmac
import secrets
from typing import Literal

from ..edge.handshake import LINK_SUBPROTOCOL
from .frames import Hail, encode

NONCE_BYTES = 32
Side = Literal["dials", "answers"]


def new_nonce() -> bytes:
    """A number for one connection."""
    return secrets.token_bytes(NONCE_BYTES)


def proof_of(secret: bytes, side: Side, hail: Hail, partitions: int, nonce: bytes) -> bytes:
    """What `side` proves; `partitions` and `nonce` are those of the side that answers."""
    words = (LINK_SUBPROTOCOL, side, hail, partitions, nonce)
    return hmac.digest(secret, encode(words), "sha256")


def proves(given: bytes, wanted: bytes) -> bool:
    """Whether a proof is right; takes as long for a wrong one."""
    return hmac.compare_digest(given, wanted)
