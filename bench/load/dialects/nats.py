"""The client protocol of NATS over WebSocket: a subject per account (`p.`) and per room (`r.`).

Lines of the protocol travel in binary WebSocket messages. The server joins as many as it has ready
into one of these; what it sends at once it frames as a whole, so that no line is cut in two.
"""

from __future__ import annotations

import re

from .base import BLANK, ID_DIGITS, Dialect, Line

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"protocol":1,"echo":false}\r\n'
"""Without `echo` the sender does not get its own copy of what it says in a room."""
PING = b"PING\r\n"
PONG = b"PONG\r\n"
ANSWERED = re.compile(rb"PONG\r\n")


class Nats(Dialect):
    """Core NATS: at most once, and nothing is acknowledged."""

    name = "nats"
    path = "/"
    opcode = 2
    ack: re.Pattern[bytes] | None = None
    delivery = re.compile(rb'\{"id":"(\d{%d})"' % ID_DIGITS)
    refusal = re.compile(rb"-ERR '")
    batches = True
    keepalive = (PING, PONG)

    async def enter(self, line: Line) -> str:
        """Whoever comes may speak: an account is its subject."""
        await line.ask(CONNECT + self.inboxes(line.name) + PING, ANSWERED)
        return ""

    async def join(self, line: Line, room: str, first: bool) -> None:
        """A room is its subject, too; it need not be made."""
        await line.ask(b"SUB r.%b 3\r\n" % room.encode() + PING, ANSWERED)

    def inboxes(self, name: str) -> bytes:
        """The subscriptions of the account `name`."""
        return b"SUB p.%b 1\r\n" % name.encode()

    def reply(self, name: str) -> str:
        """Where the server's answer to an operation of `name` goes; nowhere in core NATS."""
        del name
        return ""

    def operation(self, kind: str, name: str, to: str, size: int) -> bytes:
        """A publication. The sender is part of what is sent, because no server adds it."""
        subject = f"{'r' if kind == 'room' else 'p'}.{to}"
        body = f'{{"id":"{BLANK}","from":"{name}","text":"{"x" * size}"}}'
        return f"PUB {subject} {self.reply(name)}{len(body)}\r\n{body}\r\n".encode()


class JetStream(Nats):
    """The same subjects, kept by a stream, which answers every publication."""

    name = "jetstream"
    ack = re.compile(rb'MSG _I\.\w+\.(\d{%d}) \d+ \d+\r\n\{"stream"' % ID_DIGITS)
    refusal = re.compile(rb'\{"error"')
    """The stream's. After `-ERR` the server hangs up, which needs no pattern."""

    def inboxes(self, name: str) -> bytes:
        """One more subscription takes the stream's answers, whose subjects end with the id."""
        return super().inboxes(name) + b"SUB _I.%b.* 2\r\n" % name.encode()

    def reply(self, name: str) -> str:
        """A subject of its own for each operation."""
        return f"_I.{name}.{BLANK} "
