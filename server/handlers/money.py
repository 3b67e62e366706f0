"""Money: payments, and what only the operator may do."""

from __future__ import annotations

from protocol.currencies import EXPONENTS
from protocol.frames import Deposit, Freeze, Payment

from ..ledger.posts import Kind
from ..peer import Peer
from ..services import Services
from .posting import draft, draft_without_entry


def payment(services: Services, peer: Peer, frame: Payment) -> None:
    """Money from the sender to a person; the same pipeline as a message."""
    post = draft(services, peer, frame, money=True)
    payer, payee = peer.keys, services.keyspace.of(frame.to)
    post.sender, post.to = payer, payee
    post.amount = frame.amount
    post.currency = frame.currency if frame.currency in EXPONENTS else ""
    post.box = peer.handle
    post.boxes = (payer.box, payee.box)
    post.names = (peer.handle, frame.to)
    if frame.room:
        room = services.keyspace.of(frame.room)
        post.room = post.members = room
        post.boxes += (room.box,)
        post.names += (frame.room,)
    services.pipeline.post(post)


def deposit(services: Services, peer: Peer, frame: Deposit) -> None:
    """Money from `$world` into an account."""
    post = draft(services, peer, frame, money=True)
    payee = services.keyspace.of(frame.to)
    world = services.keyspace.world(payee.partition)
    post.sender, post.to = world, payee
    post.amount = frame.amount
    post.currency = frame.currency if frame.currency in EXPONENTS else ""
    post.total = services.keyspace.total(post.currency or "XXX", payee.partition)
    post.box = frame.to
    post.boxes = (payee.box, world.box)
    post.names = (frame.to, world.name)
    services.pipeline.post(post)


def freeze(services: Services, peer: Peer, frame: Freeze) -> None:
    """No money in or out of an account, or again money in and out."""
    post = draft_without_entry(services, peer, frame)
    post.kind = Kind.FREEZE if frame.frozen else Kind.THAW
    post.to = services.keyspace.of(frame.who)
    post.box = frame.who
    services.pipeline.post(post)
