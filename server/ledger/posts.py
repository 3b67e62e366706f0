"""A post: the one durable step of Teller, and how a tick's posts become one call of the store.

A message is a post without money, a payment one with; nothing else differs. The layout of a call
is the contract written down in ``lua/contract.lua``.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from functools import lru_cache
from struct import Struct, pack
from typing import Any, Literal

import msgspec

from protocol.frames import Entry

from .conditions import Change, Condition, pack_asks
from .crossing import (
    Arrival,
    Group,
    Mending,
    Settlement,
    index_of,
    pack_arrival,
    pack_away,
    pack_mending,
    pack_settlement,
    text,
)
from .keys import NAMES_CACHED, AccountKeys
from .legs import OutLeg
from .lookups import Lookup
from .status import Status
from .waiting import Ending, pack_ending


class Kind(IntEnum):
    """What a post does besides appending its entry and moving its money."""

    ENTRY = 0
    CREATE = 1
    JOIN = 2
    LEAVE = 3
    FLAG = 4
    """A flag of an account's record is set or cleared."""
    REGISTER = 5
    ARRIVE = 6
    """A leg of another partition's post: once, and in the order of its lane."""
    SETTLE = 7
    """Legs of this partition have arrived: their lane's outbox is trimmed."""
    TAKE = 8
    """Money that waits becomes its payee's."""
    GIVE_BACK = 9
    """Money that waits goes back to its payer."""
    MEND = 10
    """An end of a lane that has lost its last moments is brought up to the other."""
    ASK = 11
    """An entry by which somebody asks to become a member of a room. Its mark says so."""


class Mode(IntEnum):
    """How a post treats people who do not know each other."""

    NONE = 0
    """It does not ask."""
    ASK = 1
    """Strangers must be accepted first."""
    OPEN = 2
    """Strangers are welcome."""
    MARKER = 3
    """It only marks how far somebody has read: readers and the muted may, and it reaches every
    box, even that of an account that was closed. Only who blocked or declined the other refuses."""
    STRICT = 4
    """The same, but the other must have accepted the sender."""
    AFTER = 5
    """The same, but a request must have come before; and it counts like one, so that nobody's box
    can be filled with it."""
    ACCEPT = 6
    """The sender decides about the other: accepts a request."""
    DECLINE = 7
    BLOCK = 8
    UNBLOCK = 9


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
    conditions: tuple[Condition, ...] = ()
    """What must hold, in order of precedence within the rights."""
    changes: tuple[Change, ...] = ()
    """What it changes in hashes and sets besides."""
    pair: bytes = b""
    """Key of what sender and recipient think of each other, if that is to be asked."""
    mode: Mode = Mode.NONE
    otherwise: tuple[Status, Post] | None = None
    """Another form of the same post, which is posted if this one is refused as that status."""
    durable: str = ""
    """How safe it must be before it is acknowledged, if the sender asked for a class."""


_OK, _WAITING = int(Status.OK), int(Status.WAITING)
_AWAY, _ASKS = 2, 4
"""The bits of a row's flags that tell of other partitions, and of conditions and changes."""
_ROW = Struct(">BBBHHHHHHHH16sI")
_MONEY = Struct(">Q3sH")


@lru_cache(maxsize=NAMES_CACHED)
def _named(box: str) -> bytes:
    return text(box, "B")


def _room(post: Post, others: dict[bytes, int]) -> bytes:
    assert post.members is not None
    return pack(">H", index_of(others, post.members.members)) + text(post.who, "B")


def _rare(extra: Ending | Mending, scalars: Group, lists: Group) -> bytes:
    if isinstance(extra, Ending):
        return pack_ending(extra, scalars, lists)
    return pack_mending(extra, scalars, lists)


def _extra(post: Post, scalars: Group, lists: Group, others: Group) -> bytes:
    """The fields that only some kinds have."""
    extra: tuple[Any, ...] = post.extra
    if isinstance(extra, Arrival):
        return pack_arrival(extra, scalars, lists, others)
    if isinstance(extra, Settlement):
        return pack_settlement(extra, post.boxes, scalars, lists)
    if isinstance(extra, Ending | Mending):
        return _rare(extra, scalars, lists)
    key, *values = extra
    if post.kind == Kind.FLAG:
        return pack(">BB", *extra)
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
        boxes = post.boxes
        number = len(boxes)
        away, asks = post.legs or post.hint, post.conditions or post.changes
        row = _ROW.pack(
            post.kind,
            post.old | (_AWAY if away else 0) | (_ASKS if asks else 0),
            post.mode,
            mark(post.mark, len(marks) + 1) if post.mark else 0,
            scalar(to.record, len(scalars) + 1) if to else 0,
            scalar(sender.record, len(scalars) + 1) if sender else 0,
            scalar(room.record, len(scalars) + 1) if room else 0,
            scalar(post.pair, len(scalars) + 1) if post.pair and post.mode else 0,
            place(boxes[0], len(lists) + 1) if number else 0,  # no loop: the hub's hot path
            place(boxes[1], len(lists) + 1) if number > 1 else 0,
            place(boxes[2], len(lists) + 1) if number > 2 else 0,
            post.digest,
            len(body),
        )
        rows += (row, body, _named(post.box))
        if sender:
            total = index_of(scalars, post.total) if post.total else 0
            rows.append(_MONEY.pack(post.amount, post.currency.encode(), total))
        if room:
            rows.append(_room(post, others))
        if post.extra:
            rows.append(_extra(post, scalars, lists, others))
        if asks:
            rows.append(pack_asks(post.conditions, post.changes, others))
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
        if reply[at] == _OK or reply[at] >= _WAITING:
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
_ASKED = 4
"""The form of a mark of an ASK."""
_STATES: tuple[Literal["settled", "accepted", "waiting"], ...]
_STATES = ("settled", "settled", "accepted", "waiting")
"""Of money, by the mark's form; 0 and 4 are no money."""


class Mark:
    """A duplicate mark, read: what the original ack said."""

    __slots__ = (
        *("asks", "at", "available", "box", "digest", "held", "money", "seq", "state", "version"),
    )

    def __init__(self, stored: bytes) -> None:
        """Read it.

        Raises:
            ValueError: if it is damaged.
        """
        try:
            self.digest, form, seq, at = _MARK.unpack_from(stored)
            self.asks = form == _ASKED
            """A `join` by which its sender only asked."""
            money = 0 if self.asks else form
            behind = _MARK.size + (_AFTER.size if money else 0)
            after = _AFTER.unpack_from(stored, _MARK.size) if money else (0, 0, b"")
        except struct.error:
            money, behind = len(_STATES), 0
        if money >= len(_STATES) or behind >= len(stored):
            raise ValueError("a duplicate mark is damaged")
        self.money = money > 0
        self.state = _STATES[money]
        """`accepted`: the money left for another partition."""
        self.seq = int.from_bytes(seq)
        """0: the post appended no entry."""
        self.at = int.from_bytes(at)
        self.available, self.held = after[:2]
        self.version = int.from_bytes(after[2])
        self.box = stored[behind:].decode()
