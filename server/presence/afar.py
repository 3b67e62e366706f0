"""What the hubs of one store tell one another of the people they watch.

Each hub has a sharded channel of its own. A hub whose clients watch somebody says so to every other
hub, which answers with those who are there, and from then on tells of their coming and going. So
nothing is published where nobody watches, and only to hubs that do. A word may be lost: a hub that
was out of sight is asked anew, and now and then all are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

from ..store.connection import Down
from .watching import State

if TYPE_CHECKING:
    from ..services import Services

NAMES_PER_WORD = 1_000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, bytes, list[str], bytes, int]).decode


class Word(IntEnum):
    """What a publication says: kind, the hub that says it, names, a state for each, a number."""

    ASK = 0
    """Tell me of these people from now on. Answered by ANSWER, with the same number."""
    ANSWER = 1
    """So they are here."""
    TELL = 2
    """Now they are so here."""
    STOP = 3
    """Nobody watches these people at my place any more."""
    HELLO = 4
    """I have not known you before now: ask again for whom you watch."""
    PART = 5
    """The first of these people does not want to be watched by the second any more."""


class Afar:
    """The other hubs' people, as far as somebody here watches them, and who is watched there."""

    def __init__(
        self,
        services: Services,
        here: Callable[[str], State],
        changed: Callable[[str], None],
        parted: Callable[[str, str], None],
    ) -> None:
        """`here` tells how somebody is at this hub. `changed` is told who came or went elsewhere,
        `parted` of two people that the second may not watch the first any more."""
        self._services = services
        self._here = here
        self._changed = changed
        self._parted = parted
        self._own: bytes = services.relay.id
        self.channel = self._channel_of(self._own)
        self._hubs: set[bytes] = set()
        self._states: dict[str, dict[bytes, State]] = {}
        """How those watched here are at other hubs."""
        self.watched: dict[str, set[bytes]] = {}
        """Who is watched at which other hubs."""
        self._asked: dict[int, tuple[set[bytes], Callable[[], None]]] = {}
        """Hubs that have not answered, and who waits for them, by the number of the question."""
        self._number = 0

    def state_of(self, name: str) -> State:
        """How somebody who is watched here is at the other hubs."""
        states = self._states.get(name)
        return max(states.values()) if states else State.OFFLINE

    # What this hub says.

    def ask(self, names: Sequence[str], answered: Callable[[], None] = lambda: None) -> int:
        """Begin to watch `names`; `answered` is called when every hub has told how they are. The
        number of the question, for `give_up`."""
        self._number += 1
        for name in names:
            self._states.setdefault(name, {})
        if not self._hubs or not names:
            answered()
            return self._number
        self._asked[self._number] = set(self._hubs), answered
        for hub in list(self._hubs):
            self._ask(hub, names, self._number)
        return self._number

    def give_up(self, number: int) -> None:
        """Wait no longer for the answers to a question."""
        if (asked := self._asked.pop(number, None)) is not None:
            asked[1]()

    def stop(self, names: Sequence[str]) -> None:
        """Nobody here watches `names` any more."""
        for name in names:
            self._states.pop(name, None)
        for hub in self._hubs if names else ():
            self._say(hub, Word.STOP, names)

    def tell(self, names: Iterable[str]) -> None:
        """Tell how these people are here, where they are watched."""
        told: dict[bytes, list[str]] = defaultdict(list)
        for name in names:
            for hub in self.watched.get(name, ()):
                told[hub].append(name)
        for hub, some in told.items():
            self._say(hub, Word.TELL, some, states=True)

    def part(self, subject: str, watcher: str) -> None:
        """`watcher` may not watch `subject` any more."""
        for hub in self.watched.get(subject, ()):
            self._say(hub, Word.PART, [subject, watcher])

    # Which hubs there are.

    def begin(self, partition: int) -> None:
        """The connection to a partition is new: listen again, and ask for what was missed.

        Raises:
            Down: it is gone again.
        """
        if partition == self._partition_of(self._own):
            self._services.channel(partition).subscribe([self.channel])
            for hub in self._hubs:
                self._say(hub, Word.HELLO, [])
            self.ask_all()

    def hubs_changed(self, live: Iterable[bytes]) -> None:
        """These hubs live, with this one."""
        others = set(live) - {self._own}
        gone, new = self._hubs - others, others - self._hubs
        self._hubs = others
        if gone:
            self._forget(gone)
        for hub in new:
            self._say(hub, Word.HELLO, [])
            self._ask(hub, list(self._states), 0)

    def ask_all(self) -> None:
        """Ask every hub for everybody who is watched here: words may have been lost."""
        for hub in self._hubs:
            self._ask(hub, list(self._states), 0)

    # What other hubs say.

    def heard(self, payload: bytes) -> None:
        """A publication for this hub has come.

        Raises:
            msgspec.MsgspecError: if it is damaged.
        """
        word, hub, names, states, number = _decode(payload)
        if word == Word.ASK:
            for name in names:
                self.watched.setdefault(name, set()).add(hub)
            self._say(hub, Word.ANSWER, names, states=True, number=number)
        elif word in (Word.ANSWER, Word.TELL):
            self._learn(hub, names, states)
            if word == Word.ANSWER:
                self._answered(hub, number)
        elif word == Word.STOP:
            for name in names:
                self._unwatch(name, {hub})
        elif word == Word.HELLO:
            self._ask(hub, list(self._states), 0)
        elif word == Word.PART:
            self._parted(*names)

    def _learn(self, hub: bytes, names: list[str], states: bytes) -> None:
        for name, value in zip(names, states, strict=True):
            known = self._states.get(name)
            if known is None:
                continue  # nobody watches it here any more
            state = State(value)
            if known.get(hub, State.OFFLINE) is not state:
                known[hub] = state
                self._changed(name)

    def _answered(self, hub: bytes, number: int) -> None:
        asked = self._asked.get(number)
        if asked is not None:
            asked[0].discard(hub)
            if not asked[0]:
                self.give_up(number)

    def _forget(self, gone: set[bytes]) -> None:
        for name, states in self._states.items():
            if any(states.pop(hub, State.OFFLINE) for hub in gone):
                self._changed(name)
        for name in list(self.watched):
            self._unwatch(name, gone)
        for number, (missing, _) in list(self._asked.items()):
            missing -= gone
            if not missing:
                self.give_up(number)

    def _unwatch(self, name: str, hubs: set[bytes]) -> None:
        watching = self.watched.get(name, set())
        watching -= hubs
        if not watching:
            self.watched.pop(name, None)

    # Publishing.

    def _ask(self, hub: bytes, names: Sequence[str], number: int) -> None:
        parts = _parts(names)
        for some in parts[:-1]:
            self._say(hub, Word.ASK, some)
        for some in parts[-1:]:
            self._say(hub, Word.ASK, some, number=number)

    def _say(
        self, hub: bytes, word: Word, names: Sequence[str], states: bool = False, number: int = 0
    ) -> None:
        if not names and word is not Word.HELLO:
            return
        for some in _parts(names) or [names]:
            how = bytes(self._here(name) for name in some) if states else b""
            said: tuple[Any, ...] = (int(word), self._own, some, how, number)
            with suppress(Down):  # asked anew when the store is back
                channel = self._services.channel(self._partition_of(hub))
                channel.send(("SPUBLISH", self._channel_of(hub), _encode(said)), _ignore)

    def _partition_of(self, hub: bytes) -> int:
        return int.from_bytes(hub) % self._services.keyspace.partitions

    def _channel_of(self, hub: bytes) -> bytes:
        tag = self._services.keyspace.tag(self._partition_of(hub))
        return f"{tag}presence:{hub.hex()}".encode()


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[at : at + NAMES_PER_WORD] for at in range(0, len(names), NAMES_PER_WORD)]


def _ignore(reply: object) -> None:
    """What nobody heard is asked anew."""
