"""A post: the one durable step of Teller, and how a tick's posts become one call of the store.

A message is a post without money, a payment one with; nothing else differs. The layout of a call
is the contract written down in ``lua/contract.lua``.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from struct import Struct, pack
from typing import Any

import msgspec

from protocol.frames import Entry

from .crossing import (
    Arrival,
    Group,
    Settlement,
    index_of,
    pack_arrival,
    pack_away,
    pack_settlement,
    text,
)
from .keys import AccountKeys
from .legs import OutLeg
from .lookups import Lookup
from .status import Status


class Kind(IntEnum):
    """What a post does besides appending its entry and moving its money."""

    ENTRY = 0
    CREATE = 1
    JOIN = 2
    LEAVE = 3
    FREEZE = 4
    REGISTER = 5
    THAW = 6
    ARRIVE = 7
    """A leg of another partition's post: once, and in the order of its lane."""
    SETTLE = 8
    """Legs of this partition have arrived: their lane's outbox is trimmed."""


class Post(msgspec.Struct, gc=False):
    """One frame on its way into the store. Made by a handler, answered through the desk.

    The garbage collector need not look at it: it is in no cycle, as nothing that it names keeps it.
    """

    frame: Any
    """The `ClientFrame`; None for what a courier posts."""
    id: str
    origin: object
    """Where the answer goes: the connection that posted, or the courier."""
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
    extra: tuple[Any, ...] = ()
    """Only some kinds: keys (bytes, which become indexes) and values; see the contract."""
    entry: Entry | None = None
    """What `body` encodes; it has no place yet."""
    partition: int = 0
    """Where it is posted: the partition of its mark and its boxes."""
    legs: tuple[OutLeg, ...] = ()
    """What it does in other partitions."""
    lookups: tuple[Lookup, ...] = ()
    """What has to be asked elsewhere before; the answers become the hint."""
    hint: int = 0
    """The `Status` that was learned elsewhere; 0 for none. It has its place in the precedence."""
    durable: str = ""
    """How safe it must be before it is acknowledged, if the sender asked for a class."""


_OK = int(Status.OK)
_AWAY = 2
"""The bit of a row's flags that tells of other partitions."""
_ROW = Struct(">BBHHHHHHH16sBI")
_MONEY = Struct(">Q3sH")


def _room(post: Post, others: dict[bytes, int]) -> bytes:
    assert post.members is not None
    return pack(">H", index_of(others, post.members.members)) + text(post.who, "B")


def _extra(post: Post, scalars: Group, lists: Group, others: Group) -> bytes:
    """The fields that only some kinds have."""
    extra: tuple[Any, ...] = post.extra
    if isinstance(extra, Arrival):
        return pack_arrival(extra, scalars, lists, others)
    if isinstance(extra, Settlement):
        return pack_settlement(extra, post.boxes, scalars, lists)
    key, *values = extra
    if post.kind == Kind.REGISTER:
        value, tokens, token, device = values
        secret = pack(">H", index_of(scalars, key)) + text(value, "H")
        return secret + pack(">H", index_of(others, tokens)) + text(token, "H") + text(device, "H")
    room, *most = values
    joined = index_of(others, key) if key else 0
    return pack(">H", joined) + text(room, "B") + pack(">I", *most or (0,))


def pack_call(posts: list[Post]) -> list[bytes | int | str]:
    """The command that applies `posts`, in order, in one step. At least one post."""
    marks: dict[bytes, int] = {}
    scalars: dict[bytes, int] = {}
    lists: dict[bytes, int] = {}
    others: dict[bytes, int] = {}
    rows: list[bytes] = []
    mark, scalar, place = marks.setdefault, scalars.setdefault, lists.setdefault  # as index_of
    for post in posts:
        body, to, sender, room = post.body, post.to, post.sender, post.room
        box = post.box.encode()
        boxes = post.boxes
        number = len(boxes)
        away = post.legs or post.hint
        row = _ROW.pack(
            post.kind,
            post.old | _AWAY if away else post.old,
            mark(post.mark, len(marks) + 1) if post.mark else 0,
            scalar(to.record, len(scalars) + 1) if to else 0,
            scalar(sender.record, len(scalars) + 1) if sender else 0,
            scalar(room.record, len(scalars) + 1) if room else 0,
            place(boxes[0], len(lists) + 1) if number else 0,  # no loop: the hub's hot path
            place(boxes[1], len(lists) + 1) if number > 1 else 0,
            place(boxes[2], len(lists) + 1) if number > 2 else 0,
            post.digest,
            len(box),
            len(body),
        )
        rows += (row, box, body)
        if sender:
            total = index_of(scalars, post.total) if post.total else 0
            rows.append(_MONEY.pack(post.amount, post.currency.encode(), total))
        if room:
            rows.append(_room(post, others))
        if post.extra:
            rows.append(_extra(post, scalars, lists, others))
        if away:
            rows.append(pack_away(post.hint, post.legs, scalars, lists))
    keys = len(marks) + len(scalars) + len(lists) + len(others)
    call: list[bytes | int | str] = ["FCALL", "teller_post", keys]
    call += (*marks, *scalars, *lists, *others)
    call += (len(marks), len(scalars), len(lists), b"".join(rows))
    return call


def results(posts: list[Post], reply: list[Any]) -> list[list[int | bytes]]:
    """What the reply of a call says of each of its posts: the status, and what comes with it.

    Raises:
        ValueError, IndexError: if it does not fit these posts.
    """
    found: list[list[int | bytes]] = []
    at = 1  # behind the time
    for post in posts:
        if reply[at] == _OK:
            behind = at + 1 + len(post.boxes) + len(post.legs)
            if post.sender:
                behind += 6 if post.to else 3
            elif post.amount:  # an arrival
                behind += 3
            found.append(reply[at:behind])
        else:
            behind = at + 2
            found.append(reply[at : behind if reply[at + 1] is not None else at + 1])
        at = behind
    if at != len(reply):
        raise ValueError("the answer is longer or shorter than the call's posts ask for")
    return found


_MARK = Struct(">16sB6s6s")
_AFTER = Struct(">qQ7s")


class Mark:
    """A duplicate mark, read: what the original ack said."""

    __slots__ = ("accepted", "at", "available", "box", "digest", "held", "money", "seq", "version")

    def __init__(self, stored: bytes) -> None:
        """Read it.

        Raises:
            ValueError: if it is damaged.
        """
        try:
            self.digest, money, seq, at = _MARK.unpack_from(stored)
            behind = _MARK.size + (_AFTER.size if money else 0)
            after = _AFTER.unpack_from(stored, _MARK.size) if money else (0, 0, b"")
        except struct.error:
            money, behind = 3, 0
        if money > 2 or behind >= len(stored):
            raise ValueError("a duplicate mark is damaged")
        self.money = money > 0
        self.accepted = money == 2
        """The money left for another partition."""
        self.seq = int.from_bytes(seq)
        """0: the post appended no entry."""
        self.at = int.from_bytes(at)
        self.available, self.held = after[:2]
        self.version = int.from_bytes(after[2])
        self.box = stored[behind:].decode()
