"""What happens once the store has answered: the ack to the sender, the entry to everyone else.

Answers come in commit order. Each entry goes to the announcer, which tells those who listen here,
and to the relay, which tells the other hubs that may have somebody who listens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from msgspec import UNSET
from msgspec.structs import replace

from protocol.errors import Code
from protocol.frames import Ack, BalanceAfter, Entry, React

from ..commit.durability import Durable
from ..ledger.crossing import Arrival, Settlement
from ..ledger.entries import SEALED, encode_entry
from ..ledger.legs import LegKind
from ..ledger.offers import let_wait
from ..ledger.posts import Kind, Mark, Mode, Post
from ..ledger.status import CODE, Status
from ..peer import Peer
from ..seal.seals import Seals
from .announcer import Announcer
from .hub import Hub
from .membership import Membership
from .relay import Relay

_OK, _WAITING, _ANSWERED = int(Status.OK), int(Status.WAITING), int(Status.ANSWERED)
State = Literal["settled", "accepted", "waiting"]
_ENTRY = Kind.ENTRY  # as globals: a member of an Enum costs a slow look-up each time
_COMING = frozenset((Kind.CREATE, Kind.JOIN))
_FOR_A_TIME = frozenset((Code.BANNED, Code.MUTED, Code.TOO_SOON))
"""Refusals that say until when they hold, in ms, unless it is for good."""
_SEALED = bytes((SEALED,))
_CARRIED = frozenset((Kind.ARRIVE, Kind.SETTLE, Kind.TAKE, Kind.GIVE_BACK))
"""What no client posts: there is no ack. Couriers are told by the pipeline."""


class Delivery:
    """The desk of the pipelines: turns results into acks, errors and announcements."""

    def __init__(
        self, hub: Hub, announcer: Announcer, membership: Membership, relay: Relay, seals: Seals
    ) -> None:
        self._hub = hub
        self._seals = seals
        self._announcer = announcer
        self._membership = membership
        self._relay = relay
        self.again: Callable[[Post], None] = lambda post: None
        """Posts the other form of a post, in the same partition."""
        self.answered: Callable[[str], None] = lambda who: None
        """Told who has decided about a stranger."""
        self.flagged: Callable[[str], None] = lambda name: None
        """Told of an account that was frozen, suspended or closed, or not any more."""
        self.payments = 0
        self.messages = 0
        self.refused: dict[str, int] = {}

    # Called by the pipeline.

    def settled(self, post: Post, at: int, result: list[int | bytes], durable: Durable) -> None:
        """The store has judged `post`; what it wrote is as `durable` as this."""
        status = result[0]
        if status == _OK:
            self._done(post, at, result, durable)  # type: ignore[arg-type]
        elif status == _WAITING:
            let_wait(post)
            self._done(post, at, result, durable)  # type: ignore[arg-type]
        elif status == _ANSWERED:
            self._done(post, at, result, durable)  # type: ignore[arg-type]
            self.answered(post.who)
        elif post.kind in _CARRIED:
            self._carried(post, int(status))
        elif status == Status.DUPLICATE:
            self.replay(post, Mark(result[1]), durable)  # type: ignore[arg-type]
        else:
            self._refuse(post, CODE[int(status)], result)

    def failed(self, post: Post, code: Code) -> None:
        """The store did not answer, or could not be asked."""
        self._announcer.flush()
        if isinstance(post.origin, Peer):
            post.origin.refuse_post(post, code)
        if code is Code.OUTCOME_UNKNOWN:  # its entries may be there, and nobody else tells of them
            self._look(post)

    def flush(self) -> None:
        """Called at the end of every answer."""
        self._announcer.flush()
        if self._relay.others:
            self._relay.flush()

    # Called for rooms of other regions.

    def copied(self, room: str, after: int, stored: list[bytes]) -> None:
        """The copy of `room` has got these entries behind the first `after`."""
        found = [(one, room, seq) for seq, one in enumerate(stored, after + 1)]
        self._seals.read(found, partial(self._copied, room))

    def _copied(self, room: str, entries: list[Any]) -> None:
        box, relay = self._hub.find(room), self._relay
        for entry in entries:
            if relay.others and (box is None or room in relay.elsewhere):
                body = encode_entry(replace(entry, box="", seq=0, at=0))
                relay.entry(room, entry.seq, entry.at, body, UNSET)
            if box is not None:
                self._announcer.put(box, entry.seq, entry.at, entry)
                box = self._hub.find(room) or box  # somebody may have opened it anew
        self.flush()

    def joined(self, who: str, room: str, seq: int) -> None:
        """`who` is a member of `room`, which says so at `seq`."""
        self._membership.came(who, room, seq)
        box = self._hub.rooms.get(room)
        if box is not None and box.seq < seq:  # the copy may have been quicker
            self._announcer.look(box)

    # Results.

    def _done(self, post: Post, at: int, result: list[int], durable: Durable) -> None:
        kind = post.kind
        origin = post.origin if isinstance(post.origin, Peer) else None
        money = _balances(post, result) if post.sender is not None or post.amount else None
        ack: Ack | None = None
        if kind is not _ENTRY and kind in _CARRIED:  # the first is quicker
            if post.body[:1] == _SEALED:
                self._open(post, at, result, durable)
                return
        elif money is None:
            self.messages += 1
            if post.names:
                ack = Ack(post.id, at, durable, post.box, result[1])
            else:
                ack = Ack(post.id, at, durable)
        else:
            self.payments += 1
            ack = _money_ack(post, at, result, durable, money)
        if kind is not _ENTRY and self._changed(
            post, at, result, ack := _that_asks(kind, ack), origin
        ):
            return
        parties, rooms, relay = self._hub.parties, self._hub.rooms, self._relay
        entry, put, others = post.entry, self._announcer.put, relay.others
        for place, name in enumerate(post.names, 1):
            box = parties.get(name) or rooms.get(name)
            balance = UNSET if money is None else money.get(name, UNSET)
            if others and (box is None or name in relay.elsewhere):
                relay.entry(name, result[place], at, _open_body(post), balance)
            if box is not None and entry is not None:
                put(box, result[place], at, entry, balance, origin, ack)
            elif ack is not None and origin is not None:
                self._acknowledge(name, post, at, result[place], ack, origin)
            ack = None
        if ack is not None and origin is not None:  # all that it does is in another region
            self._announcer.flush()
            origin.send(ack)

    def _acknowledge(
        self, name: str, post: Post, at: int, seq: int, ack: Ack, origin: Peer
    ) -> None:
        """Nobody here hears box `name`. Whoever writes into a room is a member, of which the word
        is still on its way: it is heard from here on."""
        party = origin.party if name[0] == "#" and post.kind is not Kind.ASK else None
        if party is not None and name not in party.rooms and not party.lacks(origin, name):
            self._membership.wrote(party, name, seq)
        room = self._hub.rooms.get(name)
        if room is not None and post.entry is not None:
            self._announcer.put(room, seq, at, post.entry, UNSET, origin, ack)
        else:
            self._announcer.flush()
            self._announcer.acknowledge_in(name, origin, ack)

    def _open(self, post: Post, at: int, result: list[int], durable: Durable) -> None:
        """Go on with an arrival once its words are open."""

        def opened(entry: Entry) -> None:
            post.entry, post.body = entry, encode_entry(entry)
            self._done(post, at, result, durable)
            self.flush()

        self._seals.opened(post.body, opened)

    def _settlement(self, post: Post, at: int, result: list[int]) -> None:
        """Tell the payers that their money has arrived."""
        find, relay, put = self._hub.find, self._relay, self._announcer.put
        step: Settlement = post.extra  # type: ignore[assignment]
        places = zip(post.names, result[1:], step.entries, step.bodies, strict=True)
        for name, seq, entry, body in places:
            if not seq:  # a box that is none
                continue
            box = find(name)
            if relay.others and (box is None or name in relay.elsewhere):
                relay.entry(name, seq, at, body, UNSET)
            if box is not None:
                put(box, seq, at, entry)

    def _changed(
        self, post: Post, at: int, result: list[int], ack: Ack | None, origin: Peer | None
    ) -> bool:
        """What a post does besides its entries; whether there is nothing more to tell."""
        kind = post.kind
        if kind is Kind.SETTLE:
            self._settlement(post, at, result)
            return True
        if kind in _COMING:
            self._membership.came(post.who, post.box, result[1])
            if not post.legs:  # else when the leg has arrived, where their other connections are
                self._relay.joined(post.who, post.box, result[1])
            return False
        if post.names and kind is not Kind.REGISTER:
            return False
        self._announcer.flush()
        if kind is Kind.FLAG:
            self.flagged(post.box)
        if kind is Kind.REGISTER and origin is not None:
            origin.registered(post.frame)
        elif origin is not None and ack is not None:
            origin.send(ack)
        elif isinstance(post.extra, Arrival) and post.extra.leg.kind is LegKind.JOIN:
            self._membership.came(post.box, post.extra.leg.room)
            self._relay.joined(post.box, post.extra.leg.room)
        return True

    def replay(self, post: Post, mark: Mark, durable: Durable) -> None:
        """Send the original ack of a post that was done before."""
        self._announcer.flush()
        if not isinstance(post.origin, Peer):
            return
        if post.kind is Kind.REGISTER:
            post.origin.register_again(post.frame)
            return
        if post.kind is Kind.FLAG:  # whoever did it may not have come to this
            self.flagged(post.box)
        if post.mode >= Mode.ACCEPT:  # likewise
            self.answered(post.who)
        ack = ack_of(mark, post.id, durable, replayed=True)
        box = self._hub.find(mark.box)
        if not mark.seq:  # it stands nowhere
            post.origin.send(ack)
        elif box is None:
            self._announcer.acknowledge_in(mark.box, post.origin, ack)
        else:
            self._announcer.replay(box, mark.seq, post.origin, ack)
        if post.kind in _COMING and not mark.asks:
            self._membership.again(post.origin, mark.box)

    def _refuse(self, post: Post, code: Code, result: list[int | bytes]) -> None:
        self._announcer.flush()
        if post.otherwise is not None and post.otherwise[0] == result[0]:
            self._try_again(post, post.otherwise[1])
            return
        self.refused[code] = self.refused.get(code, 0) + 1
        if not isinstance(post.origin, Peer):
            return
        if code is Code.ID_REUSED:
            post.origin.reused(post, Mark(result[1]))  # type: ignore[arg-type]
        elif code is Code.INSUFFICIENT_FUNDS:
            post.origin.refuse_post(post, code, available=int(result[1]), currency=post.currency)
        elif code is Code.LIMIT_EXCEEDED:
            _refuse_as_full(post, post.origin, result)
        elif code in _FOR_A_TIME and len(result) > 1 and (until := int(result[1])):
            post.origin.refuse_post(post, code, until=until)
        else:
            post.origin.refuse_post(post, code)

    def _try_again(self, post: Post, other: Post) -> None:
        if other.kind is post.kind:
            other.hint = post.hint
        self.again(other)

    def _carried(self, post: Post, status: int) -> None:
        """A courier's post that was not done as it stands. Where what could not be refused went
        to `$suspense`, the entry says so in words that only the store knows."""
        if status == Status.SUSPENSE:
            self._announcer.flush()
            self._look(post)

    def _look(self, post: Post) -> None:
        for name in post.names:
            box = self._hub.find(name)
            if box is not None:
                self._announcer.look(box)


def _that_asks(kind: Kind, ack: Ack | None) -> Ack | None:
    """`ack`; that of a request to come into a room says so."""
    return replace(ack, asks=True) if ack is not None and kind is Kind.ASK else ack


def _refuse_as_full(post: Post, origin: Peer, result: list[int | bytes]) -> None:
    if len(result) < 2:  # who was to be let into one more room lives in another partition
        origin.refuse_post(post, Code.LIMIT_EXCEEDED, of="rooms")
        return
    of = "rooms" if post.kind in _COMING else "rules"
    if isinstance(post.frame, React):
        of = "reactions"
    origin.refuse_post(post, Code.LIMIT_EXCEEDED, limit=int(result[1]), of=of)


def _open_body(post: Post) -> bytes:
    """The body of a post for the other hubs, which tell each other words as they are."""
    if post.body[0] == SEALED and post.entry is not None:
        post.body = encode_entry(post.entry)
    return post.body


def _balances(post: Post, result: list[int]) -> dict[str, BalanceAfter]:
    """The balances that the answer to a post with money tells, by their owners."""
    at = len(post.names) + 1
    first = BalanceAfter(*result[at : at + 3])
    if post.sender is None:  # an arrival
        return {post.box: first}
    if post.to is None:
        return {post.sender.name: first}
    return {post.sender.name: first, post.to.name: BalanceAfter(*result[at + 3 : at + 6])}


def _money_ack(
    post: Post, at: int, result: list[int], durable: Durable, money: dict[str, BalanceAfter]
) -> Ack:
    # A registration has no entry of its own.
    state: State = getattr(post.entry, "state", "settled")
    own = money[post.who]
    return Ack(post.id, at, durable, post.box, result[1], state=state, balance=own)


def ack_of(mark: Mark, id: str, durable: Durable, replayed: bool = False) -> Ack:
    """The original ack of a post, from its mark."""
    entry = mark.seq > 0
    return Ack(
        id,
        mark.at,
        durable,
        mark.box if entry else UNSET,
        mark.seq if entry else UNSET,
        replayed,
        mark.state if mark.money else UNSET,
        BalanceAfter(mark.available, mark.held, mark.version) if mark.money else UNSET,
        mark.asks,
    )
