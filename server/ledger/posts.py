"""A post: the one durable step of Teller, and how a tick's posts become one call of the store.

A message is a post without money, a payment one with; nothing else differs. The layout of a call
is the contract written down in ``lua/contract.lua``.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from protocol.frames import ClientFrame

from .keys import AccountKeys


class Kind(IntEnum):
    """What a post does besides appending its entry and moving its money."""

    ENTRY = 0
    CREATE = 1
    JOIN = 2
    LEAVE = 3
    FREEZE = 4
    REGISTER = 5
    THAW = 6


class Post(msgspec.Struct):
    """One frame on its way into the store. Made by a handler, answered through the desk."""

    frame: ClientFrame
    id: str
    origin: object
    """Where the answer goes: the connection that posted."""
    who: str
    """The sender's name."""
    mark: bytes = b""
    """Key of the duplicate mark."""
    digest: bytes = b""
    """16 bytes over the content of the frame."""
    body: bytes = b""
    """The entry as it is stored."""
    old: bool = False
    """The id carries a time before which duplicates are not remembered any more."""
    kind: Kind = Kind.ENTRY
    sender: AccountKeys | None = None
    """The payer; nobody for words."""
    to: AccountKeys | None = None
    room: AccountKeys | None = None
    members: AccountKeys | None = None
    """The room whose members are asked for the sender's right, if any."""
    amount: int = 0
    currency: str = ""
    total: bytes = b""
    """Key of the money in circulation; only for posts that `$world` pays."""
    box: str = ""
    """Name of the first of `boxes`, which the ack speaks of."""
    boxes: tuple[bytes, ...] = ()
    names: tuple[str, ...] = ()
    """The accounts whose boxes these are, in the same order."""
    extra: tuple[bytes | str | int, ...] = ()
    """Only some kinds: keys (bytes, which become indexes) and values; see the contract."""


_encode = msgspec.msgpack.Encoder().encode


def _extra(
    post: Post, scalars: dict[bytes, int], others: dict[bytes, int]
) -> list[int | str | bytes]:
    """The fields that only some kinds have, their keys turned into indexes."""
    extra: list[int | str | bytes] = list(post.extra)
    if post.kind == Kind.REGISTER:
        extra[0] = scalars.setdefault(extra[0], len(scalars) + 1)  # type: ignore[arg-type]
        extra[2] = others.setdefault(extra[2], len(others) + 1)  # type: ignore[arg-type]
    else:
        extra[0] = others.setdefault(extra[0], len(others) + 1)  # type: ignore[arg-type]
    return extra


def pack_call(posts: list[Post]) -> list[bytes | int | str]:
    """The command that applies `posts`, in order, in one step. At least one post."""
    scalars: dict[bytes, int] = {}
    lists: dict[bytes, int] = {}
    others: dict[bytes, int] = {}
    rows = []
    contents: list[bytes] = []
    scalar, box = scalars.setdefault, lists.setdefault  # a key's place in its group, from 1
    for post in posts:
        contents += (post.digest, post.body)
        sender, to, room, members = post.sender, post.to, post.room, post.members
        row: list[object] = [
            post.kind,
            scalar(post.mark, len(scalars) + 1),
            len(post.body),
            post.old or None,
            post.box,
            [box(key, len(lists) + 1) for key in post.boxes],
            scalar(to.record, len(scalars) + 1) if to else None,
        ]
        if sender:
            row += (scalar(sender.record, len(scalars) + 1), str(post.amount), post.currency)
        if room or post.extra or post.total:
            row += (None,) * (10 - len(row))
            row += (
                scalar(room.record, len(scalars) + 1) if room else None,
                others.setdefault(members.members, len(others) + 1) if members else None,
                post.who,
                scalar(post.total, len(scalars) + 1) if post.total else None,
                _extra(post, scalars, others) if post.extra else None,
            )
        rows.append(row)
    keys = len(scalars) + len(lists) + len(others)
    call: list[bytes | int | str] = ["FCALL", "teller_post", keys, *scalars, *lists, *others]
    call += (len(scalars), len(lists), _encode(rows), b"".join(contents))
    return call


class Mark:
    """A duplicate mark, read: what the original ack said."""

    __slots__ = ("at", "available", "box", "digest", "held", "money", "seq", "version")

    def __init__(self, stored: bytes) -> None:
        self.digest = stored[:16]
        fields = stored[16:].decode().split(" ")
        self.seq = int(fields[0])
        """0: the post appended no entry."""
        self.at = int(fields[1])
        self.box = fields[2]
        self.money = len(fields) > 3
        self.available, self.held, self.version = map(int, fields[3:6]) if self.money else (0, 0, 0)
