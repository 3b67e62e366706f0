"""Which connections here watch whom, and what each was told last."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum

from protocol.codec import Codec
from protocol.frames import PresenceNotice

from ..edge.wire import pack
from ..peer import Peer


class State(IntEnum):
    """Of several, the greatest is an account's."""

    OFFLINE = 0
    AWAY = 1
    ONLINE = 2


_WORD = {State.OFFLINE: "offline", State.AWAY: "away", State.ONLINE: "online"}


class _Watcher:
    __slots__ = ("pending", "told")

    def __init__(self) -> None:
        self.told: dict[str, State] = {}
        """Whom it watches, and as what they were told of last."""
        self.pending: set[str] = set()
        """Of whom there may be something to tell."""


class Watching:
    """The people that connections here watch."""

    def __init__(self, state_of: Callable[[str], State]) -> None:
        self._state_of = state_of
        self._watchers: dict[Peer, _Watcher] = {}
        self.watched: dict[str, dict[Peer, None]] = {}
        """Who is watched, and by whom."""
        self._queue: deque[Peer] = deque()
        """Who has something pending."""

    def watch(self, peer: Peer, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """`peer` watches `names` in place of those before. Whom nobody here watched before, and
        whom nobody watches any more."""
        wanted = dict.fromkeys(names)
        watcher = self._watchers.get(peer)
        if watcher is None:
            watcher = self._watchers[peer] = _Watcher()
        ended = [name for name in watcher.told if name not in wanted and self._end(peer, name)]
        begun = [name for name in wanted if name not in self.watched]
        for name in wanted:
            self.watched.setdefault(name, {})[peer] = None
        watcher.told = {name: watcher.told.get(name, State.OFFLINE) for name in wanted}
        watcher.pending &= watcher.told.keys()
        if not wanted:
            del self._watchers[peer]
        return begun, ended

    def leave(self, peer: Peer) -> list[str]:
        """`peer` is gone. Whom nobody here watches any more."""
        return self.watch(peer, ())[1] if peer in self._watchers else []

    def part(self, subject: str, watcher: str) -> bool:
        """The connections of account `watcher` may not know any more when `subject` is there; they
        are told that it is gone. Whether nobody else here watches it."""
        for peer in [one for one in self.watched.get(subject, ()) if one.handle == watcher]:
            if self._watchers[peer].told.pop(subject) and not peer.gone:
                peer.put(pack(peer.codec, _notice(subject, State.OFFLINE)))
            self._watchers[peer].pending.discard(subject)
            if self._end(peer, subject):
                return True
        return False

    def report(self, peer: Peer) -> dict[str, State]:
        """Whom `peer` watches, as they are now; it is told so."""
        watcher = self._watchers.get(peer)
        if watcher is None:
            return {}
        watcher.told = {name: self._state_of(name) for name in watcher.told}
        watcher.pending.clear()
        return watcher.told

    def changed(self, name: str) -> int:
        """`name` came or went: its watchers are to be told. How many they are."""
        watchers = self.watched.get(name, ())
        for peer in watchers:
            pending = self._watchers[peer].pending
            if not pending:
                self._queue.append(peer)
            pending.add(name)
        return len(watchers)

    @property
    def waiting(self) -> bool:
        """Whether somebody has not been told yet."""
        return bool(self._queue)

    def tell(self, most: int) -> tuple[int, int]:
        """Tell at most so many things. How many were told, and how many watchers were put off
        because their outboxes are too full."""
        told = late = 0
        packed: dict[tuple[str, State, Codec], bytes] = {}
        for _ in range(len(self._queue)):
            if told >= most:
                break
            peer = self._queue.popleft()
            watcher = self._watchers.get(peer)
            if watcher is None or not watcher.pending:
                continue
            if peer.crowded:
                late += 1
                self._queue.append(peer)
                continue
            told += self._tell(peer, watcher, packed)
        return told, late

    def _tell(
        self, peer: Peer, watcher: _Watcher, packed: dict[tuple[str, State, Codec], bytes]
    ) -> int:
        told, codec, parts = watcher.told, peer.codec, []
        for name in watcher.pending:
            state = self._state_of(name)
            if told[name] is state:
                continue  # it came and went meanwhile
            told[name] = state
            data = packed.get((name, state, codec))
            if data is None:
                data = packed[name, state, codec] = pack(codec, _notice(name, state))
            parts.append(data)
        watcher.pending.clear()
        if parts and not peer.gone:
            peer.put(b"".join(parts))
        return len(parts)

    def _end(self, peer: Peer, name: str) -> bool:
        watchers = self.watched[name]
        watchers.pop(peer, None)
        if watchers:
            return False
        del self.watched[name]
        return True


def _notice(name: str, state: State) -> PresenceNotice:
    """The same for all who watch, so that it is encoded once: `to` is who it speaks of."""
    return PresenceNotice(name, name, _WORD[state])  # type: ignore[arg-type]
