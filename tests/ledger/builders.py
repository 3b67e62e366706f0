"""Posts as the handlers build them, from real frames."""

from __future__ import annotations

from struct import pack

from msgspec import UNSET

from protocol.frames import (
    Accept,
    Block,
    ClientFrame,
    Create,
    Decline,
    Deposit,
    Erase,
    Freeze,
    Join,
    Leave,
    Message,
    Payment,
    Read,
    Register,
    Suspend,
    Unblock,
)
from server.ledger import pairs, routing
from server.ledger.conditions import Change, Condition
from server.ledger.entries import digest_of, encode_entry, entry_of
from server.ledger.keys import WORLD, AccountKeys, Keyspace
from server.ledger.posts import Kind, Mode, Post
from server.ledger.records import CLOSED, FROZEN, SUSPENDED
from tests.single import KEYS

PASSWORD = "correct horse"
ROOMS_MAX = 5
DECISIONS: dict[type[ClientFrame], Mode] = {
    Accept: Mode.ACCEPT,
    Decline: Mode.DECLINE,
    Block: Mode.BLOCK,
    Unblock: Mode.UNBLOCK,
}


def record(text: str) -> bytes:
    """An account's record, from `flags version CUR available held CUR available held ...`."""
    flags, version, *rest = text.split()
    stored = pack(">BQ", int(flags), int(version))
    stored = stored[:1] + stored[2:]  # the version has seven bytes
    for code, available, held in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        stored += pack(">3sqQ", code.encode(), int(available), int(held))
    return stored


def build(
    keyspace: Keyspace, who: str, frame: ClientFrame, gift: Deposit | None = None, most: int = 0
) -> Post:
    """The post of `frame` of `who`, aimed as the handlers aim it. An id that begins with `old`
    speaks of a time long past. `gift`: the opening balance of a registration."""
    own, old = keyspace.of(who), frame.id.startswith("old")
    post = Post(frame, frame.id, None, who, own.marks + frame.id.encode(), old=old)
    if isinstance(frame, Register):
        return _registration(keyspace, post, own, gift)
    if isinstance(frame, Freeze | Suspend | Erase):
        return _flag(keyspace, post, own, frame)
    post.entry = entry_of(frame, who)
    post.body = encode_entry(post.entry)
    post.digest = digest_of(post.body)
    if isinstance(frame, Accept | Decline | Block | Unblock):
        pairs.decision(keyspace, post, own, frame.who, DECISIONS[type(frame)])
    elif isinstance(frame, Create | Join | Leave):
        routing.membership(keyspace, post, own, frame, most)
    elif isinstance(frame, Payment):
        routing.payment(keyspace, post, own, frame)
    elif isinstance(frame, Deposit):
        routing.deposit(keyspace, post, own, frame)
    else:
        _words(keyspace, post, own, frame)
    return post


def _flag(
    keyspace: Keyspace, post: Post, own: AccountKeys, frame: Freeze | Suspend | Erase
) -> Post:
    post.digest = digest_of(encode_entry(frame))
    if isinstance(frame, Freeze):
        routing.flag(keyspace, post, own, frame.who, FROZEN, frame.frozen)
    elif isinstance(frame, Suspend):
        routing.flag(keyspace, post, own, frame.who, SUSPENDED, frame.suspended)
    else:
        routing.flag(keyspace, post, own, own.name, CLOSED, True)
    return post


def _words(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Message | Read) -> None:
    if frame.to.startswith("@"):
        routing.to_person(keyspace, post, own, frame.to)
    elif isinstance(frame, Read):
        routing.room_marker(keyspace, post, own, frame.to)
    else:
        routing.to_room(keyspace, post, own, frame.to)


def _registration(keyspace: Keyspace, post: Post, new: AccountKeys, gift: Deposit | None) -> Post:
    post.kind, post.partition = Kind.REGISTER, new.partition
    post.to, post.box = new, new.name
    post.digest = b"register".ljust(16)
    post.extra = (new.secret, "argon2 of it", new.tokens, "token", "laptop")
    if gift is not None:
        routing.opening(keyspace, post, new, gift, encode_entry(entry_of(gift, WORLD)))
    return post


