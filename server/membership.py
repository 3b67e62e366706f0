"""Somebody became a member of a room: their connections here begin to hear it.

Where the room is heard here already, its own entry tells of it, at its place among the others
(`announcer`). This is for the first member of a room at this hub.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from protocol.frames import AcceptEntry

from .announcer import Announcer
from .hub import Hub, Party
from .ledger.keys import Keyspace
from .peer import Peer
from .pipeline import Pipeline
from .relay import Relay
from .store.connection import Command, Down


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
        if name in party.rooms:
            if not seq:
                self._complete(party, name)
        elif not seq:
            self._ask(who, name)
        elif name not in hub.rooms:
            self._announcer.flush()
            hub.join(party, name, seq - 1)
            self._relay.begin([name])

    def _complete(self, party: Party, name: str) -> None:
        """A device that came in when its rooms did not tell of `name` yet hears it from now on. One
        that came in without it because the partition did not answer may have a part of it already:
        it comes in anew, or it would hear the room with a hole."""
        room = self._hub.rooms.get(name)
        if room is None:
            return
        for listener in [one for one in party.listeners if one not in room]:
            if listener in party.lacking:
                listener.resync()
            else:
                room.add(listener)

    def accepted(self, party: Party, entry: AcceptEntry) -> None:
        """An entry of the box of `party` says who was accepted: perhaps they, into a room."""
        if isinstance(entry.room, str) and entry.who == party.name:
            self.came(party.name, entry.room)

    def unheard(self, peer: Peer, name: str) -> None:
        """The join of `peer` was acknowledged before, and they do not hear room `name`. If they are
        a member, the word of it is still on its way, and all that the client has of the room is
        that ack: it would hear it from somewhere behind. So it comes in anew, and names it."""
        keys = self._keyspace.of(name)

        def take(replies: list[object]) -> None:
            if isinstance(replies[0], bytes) and not peer.gone:
                peer.resync()

        with suppress(Down):  # the comparison of everybody's rooms finds it
            pipeline = self._pipeline_of(keys.partition)
            pipeline.read([("HGET", keys.members, peer.handle)], take)

    def _ask(self, who: str, name: str) -> None:
        """Hear the room from where it stands now, if `who` is still a member: the word of it may
        have come late. The room's partition answers in the order of the room's own entries."""
        keys = self._keyspace.of(name)

        def take(replies: list[object]) -> None:
            party, (role, copied, length) = self._hub.parties.get(who), replies
            member = isinstance(role, bytes) or copied == 1  # whose members are in another region
            if party is not None and member and isinstance(length, int):
                self._hub.join(party, name, length)

        origin = self._keyspace.origin(name)
        commands: list[Command] = [("HGET", keys.members, who), ("EXISTS", origin)]
        commands.append(("LLEN", keys.box))
        try:
            self._relay.listen([name])
            self._pipeline_of(keys.partition).read(commands, take)
        except Down:
            pass  # the comparison of everybody's rooms finds it
