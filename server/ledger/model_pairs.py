"""The model's side of what two people think of each other. See `model`, and ``lua/pairs.lua``."""

from __future__ import annotations

from typing import NamedTuple

from .crossing import Arrival
from .keys import Keyspace
from .model_fields import Fields, Refused
from .pairs import COUNTED_MAX, REQUESTS_MAX
from .posts import Mode, Post
from .status import Status


class Verdict(NamedTuple):
    """What becomes of a pair by a post that may happen."""

    status: Status
    """OK, WAITING or ANSWERED."""
    own: str
    """The half of whose box the post speaks first."""
    other: str


NOTHING = Verdict(Status.OK, "", "")


class PairBooks:
    """All pairs of a store."""

    def __init__(self, keyspace: Keyspace, fields: Fields) -> None:
        self._keyspace = keyspace
        self._fields = fields
        self.scalars: dict[bytes, bytes] = {}

    def half(self, post: Post) -> str:
        """What the owner of the post's first box thinks of the other."""
        return self._halves(post)[0]

    def judge(self, post: Post) -> Verdict:
        """What the post does to its pair.

        Raises:
            Refused: if one of both does not want it.
        """
        if not (post.pair and post.mode):
            return NOTHING
        own, other = self._halves(post)
        status = Status.OK
        if isinstance(post.extra, Arrival):
            own, status = _taken(own, post)
        elif post.mode >= Mode.ACCEPT:
            own, status = _decided(own, post.mode), Status.ANSWERED
        else:
            if own == "B":
                raise Refused(Status.BLOCKED)
            if post.mode < Mode.MARKER:
                status = Status.OK if own in "A-" else Status.ANSWERED
                own = "A"
            other, waits = _taken(other, post)
            status = waits if waits == Status.WAITING else status
        if post.mode in (Mode.MARKER, Mode.STRICT):
            return NOTHING
        return Verdict(status, own, other)

    def settle(self, post: Post, verdict: Verdict, at: int) -> Status:
        """Let the pair become that; answers the post's status."""
        if not verdict.own:
            return Status.OK
        one, two = post.box, self.other(post)
        first = one < two
        stored = (verdict.own + verdict.other if first else verdict.other + verdict.own).encode()
        before = self.scalars.get(post.pair)
        if stored == before:
            return Status.OK
        if before is None:
            self._meet(post, one, two)
            if self._near(post):
                self._meet(post, two, one)
        self.scalars[post.pair] = stored
        if verdict.status == Status.WAITING:
            self._offer(post, at)
        return verdict.status

    def _offer(self, post: Post, at: int) -> None:
        value = f"{post.amount} {post.currency} {at:013d}"
        payer, payee = post.box, self.other(post)
        if isinstance(post.extra, Arrival):
            payer, payee = payee, payer
            value += " " + post.extra.end.lane.decode().partition("}i:")[2]
        offers = self._keyspace.of(payee).offers
        self._fields.put(offers, f"{payer}:{post.id}".encode(), value.encode())

    def _meet(self, post: Post, one: str, other: str) -> None:
        key = self._keyspace.of(one).contacts
        if self._fields.value(key, other) is None:
            self._fields.put(key, other.encode(), b"")

    def _halves(self, post: Post) -> tuple[str, str]:
        stored = self.scalars.get(post.pair)
        if stored is None:
            return "-", "-" if self._near(post) else "?"
        one, two = stored[:1].decode(), stored[1:].decode()
        return (one, two) if _first(post) < self.other(post) else (two, one)

    def _near(self, post: Post) -> bool:
        """Whether both live in the post's partition."""
        return post.to is not None and not isinstance(post.extra, Arrival)

    def other(self, post: Post) -> str:
        """The other of both, besides whose box the post speaks first."""
        _, one, two = post.pair.decode().partition("}f:")[2].split("@")
        return f"@{two}" if _first(post) == f"@{one}" else f"@{one}"


def _first(post: Post) -> str:
    """Whose box the post speaks of first; of what somebody does in a room, whose it is."""
    return post.who if post.room is not None else post.box


def _taken(half: str, post: Post) -> tuple[str, Status]:
    """What the half of whom a post comes to becomes, and whether its money waits.

    Raises:
        Refused: if they do not want it.
    """
    if half in "BD":
        raise Refused(Status.NOT_ACCEPTED)
    if half in "A?" or post.mode == Mode.MARKER:
        return half, Status.OK
    if post.mode == Mode.STRICT:
        raise Refused(Status.NOT_ACCEPTED)
    if post.mode == Mode.OPEN:
        return "A", Status.OK
    asked = 0 if half == "-" else int(half)
    if post.mode == Mode.AFTER and not asked:
        raise Refused(Status.NOT_ACCEPTED)
    if asked >= (COUNTED_MAX if post.mode == Mode.AFTER else REQUESTS_MAX):
        raise Refused(Status.REQUEST_PENDING)
    return str(asked + 1), Status.WAITING if post.amount else Status.OK


def _decided(half: str, mode: Mode) -> str:
    """What a half becomes by a decision.

    Raises:
        Refused: if there is nothing to decide.
    """
    asked = half in "123456789"
    if mode == Mode.BLOCK:
        return "B"
    if mode == Mode.UNBLOCK and half == "B":
        return "A"
    if mode == Mode.ACCEPT and half == "B":
        raise Refused(Status.BLOCKED)
    if mode == Mode.ACCEPT and (asked or half == "D"):
        return "A"
    if mode == Mode.DECLINE and asked:
        return "D"
    raise Refused(Status.NO_REQUEST)
