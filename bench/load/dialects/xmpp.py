"""XMPP over WebSocket (RFC 7395), with rooms (MUC, XEP-0045) and acknowledgements (XEP-0198)."""

from __future__ import annotations

import re
from base64 import b64encode

from .base import BLANK, ID_DIGITS, PASSWORD, Dialect, Line

DOMAIN = "localhost"
ROOMS = f"conference.{DOMAIN}"
RESOURCE = "bench"

OPEN = f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{DOMAIN}' version='1.0'/>".encode()
BIND = (
    "<iq xmlns='jabber:client' type='set' id='bind'>"
    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    f"<resource>{RESOURCE}</resource></bind></iq>"
).encode()
HERE = b"<presence xmlns='jabber:client'/>"
ENABLE = b"<enable xmlns='urn:xmpp:sm:3'/>"

FEATURES = re.compile(rb"^<stream:features")
SUCCESS = re.compile(rb"^<success")
BOUND = re.compile(rb"^<iq[^>]* type='result'")
PRESENT = re.compile(rb"^<presence")
ENABLED = re.compile(rb"^<enabled")
JOINED = re.compile(rb"^<message[^>]*><subject")
"""The room's subject: the last that a newcomer is told."""


class Xmpp(Dialect):
    """Stanzas of type `chat` to a full address, and of type `groupchat` to a room.

    The server's own requests for acknowledgements stay unanswered: that spares it work, at the
    price of a queue of what it sent, kept as if the connection might be resumed.
    """

    name = "xmpp"
    subprotocol = "xmpp"
    ack = re.compile(rb"<a h='(\d+)'")
    ack_counts = True
    acks_early = True
    chaser = b"<r xmlns='urn:xmpp:sm:3'/>"
    delivery = re.compile(rb" id='(\d{%d})'" % ID_DIGITS)
    refusal = re.compile(
        rb"^<(?:failure|failed|stream:error|close)|^<(?:iq|presence)[^>]* type='error'"
    )
    """A message that comes back is no refusal but a delivery to the wrong one, for the gate."""
    echoes_room = True

    async def enter(self, line: Line) -> str:
        """Log in by SASL PLAIN, bind an address, become available, and have the server count."""
        secret = b64encode(f"\0{line.name}\0{PASSWORD}".encode()).decode()
        auth = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        await line.ask(OPEN, FEATURES)
        await line.ask(auth.encode(), SUCCESS)
        await line.ask(OPEN, FEATURES)
        await line.ask(BIND, BOUND)
        await line.ask(HERE, PRESENT)
        await line.ask(ENABLE, ENABLED)
        return ""

    async def join(self, line: Line, room: str, first: bool) -> None:
        """Rooms are made by the first who comes."""
        here = f"<presence xmlns='jabber:client' to='{room}@{ROOMS}/{line.name}'>"
        muc = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
        await line.ask((here + muc).encode(), JOINED)

    def operation(self, kind: str, name: str, to: str, size: int) -> bytes:
        """A message; the server adds who sent it."""
        del name
        address, type = f"{to}@{DOMAIN}/{RESOURCE}", "chat"
        if kind == "room":
            address, type = f"{to}@{ROOMS}", "groupchat"
        head = f"<message xmlns='jabber:client' to='{address}' type='{type}' id='{BLANK}'>"
        return f"{head}<body>{'x' * size}</body></message>".encode()
