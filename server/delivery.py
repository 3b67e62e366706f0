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
from protocol.frames import Ack, BalanceAfter, Entry

from .hub import Hub, Party, Room, tell
from .ledger.posts import Kind, Mark, Post
from .ledger.status import CODE, Status
from .peer import Peer
from .wire import pack

Durable = Literal["memory", "disk", "replica"]
_OK = int(Status.OK)
_ENTRY = Kind.ENTRY  # as globals: a member of an Enum costs a slow look-up each time


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
        if status == _OK:
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
        authors: dict[Peer, dict[int, Ack]] = {}
        for place, (_, author, ack) in enumerate(collected):
            if author is not None:
                authors.setdefault(author, {})[place] = ack
        for codec, listeners in room.audience.items():
            pieces = [pack(codec, entry) for entry, _, _ in collected]
            whole = b"".join(pieces)
            for listener in listeners:
                if listener in authors:
                    listener.put(_with_acks(codec, pieces, authors[listener]))
                else:
                    listener.put(whole)
        for author, acks in authors.items():
            if author not in room:
                for ack in acks.values():
                    author.send(ack)

    # Results.

    def _announce(self, post: Post, at: int, result: list[int]) -> None:
        boxes = self._boxes(post.names, result)
        count = len(boxes)
        if count:
            ack = Ack(post.id, at, self._durable, post.box, result[1])
        else:
            ack = Ack(post.id, at, self._durable)
        if len(result) > count + 1:
            self.payments += 1
            own = BalanceAfter(*result[count + 1 : count + 4])
            ack = replace(ack, state="settled", balance=own)
        else:
            self.messages += 1
        origin = post.origin if isinstance(post.origin, Peer) else None
        if post.kind is not _ENTRY:
            self._change_rooms(post, at, result, ack, origin)
        elif post.box[0] == "#":
            self._to_room(post, at, boxes[0], result[1], ack, origin)
        else:
            self._to_people(post, at, boxes, result, ack, origin)

    def _boxes(self, names: tuple[str, ...], result: list[int]) -> list[Party | Room | None]:
        """Who listens to each box of a post. Where the hub does not know what lies before the new
        entry, they are closed, before anything jumps over the hole."""
        parties, rooms = self._hub.parties, self._hub.rooms
        boxes: list[Party | Room | None] = []
        for place, name in enumerate(names, 1):
            box = parties.get(name) or rooms.get(name)
            boxes.append(box)
            if box is not None and box.seq != result[place] - 1:
                self.flush()
                self._hub.resync(name)
        return boxes

    def _to_people(
        self,
        post: Post,
        at: int,
        boxes: list[Party | Room | None],
        result: list[int],
        ack: Ack,
        origin: Peer | None,
    ) -> None:
        """Boxes: the sender's own, then the recipient's, then a room that shows it."""
        if self._room is not None:
            self.flush()
        if origin is not None:
            origin.send(ack)
        for place, box in enumerate(boxes, 1):
            if box is None:
                continue
            if isinstance(box, Room):
                self._to_room(post, at, box, result[place], None, None)
                self.flush()
                continue
            box.seq = result[place]
            listeners = box.listeners
            if len(listeners) == 1 and origin in listeners:
                continue
            assert post.entry is not None
            entry = replace(post.entry, box=box.name, seq=box.seq, at=at)
            if ack.balance is not UNSET:
                mine = box.name == post.who
                balance = ack.balance if mine else BalanceAfter(*result[-3:])
                entry = replace(entry, balance=balance)
            tell(listeners, entry, origin)

    def _to_room(
        self,
        post: Post,
        at: int,
        room: Party | Room | None,
        seq: int,
        ack: Ack | None,
        origin: Peer | None,
    ) -> None:
        """Collect an entry for those who hear `room`, if anybody does."""
        if self._room is not room:
            self.flush()
        if not isinstance(room, Room):
            if origin is not None and ack is not None:
                origin.send(ack)
            return
        self._room = room
        room.seq = seq
        assert post.entry is not None
        entry = replace(post.entry, box=room.name, seq=seq, at=at)
        self._collected.append((entry, origin, ack or _NO_ACK))

    def _change_rooms(
        self, post: Post, at: int, result: list[int], ack: Ack, origin: Peer | None
    ) -> None:
        self.flush()
        hub = self._hub
        if post.kind in (Kind.CREATE, Kind.JOIN, Kind.LEAVE):
            party = hub.parties.get(post.who)
            if party is not None and post.kind is not Kind.LEAVE:
                hub.join(party, post.box, result[1])
            self._to_room(post, at, hub.rooms.get(post.box), result[1], ack, origin)
            self.flush()
            if party is not None and post.kind is Kind.LEAVE:
                hub.leave(party, post.box)
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


def _with_acks(codec: Codec, pieces: list[bytes], acks: dict[int, Ack]) -> bytes:
    """The collected entries for one who sent some of them: acks stand in the places of these."""
    mine = pieces.copy()
    for place, ack in acks.items():
        mine[place] = pack(codec, ack)
    return b"".join(mine)
