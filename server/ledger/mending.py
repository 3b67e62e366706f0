"""The posts that bring the two ends of a lane together again. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .corrections import CorrectionEntry
from .crossing import Mending
from .entries import encode_entry
from .keys import AccountKeys, Keyspace
from .posts import Kind, Post


def mend_source(
    keyspace: Keyspace,
    lane: tuple[int, int],
    before: int,
    number: int,
    corrections: Sequence[CorrectionEntry],
) -> Post:
    """The MEND at the source of `lane`, which has lost legs that arrived.

    All legs up to `before` are settled. What stands behind them in the outbox never arrived; it
    gets numbers behind `number`, the last that arrived. The money of `corrections` leaves by the
    lane, and `$losses` owes it. At least one correction.

    Its answers: OK with the seq of the last correction; CORRUPT, if something that is stored is
    damaged; LANE_MOVED (detail: up to where it is settled), if it is not settled up to `before`;
    BALANCE_OVERFLOW, if `$losses` would owe more than 2^53-1. All but the first change nothing.
    """
    source, dest = lane
    record, outbox = keyspace.lane_out(source, str(dest)), keyspace.outbox(source, str(dest))
    account = keyspace.losses(source)
    return _mend(source, account, record, outbox, before, number, corrections)


def mend_end(
    keyspace: Keyspace,
    lane: tuple[int, int],
    before: int,
    number: int,
    corrections: Sequence[CorrectionEntry],
) -> Post:
    """The MEND at the end of `lane`, which has lost legs that its outbox does not hold any more.

    All up to `before` arrived; those up to `number` are not waited for. The money of `corrections`
    comes by the lane, and `$suspense` has it. Answers as those of `mend_source`; the detail of
    LANE_MOVED is the last leg that arrived.
    """
    source, dest = lane
    record, account = keyspace.lane_in(dest, str(source)), keyspace.suspense(dest)
    return _mend(dest, account, record, b"", before, number, corrections)


def _mend(
    partition: int,
    account: AccountKeys,
    record: bytes,
    outbox: bytes,
    before: int,
    number: int,
    corrections: Sequence[CorrectionEntry],
) -> Post:
    post = Post(None, "", None, account.name, kind=Kind.MEND, partition=partition)
    post.to, post.box = account, account.name
    post.names, post.boxes = (account.name,), (account.box,)
    bodies = tuple([encode_entry(entry) for entry in corrections])
    post.body = b"".join(bodies)
    post.extra = Mending(record, outbox, before, number, tuple(corrections), bodies)
    return post
