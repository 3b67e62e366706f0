"""Money that waits, because its payee has not accepted the payer: how it is stored, and the fields
of the posts that end its waiting. See ``lua/contract.lua``."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from .keys import AccountKeys

_SETTLED, _WAITING = b"state\xa7settled", b"state\xa7waiting"
"""How MessagePack writes these states; the words are of one length, so nothing else changes."""


class Offer(NamedTuple):
    """A payment that waits, as the payee's offers have it."""

    payer: str
    id: str
    amount: int
    """Minor units."""
    currency: str
    at: int
    """When it began to wait, in ms."""
    lane: str
    """Label of the partition that it came from; empty: the payee's own."""
    stored: bytes
    """The whole value."""


class Ending(NamedTuple):
    """What the end of a waiting needs besides accounts and boxes; see the contract."""

    id: str
    stored: bytes
    """The offer as it was read: if it is another, nothing happens."""
    age_ms: int = 0
    """Of a return: how old the offer must be, unless the payee has refused it."""
    suspense: AccountKeys | None = None
    """Of a return within the partition: takes what the payer cannot have."""
    suspended: bytes = b""
    """The entry that then says so."""


def parse_offer(field: bytes, stored: bytes) -> Offer:
    """A field of somebody's offers, and its value.

    Raises:
        ValueError: if it is damaged.
    """
    payer, _, id = field.decode().partition(":")
    amount, currency, at, *lane = stored.decode().split(" ")
    if len(lane) > 1 or not payer.startswith("@") or not id:
        raise ValueError("an offer is damaged")
    return Offer(payer, id, int(amount), currency, int(at), lane[0] if lane else "", stored)


def as_waiting(body: bytes) -> bytes:
    """The entry, or the leg, of a payment as it is stored where the money waits."""
    return body.replace(_SETTLED, _WAITING, 1)


_AGE = Struct(">QHHI")


def pack_ending(end: Ending, scalars: dict[bytes, int], lists: dict[bytes, int]) -> bytes:
    """The fields of a TAKE or a GIVE_BACK."""
    id, vault = end.id.encode(), end.suspense
    record = scalars.setdefault(vault.record, len(scalars) + 1) if vault else 0
    box = lists.setdefault(vault.box, len(lists) + 1) if vault else 0
    head = bytes([len(id)]) + id + bytes([len(end.stored)]) + end.stored
    return head + _AGE.pack(end.age_ms, record, box, len(end.suspended)) + end.suspended
