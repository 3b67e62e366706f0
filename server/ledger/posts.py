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


class Post:
    """One frame on its way into the store. Made by a handler, answered through `desk`."""

    __slots__ = (
        *("amount", "body", "box", "boxes", "currency", "digest", "extra", "frame", "id", "kind"),
        *("mark", "members", "names", "old", "origin", "room", "sender", "to", "total", "who"),
    )

    def __init__(self, frame: ClientFrame, id: str, origin: object, who: str) -> None:
        self.frame = frame
        self.id = id
        self.origin = origin
        """Where the answer goes: the connection that posted."""
        self.who = who
        """The sender's name."""
        self.kind = Kind.ENTRY
        self.mark = b""
        self.digest = b""
        """16 bytes over the content of the frame."""
        self.body = b""
        """The entry as it is stored."""
        self.old = False
        """The id carries a time before which duplicates are not remembered any more."""
        self.sender: AccountKeys | None = None
        self.to: AccountKeys | None = None
        self.room: AccountKeys | None = None
        self.members: AccountKeys | None = None
        """The room whose members are asked for the sender's right, if any."""
        self.amount = 0
        self.currency = ""
        self.total = b""
        """Key of the money in circulation; only for posts that `$world` pays."""
        self.box = ""
        """Name of the first of `boxes`, which the ack speaks of."""
        self.boxes: tuple[bytes, ...] = ()
        self.names: tuple[str, ...] = ()
        """The accounts whose boxes these are, in the same order."""
        self.extra: tuple[bytes | str | int, ...] = ()
        """Only some kinds: keys (bytes, which become indexes) and values; see the contract."""


_encode = msgspec.msgpack.Encoder().encode


def _index(table: dict[bytes, int], key: bytes) -> int:
    """The place of `key` in its group, counted from 1; new keys go last."""
    return table.setdefault(key, len(table) + 1)


def _extra(
    post: Post, scalars: dict[bytes, int], others: dict[bytes, int]
) -> list[int | str | bytes]:
    """The fields that only some kinds have, their keys turned into indexes."""
    extra: list[int | str | bytes] = list(post.extra)
    if post.kind == Kind.REGISTER:
        extra[0] = _index(scalars, extra[0])  # type: ignore[arg-type]
        extra[2] = _index(others, extra[2])  # type: ignore[arg-type]
    elif extra:
        extra[0] = _index(others, extra[0])  # type: ignore[arg-type]
    return extra


def pack_call(posts: list[Post]) -> list[bytes | int | str]:
    """The command that applies `posts`, in order, in one step. At least one post."""
    scalars: dict[bytes, int] = {}
    lists: dict[bytes, int] = {}
    others: dict[bytes, int] = {}
    rows = []
    contents = []
    for post in posts:
        contents.append(post.digest)
        contents.append(post.body)
        rows.append(
            (
                post.kind,
                _index(scalars, post.mark),
                len(post.body),
                1 if post.old else 0,
                _index(scalars, post.sender.record) if post.sender else 0,
                _index(scalars, post.to.record) if post.to else 0,
                _index(scalars, post.room.record) if post.room else 0,
                _index(others, post.members.members) if post.members else 0,
                post.who,
                str(post.amount) if post.amount else "",
                post.currency,
                _index(scalars, post.total) if post.total else 0,
                post.box,
                [_index(lists, box) for box in post.boxes],
                _extra(post, scalars, others) if post.extra else (),
            )
        )
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
