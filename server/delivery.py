"""What happens once the store has answered: the ack to the sender, the entry to everyone else.

Answers come in commit order and are announced in that order. Entries of one room that stand
together in an answer are joined once and put to each listener as one piece; a listener who sent one
of them gets its ack at that very place, so that every connection sees each box in order.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET
from msgspec.structs import replace

from protocol.codec import Codec
from protocol.errors import Code
from protocol.frames import Ack, BalanceAfter, DepositEntry, Entry, PaymentEntry

from .hub import Hub, Room, tell
from .ledger.entries import entry_of
from .ledger.posts import Kind, Mark, Post
from .ledger.status import CODE, Status
from .peer import Peer
from .wire import pack

Durable = Literal["memory", "disk", "replica"]


class Delivery:
    """The desk of the pipeline: turns results into acks, errors and announcements."""

    def __init__(self, hub: Hub, durable: Durable) -> None:
        self._hub = hub
        self._durable: Durable = durable
        self._room: Room | None = None
        """The room whose entries are being collected."""
        self._collected: list[tuple[Entry, Peer | None, Ack]] = []
        self.payments = 0
        self.messages = 0
        self.refused: dict[str, int] = {}

    # Called by the pipeline.

    def settled(self, post: Post, at: int, result: list[int | bytes]) -> None:
        """The store has judged `post`."""
        status = result[0]
        if status == Status.OK:
            self._announce(post, at, result)  # type: ignore[arg-type]
        elif status == Status.DUPLICATE:
            self._replay(post, Mark(result[1]))  # type: ignore[arg-type]
        else:
            self._refuse(post, CODE[int(status)], result)

    def failed(self, post: Post, code: Code) -> None:
        """The store did not answer, or could not be asked."""
        self.flush()
        if isinstance(post.origin, Peer):
            post.origin.refuse_post(post, code)

    def flush(self) -> None:
        """Announce what was collected of a room; called at the end of every answer."""
        room, self._room = self._room, None
        if room is None:
            return
        collected, self._collected = self._collected, []
        authors = {author: None for _, author, _ in collected if author is not None}
        for codec, listeners in room.audience.items():
            pieces = [pack(codec, entry) for entry, _, _ in collected]
            whole = b"".join(pieces) if len(pieces) > 1 else pieces[0]
            for listener in listeners:
                if listener in authors:
                    _put_with_acks(listener, codec, pieces, collected)
                else:
                    listener.put(whole)
        for author in authors:
            if author not in room:
                for _, who, ack in collected:
                    if who is author:
                        author.send(ack)

    # Results.

    def _announce(self, post: Post, at: int, result: list[int]) -> None:
        count = len(post.boxes)
        money = result[1 + count :]
        ack = Ack(
            post.id,
            at,
            self._durable,
            post.box if count else UNSET,
            result[1] if count else UNSET,
            state="settled" if money else UNSET,
            balance=BalanceAfter(*money[:3]) if money else UNSET,
        )
        for name, seq in zip(post.names, result[1:], strict=False):
            if not self._hub.in_step(name, seq - 1):
                self.flush()
                self._hub.resync(name)
        origin = post.origin if isinstance(post.origin, Peer) else None
        if money:
            self.payments += 1
        else:
            self.messages += 1
        if post.kind is not Kind.ENTRY:
            self._change_rooms(post, result, ack, origin, at)
        elif post.box[:1] == "#":
            self._to_room(post, post.box, result[1], at, ack, origin)
        else:
            self._to_people(post, at, result, money, ack, origin)

    def _to_people(
        self,
        post: Post,
        at: int,
        result: list[int],
        money: list[int],
        ack: Ack,
        origin: Peer | None,
    ) -> None:
        """Boxes: the sender's own, then the recipient's, then a room that shows it."""
        self.flush()
        if origin is not None:
            origin.send(ack)
        for place, box in enumerate(post.names):
            seq = result[place + 1]
            if box[:1] == "#":
                self._to_room(post, box, seq, at, None, None)
                self.flush()
                continue
            party = self._hub.parties.get(box)
            if party is None:
                continue
            party.seq = seq
            if origin in party.listeners and len(party.listeners) == 1:
                continue
            entry = entry_of(post.frame, post.who, box, seq, at)
            if money and isinstance(entry, (PaymentEntry, DepositEntry)):
                own = money[:3] if box == post.who else money[3:]
                entry = replace(entry, balance=BalanceAfter(*own))
            tell(party.listeners, entry, origin)

    def _to_room(
        self, post: Post, box: str, seq: int, at: int, ack: Ack | None, origin: Peer | None
    ) -> None:
        room = self._hub.rooms.get(box)
        if room is None:
            if origin is not None and ack is not None:
                self.flush()
                origin.send(ack)
            return
        if self._room is not room:
            self.flush()
            self._room = room
        room.seq = seq
        entry = entry_of(post.frame, post.who, box, seq, at)
        self._collected.append((entry, origin, ack or _NO_ACK))

    def _change_rooms(
        self, post: Post, result: list[int], ack: Ack, origin: Peer | None, at: int
    ) -> None:
        self.flush()
        if post.kind in (Kind.CREATE, Kind.JOIN, Kind.LEAVE):
            party = self._hub.parties.get(post.who)
            if party is not None and post.kind is not Kind.LEAVE:
                self._hub.join(party, post.box, result[1])
            self._to_room(post, post.box, result[1], at, ack, origin)
            self.flush()
            if party is not None and post.kind is Kind.LEAVE:
                self._hub.leave(party, post.box)
        elif post.kind is Kind.REGISTER and origin is not None:
            origin.registered(post.frame)
        elif origin is not None:
            origin.send(ack)

    def _replay(self, post: Post, mark: Mark) -> None:
        self.flush()
        if not isinstance(post.origin, Peer):
            return
        if post.kind is Kind.REGISTER:
            post.origin.register_again(post.frame)
        else:
            post.origin.send(ack_of(mark, post.id, self._durable, replayed=True))

    def _refuse(self, post: Post, code: Code, result: list[int | bytes]) -> None:
        self.flush()
        self.refused[code] = self.refused.get(code, 0) + 1
        if not isinstance(post.origin, Peer):
            return
        if code is Code.ID_REUSED:
            post.origin.reused(post, Mark(result[1]))  # type: ignore[arg-type]
        elif code is Code.INSUFFICIENT_FUNDS:
            post.origin.refuse_post(post, code, available=int(result[1]), currency=post.currency)
        elif code is Code.LIMIT_EXCEEDED:
            post.origin.refuse_post(post, code, limit=int(result[1]), of="rooms")
        else:
            post.origin.refuse_post(post, code)


_NO_ACK = Ack("", 0, "memory")


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
        "settled" if mark.money else UNSET,
        BalanceAfter(mark.available, mark.held, mark.version) if mark.money else UNSET,
    )


def _put_with_acks(
    author: Peer, codec: Codec, pieces: list[bytes], collected: list[tuple[Entry, Peer | None, Ack]]
) -> None:
    """The collected entries for one who sent some of them: their acks stand in their places."""
    for piece, (_, who, ack) in zip(pieces, collected, strict=True):
        author.put(pack(codec, ack) if who is author else piece)
