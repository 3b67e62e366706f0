"""Money: payments, and what only the operator may do."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Deposit, Freeze, Payment, PaymentEntry, Suspend

from ..commit.durability import RANK
from ..ledger import routing
from ..ledger.records import FROZEN, SUSPENDED
from ..peer import Peer
from ..services import Services
from .posting import draft, draft_without_entry, only_for_members


def payment(services: Services, peer: Peer, frame: Payment) -> None:
    """Money from the sender to a person; the same pipeline as a message."""
    post = draft(services, peer, frame, money=True)
    if frame.durable is not UNSET:
        most = services.promise.most
        if RANK[frame.durable] > RANK[most]:
            raise FrameError(Code.NOT_DURABLE, frame.id, most=most)
        post.durable = frame.durable
    routing.payment(services.keyspace, post, peer.keys, frame)
    post.mode = services.modes[PaymentEntry]
    if isinstance(frame.room, str):
        only_for_members(services, peer, post, frame.room)
    services.post(peer, post)


def deposit(services: Services, peer: Peer, frame: Deposit) -> None:
    """Money from `$world` into an account."""
    post = draft(services, peer, frame, money=True)
    routing.deposit(services.keyspace, post, peer.keys, frame)
    services.post(peer, post)


def freeze(services: Services, peer: Peer, frame: Freeze) -> None:
    """No money in or out of an account, or again money in and out."""
    post = draft_without_entry(services, peer, frame)
    routing.flag(services.keyspace, post, peer.keys, frame.who, FROZEN, frame.frozen)
    services.post(peer, post)


def suspend(services: Services, peer: Peer, frame: Suspend) -> None:
    """Nobody comes in as this account any more, and it gets nothing; or again as before. Every hub
    closes its connections."""
    post = draft_without_entry(services, peer, frame)
    routing.flag(services.keyspace, post, peer.keys, frame.who, SUSPENDED, frame.suspended)
    services.post(peer, post)
