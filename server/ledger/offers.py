"""What becomes of money that waits: posts that nobody sent, and that the payee's decision allows.

Both kinds are posted in the payee's partition, and happen once: the offer is gone in the same step.
They may be posted again whenever that is in doubt, by any hub.
"""

from __future__ import annotations

from msgspec.structs import replace

from protocol.frames import Entry, PaymentEntry, ReturnedEntry, SettledEntry

from .entries import encode_entry
from .keys import AccountKeys, Keyspace
from .legs import Leg, LegKind
from .posts import Kind, Mode, Post
from .routing import out_leg
from .status import CODE, Status
from .waiting import Ending, Offer, as_waiting


def take(keyspace: Keyspace, payee: AccountKeys, offer: Offer) -> Post:
    """The money becomes the payee's, who has accepted the payer. A `settled` entry tells both.

    Answers: OK with the seqs and the payee's balance; DUPLICATE, if the offer is gone; NO_REQUEST,
    if the payee has not accepted the payer; ACCOUNT_FROZEN, if nothing may come to the payee now.
    """
    money = offer.amount, offer.currency
    entry = SettledEntry(offer.id, offer.payer, payee.name, *money)
    post = _post(keyspace, payee, offer, Kind.TAKE, entry)
    if offer.lane:
        leg = Leg(LegKind.PERSON, offer.payer, payee.name, offer.id, body=post.body)
        post.legs = (out_leg(keyspace, payee.partition, offer.lane, leg),)
    else:
        _both_boxes(keyspace, post, offer)
    post.extra = Ending(offer.id, offer.stored)
    return post


def give_back(keyspace: Keyspace, payee: AccountKeys, offer: Offer, age_ms: int = 0) -> Post:
    """The money goes back: the payee has declined or blocked the payer, or it is `age_ms` old.

    Both are told by a `returned` entry. It was never the payee's, so it goes though they are frozen
    or suspended. Answers as `take`, of both balances if both are here; SUSPENSE with the payer's
    seq, if they cannot have it.
    """
    code = Status.REQUEST_PENDING if age_ms else Status.NOT_ACCEPTED
    money = offer.amount, offer.currency
    entry = ReturnedEntry(offer.id, offer.payer, payee.name, CODE[code].value, *money)
    post = _post(keyspace, payee, offer, Kind.GIVE_BACK, entry)
    if offer.lane:
        leg = Leg(LegKind.RETURN, offer.payer, payee.name, offer.id, *money, code=int(code))
        post.legs = (out_leg(keyspace, payee.partition, offer.lane, leg),)
        post.extra = Ending(offer.id, offer.stored, age_ms)
        return post
    _both_boxes(keyspace, post, offer)
    post.sender = keyspace.of(offer.payer)
    vault = keyspace.suspense(payee.partition)
    suspended = encode_entry(replace(entry, suspended=True))
    post.extra = Ending(offer.id, offer.stored, age_ms, vault, suspended)
    return post


def let_wait(post: Post) -> None:
    """The store let the money of `post` wait: make it what the store has."""
    assert isinstance(post.entry, PaymentEntry)
    post.entry = replace(post.entry, state="waiting")
    post.body = as_waiting(post.body)
    post.legs = tuple(out._replace(data=as_waiting(out.data)) for out in post.legs)


def _post(keyspace: Keyspace, payee: AccountKeys, offer: Offer, kind: Kind, entry: Entry) -> Post:
    post = Post(None, offer.id, None, payee.name, kind=kind, partition=payee.partition)
    post.to, post.box = payee, payee.name
    post.boxes, post.names = (payee.box,), (payee.name,)
    post.pair = keyspace.pair(payee.partition, payee.name, offer.payer)
    post.mode = Mode.ASK  # the pair is looked at
    post.amount, post.currency = offer.amount, offer.currency
    post.entry, post.body = entry, encode_entry(entry)
    return post


def _both_boxes(keyspace: Keyspace, post: Post, offer: Offer) -> None:
    payer = keyspace.of(offer.payer)
    post.boxes += (payer.box,)
    post.names += (payer.name,)
