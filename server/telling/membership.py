"""Somebody became a member of a room: their connections here begin to hear it.

Where the room is heard here already, its own entry tells of it, at its place among the others
(`announcer`). This is for the first member of a room at this hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from protocol.frames import AcceptEntry

from ..commit.pipeline import Pipeline
from ..ledger.keys import Keyspace
from ..peer import Peer
from ..store.connection import Command, Down, Lost, Refused
from .announcer import Announcer
from .hub import Hub, Party, Room
from .relay import Relay

AGAIN_S = 1.0
"""When to ask again where the store did not answer."""


class Membership:
    """Brings connected accounts into rooms."""

    def __init__(
        self,
        keyspace: Keyspace,
        pipeline_of: Callable[[int], Pipeline],
        hub: Hub,
        announcer: Announcer,
        relay: Relay,
    ) -> None:
        self._keyspace = keyspace
        self._pipeline_of = pipeline_of
        self._hub = hub
        self._announcer = announcer
        self._relay = relay

    def came(self, who: str, name: str, seq: int = 0) -> None:
        """`who` became a member of room `name`, which says so at `seq`; 0: not known where."""
        hub = self._hub
        party = hub.parties.get(who)
        if party is None:
            return
        if not seq:
            if name in party.rooms and name in hub.rooms:
                self._complete(party, hub.rooms[name])
            else:
                self._ask(who, name)
        elif name not in hub.rooms:
            self._announcer.flush()
            hub.join(party, name, seq - 1)
            self._relay.begin([name])

    def told(self, who: str, name: str, seq: int) -> None:
        """The same as another hub tells it, perhaps late: they may have left since; or the room is
        heard here from a place behind that one."""
        hub = self._hub
        party, room = hub.parties.get(who), hub.rooms.get(name)
        if not seq or party is None:
            self.came(who, name)
        elif room is None or (name not in party.rooms and room.seq >= seq):
            self._ask(who, name, seq)

    def wrote(self, party: Party, name: str, seq: int) -> None:
        """One of `party` wrote into room `name`, at `seq`, which nobody here hears."""
        self._announcer.flush()
        self._hub.join_midway(party, name, seq - 1)
        self._relay.begin([name])

    def _complete(self, party: Party, room: Room) -> None:
        """A device that came in when its rooms did not tell of `room` yet hears it from now on."""
        self._send_back(party, room)
        if party.listeners:
            self._hub.join_midway(party, room.name, room.seq)

    def _send_back(self, party: Party, room: Room | None) -> None:
        """A device that came in without some rooms, because their partition did not answer, may
        have a part of this one already: it comes in anew, or it would hear the room with a hole."""
        for listener in list(party.lacking):
            if room is None or listener not in room:
                listener.resync()

    def accepted(self, party: Party, entry: AcceptEntry) -> None:
        """An entry of the box of `party` says who was accepted: perhaps they, into a room."""
        if isinstance(entry.room, str) and entry.who == party.name:
            self.came(party.name, entry.room)

    def again(self, peer: Peer, name: str) -> None:
        """The join of `peer` into room `name` was acknowledged before, perhaps into a connection
        that broke, so that this ack is all that its client has of the room. If the room is not
        heard from a place that the client knows, it comes in anew, and names the room."""
        if peer.party is None:
            return
        room = self._hub.rooms.get(name)
        if name not in peer.party.rooms:
            self._see(peer, name)
        elif room is not None and peer in room and not room.whole_for(peer):
            peer.resync()

    def _see(self, peer: Peer, name: str) -> None:
        """Let `peer` come in anew if it is a member of `name`: the word of it is still on its way.
        Until that is known nothing is sent to it: acks from behind what it has would be a hole."""
        keys = self._keyspace.of(name)

        def take(replies: list[object]) -> None:
            if peer.gone:
                return
            if replies[0] is None:
                peer.release()
            else:  # or it is not known
                peer.resync()

        try:
            pipeline = self._pipeline_of(keys.partition)
            pipeline.read([("HGET", keys.members, peer.handle)], take)
            peer.hold()  # replies never come within the call
        except Down:
            peer.resync()

    def _ask(self, who: str, name: str, seq: int = 0) -> None:
        """Hear the room from where it stands now, if `who` is still a member: the word of it may
        have come late. The room's partition answers in the order of the room's own entries."""
        keys = self._keyspace.of(name)

        def take(replies: list[object]) -> None:
            party, (role, copied, length) = self._hub.parties.get(who), replies
            if any(isinstance(one, Lost | Refused) for one in replies):
                self._ask_later(who, name, seq)
                return
            member = isinstance(role, bytes) or copied == 1  # whose members are in another region
            if party is None or not member or not isinstance(length, int):
                return
            room = self._hub.rooms.get(name)
            self._send_back(party, room)
            if seq and room is None and party.listeners:  # nobody here has told more
                if self._hub.join(party, name, seq - 1):
                    self._announcer.look(self._hub.rooms[name])
            elif party.listeners:
                self._hub.join_midway(party, name, length)

        origin = self._keyspace.origin(name)
        commands: list[Command] = [("HGET", keys.members, who), ("EXISTS", origin)]
        commands.append(("LLEN", keys.box))
        try:
            self._relay.listen([name])
            self._pipeline_of(keys.partition).read(commands, take)
        except Down:
            self._ask_later(who, name, seq)

    def _ask_later(self, who: str, name: str, seq: int) -> None:
        """The room's partition cannot tell now; a hub that is alone compares nobody's rooms."""

        def again() -> None:
            party = self._hub.parties.get(who)
            if party is not None and not (name in party.rooms and name in self._hub.rooms):
                self._ask(who, name, seq)

        asyncio.get_running_loop().call_later(AGAIN_S, again)
