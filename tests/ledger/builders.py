"""Posts as the handlers build them, from real frames."""

from __future__ import annotations

from struct import pack

from protocol.currencies import EXPONENTS
from protocol.frames import (
    ClientFrame,
    Create,
    Deposit,
    Freeze,
    Join,
    Leave,
    Message,
    Payment,
    Register,
)
from server.ledger.entries import digest_of, encode_entry, entry_of
from server.ledger.keys import WORLD
from server.ledger.posts import Kind, Post
from tests.single import keys_of, total_key

PASSWORD = "correct horse"
ROOMS_MAX = 5


def record(text: str) -> bytes:
    """An account's record, from `flags version CUR available held CUR available held ...`."""
    flags, version, *rest = text.split()
    stored = pack(">BQ", int(flags), int(version))
    stored = stored[:1] + stored[2:]  # the version has seven bytes
    for code, available, held in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        stored += pack(">3sqQ", code.encode(), int(available), int(held))
    return stored


def _post(frame: ClientFrame, who: str, kind: Kind = Kind.ENTRY) -> Post:
    """A post of `who` without an entry; an id that begins with `old` speaks of a time long past."""
    mark = keys_of(who).marks + frame.id.encode()
    digest = digest_of(encode_entry(frame))
    return Post(frame, frame.id, None, who, mark, digest, old=frame.id.startswith("old"), kind=kind)


def _with_entry(post: Post, *boxes: str) -> Post:
    """`post`, with its entry going to `boxes`, each once."""
    post.names = tuple(dict.fromkeys(boxes))
    post.body = encode_entry(entry_of(post.frame, post.who))
    post.digest = digest_of(post.body)
    post.box = post.names[0]
    post.boxes = tuple(keys_of(name).box for name in post.names)
    return post


def _in_room(post: Post, room: str) -> Post:
    post.room = post.members = keys_of(room)
    return post


def _with_money(post: Post, to: str, amount: int, currency: str) -> Post:
    post.sender, post.to = keys_of(post.who), keys_of(to)
    post.amount = amount
    post.currency = currency if currency in EXPONENTS else ""
    if post.who == WORLD:
        post.total = total_key(currency)
    return post


def message(id: str, sender: str, to: str, text: str = "hello") -> Post:
    """Words to a person or a room."""
    post = _post(Message(id, to, text), sender)
    if to.startswith("#"):
        return _with_entry(_in_room(post, to), to)
    post.to = keys_of(to)
    return _with_entry(post, sender, to)


def payment(
    id: str, sender: str, to: str, amount: int, currency: str = "USD", room: str = ""
) -> Post:
    """Money from `sender` to `to`, perhaps shown in `room`."""
    frame = (
        Payment(id, to, amount, currency, room=room) if room else Payment(id, to, amount, currency)
    )
    post = _with_money(_post(frame, sender), to, amount, currency)
    if not room:
        return _with_entry(post, sender, to)
    return _with_entry(_in_room(post, room), sender, to, room)


def deposit(id: str, to: str, amount: int, currency: str = "USD") -> Post:
    """Money from `$world` to `to`."""
    post = _with_money(_post(Deposit(id, to, amount, currency), WORLD), to, amount, currency)
    return _with_entry(post, to, WORLD)


def register(id: str, name: str, opening: int = 0, currency: str = "USD") -> Post:
    """A new account, perhaps with play money."""
    new = keys_of(name)
    post = _post(Register(id, name[1:], PASSWORD), name, Kind.REGISTER)
    post.to, post.box = new, name
    post.digest = b"register".ljust(16)
    post.extra = (new.secret, "argon2 of it", new.tokens, "token", "laptop")
    if opening:
        gift = deposit(id, name, opening, currency)
        post.sender, post.total, post.body = gift.sender, gift.total, gift.body
        post.amount, post.currency = opening, gift.currency
        post.boxes, post.names = gift.boxes, gift.names
    return post


def create(id: str, sender: str, room: str, most: int = ROOMS_MAX) -> Post:
    """A new room, which `sender` owns."""
    post = _in_room(_post(Create(id, room), sender, Kind.CREATE), room)
    post.extra = (keys_of(sender).joined, room, most)
    return _with_entry(post, room)


def join(id: str, sender: str, room: str, most: int = ROOMS_MAX) -> Post:
    """`sender` becomes a member of `room`."""
    post = _in_room(_post(Join(id, room), sender, Kind.JOIN), room)
    post.extra = (keys_of(sender).joined, room, most)
    return _with_entry(post, room)


def leave(id: str, sender: str, room: str) -> Post:
    """`sender` leaves `room`."""
    post = _in_room(_post(Leave(id, room), sender, Kind.LEAVE), room)
    post.extra = (keys_of(sender).joined, room)
    return _with_entry(post, room)


def freeze(id: str, who: str, frozen: bool = True) -> Post:
    """The operator freezes `who`, or lifts the freeze. It makes no entry."""
    post = _post(Freeze(id, who, frozen), WORLD, Kind.FREEZE if frozen else Kind.THAW)
    post.to = keys_of(who)
    post.box = who
    return post


def thaw(id: str, who: str) -> Post:
    """The operator lifts the freeze."""
    return freeze(id, who, frozen=False)