def aimed_anew(keyspace: Keyspace, post: Post) -> Post:
    """`post`, aimed in another keyspace."""
    gift, most = None, 0
    if post.kind is Kind.REGISTER and post.amount:
        gift = Deposit(post.id, post.who, post.amount, post.currency or "XXX")
    if post.kind in (Kind.CREATE, Kind.JOIN):
        most = post.extra[2]
    anew = build(keyspace, post.who, post.frame, gift, most)
    anew.old, anew.mode = post.old, post.mode or anew.mode
    tag = keyspace.tag(anew.partition).encode()
    if post.conditions:
        anew.conditions = tuple(one._replace(key=_moved(one.key, tag)) for one in post.conditions)
    if post.changes:
        anew.changes = tuple(one._replace(key=_moved(one.key, tag)) for one in post.changes)
    return anew


def _moved(key: bytes, tag: bytes) -> bytes:
    return tag + key.partition(b"}")[2]


def with_its_id(post: Post) -> Post:
    """Another post under the id of `post`: a mark, and nothing else."""
    digest = b"another".ljust(16)
    bare = Post(None, post.id, None, post.who, post.mark, digest, partition=post.partition)
    bare.box = post.who
    return bare


def given(post: Post, *asked: Condition | Change) -> Post:
    """`post`, with conditions and changes."""
    post.conditions = tuple(one for one in asked if isinstance(one, Condition))
    post.changes = tuple(one for one in asked if isinstance(one, Change))
    return post


def message(id: str, sender: str, to: str, text: str = "hello") -> Post:
    """Words to a person or a room."""
    return build(KEYS, sender, Message(id, to, text))


def read(id: str, sender: str, to: str) -> Post:
    """A marker for a conversation."""
    post = build(KEYS, sender, Read(id, to, "x"))
    post.mode = Mode.MARKER
    return post


def payment(
    id: str, sender: str, to: str, amount: int, currency: str = "USD", room: str = ""
) -> Post:
    """Money from `sender` to `to`, perhaps shown in `room`."""
    return build(KEYS, sender, Payment(id, to, amount, currency, room=room or UNSET))


def deposit(id: str, to: str, amount: int, currency: str = "USD") -> Post:
    """Money from `$world` to `to`."""
    return build(KEYS, WORLD, Deposit(id, to, amount, currency))


def register(id: str, name: str, opening: int = 0, currency: str = "USD") -> Post:
    """A new account, perhaps with play money."""
    gift = Deposit(id, name, opening, currency) if opening else None
    return build(KEYS, name, Register(id, name[1:], PASSWORD), gift)


def create(id: str, sender: str, room: str, most: int = ROOMS_MAX) -> Post:
    """A new room, which `sender` owns."""
    return build(KEYS, sender, Create(id, room), most=most)


def join(id: str, sender: str, room: str, most: int = ROOMS_MAX) -> Post:
    """`sender` becomes a member of `room`."""
    return build(KEYS, sender, Join(id, room), most=most)


def leave(id: str, sender: str, room: str) -> Post:
    """`sender` leaves `room`."""
    return build(KEYS, sender, Leave(id, room))


def freeze(id: str, who: str, frozen: bool = True) -> Post:
    """The operator freezes `who`, or lifts the freeze. It makes no entry."""
    return build(KEYS, WORLD, Freeze(id, who, frozen))


def thaw(id: str, who: str) -> Post:
    """The operator lifts the freeze."""
    return freeze(id, who, frozen=False)


def asking(post: Post, asks: bool = True) -> Post:
    """`post`, where strangers must be accepted, or are welcome."""
    post.mode = pairs.mode_of(type(post.entry), asks)
    return post


def decide(frame: type[Accept | Decline | Block | Unblock], id: str, own: str, who: str) -> Post:
    """What `own` decides about `who`."""
    return build(KEYS, own, frame(id, who))


def suspend(id: str, who: str, suspended: bool = True) -> Post:
    """The operator locks `who` out, or lets them in again. It makes no entry."""
    return build(KEYS, WORLD, Suspend(id, who, suspended))


def close(id: str, who: str) -> Post:
    """`who` closes their account for ever. It makes no entry."""
    return build(KEYS, who, Erase(id, PASSWORD))
