"""Somebody who is coming in: listens at once, and is welcomed when all is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from protocol.errors import Code
from protocol.frames import Welcome
from protocol.session import Phase

from .snapshot import Snapshot, Visitor
from .turnstile import Turn

if TYPE_CHECKING:
    from ..peer import Peer
    from .entrance import Entrance


class Newcomer(Visitor):
    """Somebody who is coming in: listens at once, and is welcomed when all is read."""

    def __init__(
        self, entrance: Entrance, peer: Peer, id: str, name: str, token: str | None, turn: Turn
    ) -> None:
        self._entrance = entrance
        self._peer = peer
        self._id = id
        self._name = name
        self._token = token
        self._turn = turn
        self._receipts = self._seen = True
        self.token_field = peer.token_field

    def privacy(self, receipts: bool, seen: bool) -> None:
        self._receipts, self._seen = receipts, seen

    def hear(self, boxes: dict[str, int]) -> None:
        peer, services = self._peer, self._entrance.services
        if peer.gone:
            return
        if peer.party is None:
            peer.hold()
            peer.party = services.enter(peer, self._name, boxes[self._name])
            peer.party.receipts, peer.party.seen = self._receipts, self._seen
            peer.party.past[peer] = self.past
        for box, seq in boxes.items():
            if box != self._name:
                services.hub.attend(peer, peer.party, box, seq)

    def expect(self, rooms: set[str]) -> None:
        party = self._peer.party
        if party is not None:
            party.unread[self._peer] = rooms

    def enter(self, snapshot: Snapshot) -> None:
        self._turn.end()
        peer = self._peer
        if peer.gone:
            return
        assert peer.party is not None
        for room in snapshot.boxes:
            self.past.pop(room, None)
        if not self.past:
            del peer.party.past[peer]
        if not snapshot.absent:  # else they stay unread
            del peer.party.unread[peer]
        self._entrance.miss(peer, snapshot)
        peer.at_home(Phase.READY, self._name)
        welcome = Welcome(
            self._id,
            self._name.removeprefix("@"),
            snapshot.boxes,
            snapshot.record.balances,
            snapshot.record.version,
            self._entrance.services.settings.announced_limits(),
            UNSET if self._token is None else self._token,
        )
        peer.release([welcome, *snapshot.missed])
        if any(has.held for has in snapshot.record.balances.values()):
            self._entrance.services.requests.look(self._name)
        self._entrance.came(peer)

    def fail(self, code: Code) -> None:
        self._turn.end()
        peer = self._peer
        if peer.party is None:
            self._entrance.refuse(peer, code, self._id)
        elif not peer.gone:  # it listens already to what was read
            peer.abandon()
            peer.refuse(code, self._id)
            peer.resync()
