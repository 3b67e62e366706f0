"""What the generator must know of a system's language: how to enter, what to send and find.

An answer is never decoded in a window. What came is searched for ids, which are decimal and of one
width; so a dialect says with two patterns what an acknowledgement and what a delivery look like.
Both are searched in all that one read brought, headers too: neither may rest on where a message
begins.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Protocol

ID_DIGITS = 12
"""Width of an operation's id: enough for a million operations a second for eleven days."""

BLANK = "0" * ID_DIGITS
"""Stands for the id in what `Dialect.operation` returns."""

PASSWORD = "correct horse battery"
CURRENCY = "USD"


class RefusedError(Exception):
    """The system answered a request with an error, or hung up."""


class Line(Protocol):
    """An open WebSocket outside a window, as a dialect sees it (`bench.load.connection`)."""

    name: str
    """The account that it speaks for, like ``b3f_00017``; the dialect decides how it is written."""

    cursors: dict[str, int]
    """Per mailbox, the number of the last entry that was there or seen. The dialect sets it as
    somebody enters or joins; the generator counts on."""

    def tell(self, payload: bytes) -> None:
        """Send one WebSocket message of the dialect's opcode."""

    async def ask(self, payload: bytes, answer: re.Pattern[bytes]) -> bytes:
        """Send a message and wait for the first one that `answer` is found in.

        Raises:
            RefusedError: if the dialect's `refusal` is found in a message before, or the
                connection broke.
            TimeoutError: after 60 seconds.
        """

    def recover(self, ids: list[bytes]) -> None:
        """Take the ids of missed entries that `resume` fetched by itself. They come before what
        this connection got on its own, and before what was recovered earlier."""


class Dialect(ABC):
    """A system's language. One object serves all connections; it keeps no state of its own."""

    name: str
    path = "/ws"
    subprotocol: str | None = None
    opcode = 1
    """1: text messages, 2: binary ones."""
    ack: re.Pattern[bytes] | None
    """Finds an acknowledgement; its one group is the id. None: nothing is acknowledged, and an
    operation ends with its delivery."""
    ack_counts = False
    """The group of `ack` is no id but a running count of what was received on the connection."""
    acks_early = False
    """Whether acknowledgements come before the work is done; a closed loop then goes on with the
    delivery."""
    chaser: bytes | None = None
    """A message of its own that follows the operations of one write, such as a request to
    acknowledge them."""
    delivery: re.Pattern[bytes]
    """Finds a delivery; its one group is the id."""
    refusal: re.Pattern[bytes]
    """Finds an answer that means an error."""
    batches = False
    """Whether the system may put several of its messages into one WebSocket message."""
    settlement: re.Pattern[bytes] | None = None
    """Finds what tells the payer that money which was only on its way has arrived; its one group
    is the id."""
    accepted = b""
    """Stands in the acknowledgement of a payment whose money is on its way, and nowhere else of
    what the payer gets."""
    echoes_room = False
    """Whether the sender of a room message gets its own copy as well."""
    arrival: re.Pattern[bytes] | None = None
    """Finds the notice that somebody who is watched came online; its one group is who."""
    resumes = False
    """Whether an account that was away gets what it missed; see `resume`."""
    keepalive: tuple[bytes, bytes] | None = None
    """A whole message in which the server asks for a sign of life, and the message that answers."""

    @abstractmethod
    async def enter(self, line: Line) -> str:
        """Everything from the open WebSocket to being able to send and receive; returns what
        `resume` needs later, or nothing."""

    async def resume(self, line: Line, token: str, cursors: dict[str, int]) -> int:
        """Come back as the account that got `token`, having seen everything up to `cursors` (none:
        missed entries are not asked for); returns how many entries were missed. Systems without
        resume enter anew."""
        del token, cursors
        await self.enter(line)
        return 0

    async def join(self, line: Line, room: str, first: bool) -> None:
        """Enter a room, which the `first` one opens. `room` is a plain word."""
        raise NotImplementedError(f"{self.name} has no rooms here")

    async def watch(self, line: Line, names: list[str]) -> set[bytes]:
        """Want to be told when these accounts come and go; who of them is online, named as
        `arrival` finds them."""
        raise NotImplementedError(f"{self.name} knows no presence here")

    def box(self, kind: str, name: str, room: str) -> str:
        """The mailbox, a key of `Line.cursors`, in which an operation of this kind that `name`
        sends or gets has its entry; nothing if the system keeps none."""
        del kind, name, room
        return ""

    async def balance(self, line: Line) -> tuple[int, int]:
        """What the account has in all, and what of it can be spent, in minor units."""
        raise NotImplementedError(f"{self.name} knows no money")

    def turned_away(self, refusal: bytes) -> int | None:
        """The operation that a refusal is about, if it says that nothing happened because the
        system is busy: an honest answer under overload."""
        del refusal

    @abstractmethod
    def operation(self, kind: str, name: str, to: str, size: int) -> bytes:
        """The message (without a WebSocket header) by which `name` does `kind` (``message``,
        ``room`` or ``payment``) to the account or room `to`, with `size` bytes of text and `BLANK`
        where the id goes, exactly once or wherever it stands."""
