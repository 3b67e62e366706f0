"""Presence and typing, at one hub.

Who comes and goes is noted, and told once in a while: many changes of one person are one, and many
people's changes to one watcher are one write. Only so much is told at a time, and nothing while the
loop is late: presence waits until there is time for it, typing is dropped. A watcher whose outbox
is too full waits, too, so that in the end everybody knows what is true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import UNSET

from protocol.frames import (
    AcceptEntry,
    BlockEntry,
    DeclineEntry,
    Presence,
    PresenceNotice,
    Typing,
    TypingNotice,
    UnblockEntry,
    Watch,
    WatchReport,
)

from ..peer import Peer
from ..people.halves import Halves
from ..telling.hearing import tell_notice
from ..telling.hub import Listener, Party
from .afar import Afar
from .watching import State, Watching

if TYPE_CHECKING:
    from ..services import Services

TICK_S = 0.25
"""Changes of so long are told together."""
STEP_S = 0.02
"""How long to leave the loop to others where there is more to tell."""
STEP_NOTICES = 200
"""What is told at once; so at most 10,000 a second."""
LATE_S = 0.05
"""A loop that is so late has more important things to do."""
TYPING_EVERY_S = 3.0
"""Someone types once in this time and conversation; clients show it for twice as long."""
ANSWERS_S = 0.5
"""How long `watch` waits for the other hubs."""
ASK_S = 0.02
"""What is asked of other hubs within this time is one question."""
ROUND_S = 30.0
"""Other hubs are asked anew for everybody who is watched here, as words may have been lost."""
TYPISTS_MAX = 10_000
"""Remembered, with whom they type."""


class People:
    """Who is there, for those who watch them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._loop = asyncio.get_running_loop()
        self._halves = Halves(services)
        self._away: set[Listener] = set()
        self._watching = Watching(self._state_of)
        self.afar = Afar(services, self._here, self._note, self._part_here)
        self._dirty: dict[str, None] = {}
        """Who came or went, perhaps."""
        self._ended: set[str] = set()
        """Whom nobody here watches any more, perhaps."""
        self._begun: list[str] = []
        """Of whom the other hubs are to be asked."""
        self._asking: list[Callable[[], None]] = []
        """Who waits for the answers."""
        self._watch: dict[Peer, Watch] = {}
        """The newest question of each that is not answered yet."""
        self._typed: dict[tuple[str, str], float] = {}
        self._notices: dict[tuple[type, str, str], TypingNotice | PresenceNotice] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    # Called by the hub.

    def came(self, party: Party) -> None:
        """An account is here."""
        self._note(party.name)

    def went(self, party: Party, listener: Listener) -> None:
        """A connection of an account is gone."""
        self._away.discard(listener)
        self._note(party.name)
        if isinstance(listener, Peer):
            self._watch.pop(listener, None)
            self._end(self._watching.leave(listener))

    def shown(self, party: Party, seen: bool) -> None:
        """Whether others may see when this account is there."""
        if party.seen is not seen:
            party.seen = seen
            self._note(party.name)

    def thought(
        self, party: Party, entry: AcceptEntry | BlockEntry | DeclineEntry | UnblockEntry
    ) -> None:
        """Somebody here thinks otherwise of somebody else, as an entry of their box says."""
        self._halves.forget(party.name, entry.who)
        if isinstance(entry, BlockEntry | DeclineEntry):
            self._part_here(party.name, entry.who)
            self._part_here(entry.who, party.name)
            self.afar.part(party.name, entry.who)

    # Called by the handlers.

    def watch(self, peer: Peer, frame: Watch) -> None:
        """Answer soon with who is there, and tell from now on."""
        self._services.aside.put(lambda: peer.dispatch(self._ask_halves, frame))

    def _ask_halves(self, services: Services, peer: Peer, frame: Watch) -> None:
        if peer.gone:
            return
        abroad = self._services.keyspace.abroad
        names = [n for n in dict.fromkeys(frame.who) if n != peer.handle and n not in abroad]
        self._watch[peer] = frame

        def known(allowed: list[str]) -> None:
            if peer.gone or self._watch.get(peer) is not frame:
                self._watch_answered(peer, frame)
                return
            begun, ended = self._watching.watch(peer, allowed)
            self._end(ended)
            self._ask(begun, lambda: self._watch_answered(peer, frame))

        self._halves.accepting(peer, frame.id, names, known)

    def notice(self, peer: Peer, frame: Typing | Presence) -> None:
        """Someone types, or is there or away."""
        if isinstance(frame, Presence):
            self._is_away(peer, frame.state == "away")
        to = frame.to
        if to is UNSET or to == peer.handle:
            return
        if to[0] == "#":
            if peer.party is not None and to in peer.party.rooms:
                self._put(peer, frame, to)
        elif to[0] == "@" and to not in self._services.keyspace.abroad:
            self._halves.if_accepting(to, peer.handle, lambda: self._put(peer, frame, to))

    async def rounds(self) -> None:
        """Ask other hubs anew, now and then; run until cancelled."""
        while True:
            await asyncio.sleep(ROUND_S)
            self.afar.ask_all()

    # Private: states.

    def _here(self, name: str) -> State:
        party = self._services.hub.parties.get(name)
        if party is None or not party.seen or not party.listeners:
            return State.OFFLINE
        away = self._away
        if away and all(one in away for one in party.listeners):
            return State.AWAY
        return State.ONLINE

    def _state_of(self, name: str) -> State:
        here = self._here(name)
        return here if here is State.ONLINE else max(here, self.afar.state_of(name))

    def _is_away(self, peer: Peer, away: bool) -> None:
        if away is not (peer in self._away):
            (self._away.add if away else self._away.discard)(peer)
            self._note(peer.handle)

    def _note(self, name: str) -> None:
        """`name` came or went; nobody looks further where nobody watches."""
        if name in self._watching.watched or name in self.afar.watched:
            self._dirty[name] = None
            self._later(TICK_S)

    def _part_here(self, subject: str, watcher: str) -> None:
        if self._watching.part(subject, watcher):
            self._end([subject])

    def _end(self, names: list[str]) -> None:
        if names:
            self._ended.update(names)
            self._later(TICK_S)

    # Private: a watcher's answer.

    def _ask(self, begun: list[str], answered: Callable[[], None]) -> None:
        if not (begun or self._asking):
            answered()
            return
        if not self._asking:
            self._loop.call_later(ASK_S if self._services.relay.others else 0, self._ask_all)
        self._begun += begun
        self._asking.append(answered)

    def _ask_all(self) -> None:
        begun, self._begun = self._begun, []
        asking, self._asking = self._asking, []

        def answered() -> None:
            for one in asking:  # each may tell of hundreds
                self._services.aside.put(one)

        number = self.afar.ask(begun, answered)
        self._loop.call_later(ANSWERS_S, self.afar.give_up, number)

    def _watch_answered(self, peer: Peer, frame: Watch) -> None:
        if self._watch.get(peer) is frame:
            del self._watch[peer]
        if peer.gone:
            return
        found = self._watching.report(peer)
        online = [name for name, state in found.items() if state is State.ONLINE]
        away = [name for name, state in found.items() if state is State.AWAY]
        peer.send(WatchReport(frame.id, online, away))

    # Private: what is told, and when.

    def _put(self, peer: Peer, frame: Typing | Presence, to: str) -> None:
        now, key = self._loop.time(), (peer.handle, to)
        told: TypingNotice | PresenceNotice
        if isinstance(frame, Presence):
            told = PresenceNotice(peer.handle, to, frame.state)
        elif now < self._typed.get(key, 0.0):
            return
        else:
            told = TypingNotice(peer.handle, to)
            self._typed.pop(key, None)  # now the newest
            self._typed[key] = now + TYPING_EVERY_S
            if len(self._typed) > TYPISTS_MAX:
                del self._typed[next(iter(self._typed))]
        self._notices[type(told), peer.handle, to] = told
        self._later(TICK_S)

    def _later(self, pause_s: float) -> None:
        if self._timer is None:
            self._due = self._loop.time() + pause_s
            self._timer = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._loop.time() - self._due > LATE_S:
            self._services.counters.shed += len(self._notices)
            self._notices.clear()
            self._later(TICK_S)
            return
        self._tell_notices()
        late = self._tell_changes()
        if self._dirty or self._notices:
            self._later(STEP_S)
        elif self._watching.waiting:
            self._later(TICK_S if late else STEP_S)

    def _tell_notices(self) -> None:
        services = self._services
        for _ in range(min(STEP_NOTICES, len(self._notices))):
            _, _, to = key = next(iter(self._notices))
            frame = self._notices.pop(key)
            tell_notice(services.hub, services.counters, to, frame)
            services.relay.notice(to, frame)

    def _tell_changes(self) -> int:
        """One step of what there is to tell; how many watchers were put off."""
        if self._ended:
            self.afar.stop([one for one in self._ended if one not in self._watching.watched])
            self._ended.clear()
        names: list[str] = []
        notices = 0
        while self._dirty and notices < STEP_NOTICES:
            name = next(iter(self._dirty))
            del self._dirty[name]
            names.append(name)
            notices += 1 + self._watching.changed(name)
        self.afar.tell(names)
        told, late = self._watching.tell(STEP_NOTICES)
        self._services.counters.presence += told
        self._services.counters.shed += late
        return late
