"""The side of a link that is dialled: sees who comes, then answers their questions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from ..edge.wire import BINARY, header
from .frames import (
    Answer,
    Call,
    Challenge,
    Failed,
    Hail,
    Proof,
    Ready,
    Reply,
    Said,
    decode_asked,
    encode,
)
from .link import LINK_BYTES_MAX
from .places import Places
from .proof import new_nonce, proof_of, proves

if TYPE_CHECKING:
    from ..edge.transport import Connection

MEET_TIMEOUT_S = 10.0
OUTBOX_BYTES_MAX = 4 * LINK_BYTES_MAX
"""What may wait for a region that does not read; beyond, the link is closed, and asked anew."""
POLICY = 1008
"""The close code for who is not let in (RFC 6455, section 7.4.1)."""

Answering = Callable[[str, Any], Awaitable[Reply]]
"""Answers a question of a hub of the region named first."""


@dataclass
class Answers:
    """How each kind of question is answered, and the links over which they come."""

    places: Places
    by_kind: dict[type[Any], Answering] = field(default_factory=dict)
    doors: set[Door] = field(default_factory=set)
    """Links whose other side has proved itself."""

    def meet(self, connection: Connection) -> Door:
        """The guest of a connection to the regions' path."""
        return Door(self, connection)


class Door:
    """One link, seen from the side that answers. A `Guest` of the transport."""

    def __init__(self, answers: Answers, connection: Connection) -> None:
        self._answers = answers
        self._connection = connection
        self._hail: Hail | None = None
        self._nonce = new_nonce()
        self._region = ""
        """Who is at the other side, once they have proved it."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("regions")
        connection.widen(LINK_BYTES_MAX, OUTBOX_BYTES_MAX)
        connection.expect_login(MEET_TIMEOUT_S)

    def receive(self, payload: bytes, text: bool) -> None:
        """Take one message."""
        try:
            said = None if text else decode_asked(payload)
        except ValueError:
            said = None
        if isinstance(said, Call) and self._region:
            self._call(said)
        elif isinstance(said, Hail) and self._hail is None:
            self._challenge(said)
        elif isinstance(said, Proof) and self._hail is not None and not self._region:
            self._let_in(self._hail, said)
        else:
            self._refuse("what it says does not belong here")

    def lost(self) -> None:
        """The socket is gone; what was begun is finished."""
        self._answers.doors.discard(self)
        self._region = ""

    def slow(self) -> None:
        """It does not read the answers."""
        self._connection.close(POLICY, "the answers are not read")

    # Private.

    def _challenge(self, hail: Hail) -> None:
        places = self._answers.places
        asks = places.regions.get(hail.region)
        if hail.to != places.own or asks is None or hail.region == places.own:
            self._refuse(f"this is region {places.own}")
        elif hail.partitions != asks.partitions:
            self._refuse(f"region {hail.region} must have {asks.partitions} partitions")
        else:
            self._hail = hail
            here = places.here.partitions
            proof = proof_of(places.secret, "answers", hail, here, self._nonce)
            self._say(Challenge(here, self._nonce, proof))

    def _let_in(self, hail: Hail, said: Proof) -> None:
        places = self._answers.places
        here = places.here.partitions
        wanted = proof_of(places.secret, "dials", hail, here, self._nonce)
        if not proves(said.proof, wanted):
            self._refuse("it does not know the regions' secret")
            return
        self._region = hail.region
        self._answers.doors.add(self)
        self._connection.at_home()
        self._say(Ready())

    def _refuse(self, why: str) -> None:
        peer = self._connection.transport.get_extra_info("peername")
        self._log.warning("a link is refused", peer=peer, why=why)
        self._connection.close(POLICY, why)

    def _call(self, call: Call) -> None:
        task = asyncio.create_task(self._answer(call, self._region))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, call: Call, region: str) -> None:
        by_kind: Mapping[type[Any], Answering] = self._answers.by_kind
        try:
            reply = await by_kind[type(call.question)](region, call.question)
        except Exception:  # one question's mistake must not cost the others their answers
            self._log.exception("a question of a region failed", region=region)
            reply = Failed()
        self._say(Answer(call.number, reply))

    def _say(self, said: Said) -> None:
        if not self._connection.closing:
            data = encode(said)
            self._connection.outbox.put(header(BINARY, len(data)) + data)
