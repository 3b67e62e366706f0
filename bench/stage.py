"""The stage of a run: systems that are started, pinned, and have a generator each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import systems
from .errors import BenchError
from .load.driver import Generator
from .options import Load, Sizes
from .peers import PEERS, Peer, home
from .rounds import Contender
from .scaled import Shape, scaled
from .systems import System
from .turns import Watch

BARE = PEERS["bare"]
"""Our own transport with nothing behind it: what the shape of the hub costs at least."""


@dataclass
class Stand:
    """A running system and the generator that loads it."""

    system: System
    generator: Generator

    def contender(self, scenario: str, **order: Any) -> Contender:
        """A kind of load on it; `order` is what its plan has of its own."""
        return Contender(scenario, self.system, partial(self.generator.call, "load"), order)

    def enter(self, number: int, **how: object) -> None:
        """Open so many accounts and log them in."""
        self.generator.call("enter", number=number, **how)


@dataclass
class Stage:
    """What a scenario needs to run."""

    load: Load
    sizes: Sizes
    watch: Watch
    peers: list[Peer]
    """Those that take part and can be started."""
    everywhere: bool = False
    """Whether they take part in every scenario that they can, not only in `sizes.beside`."""

    def peers_in(self, scenario: str, able: str | None = None, floor: bool = False) -> list[Peer]:
        """The peers that stand beside Teller in `scenario`, for which they must be `able` to do
        one that may have another name. With `floor` the bare transport is one in any case."""
        first = [BARE] if floor else []
        if not self.everywhere and scenario not in self.sizes.beside:
            return first
        able = able or scenario
        return first + [one for one in self.peers if able in one.scenarios and one not in first]

    @contextmanager
    def hub(self, durability: str | None = None) -> Iterator[Stand]:
        """Teller: a hub of our own, or the one at the URL.

        Raises:
            BenchError: if it does not start.
        """
        load, kept = self.load, durability or self.load.durability
        if load.url is None:
            started = systems.hub(kept, load.data, load.codec)
        else:
            started = systems.running(load.url, kept, load.codec)
        with started as system, self.loaded(system) as stand:
            yield stand

    def scaled(self, shape: Shape, durability: str | None = None) -> AbstractContextManager[System]:
        """A Teller of our own of this shape; it needs `loaded` to be a stand.

        Raises:
            BenchError: if it does not start.
        """
        load = self.load
        return scaled(shape, durability or load.durability, load.data, load.codec)

    @contextmanager
    def loaded(self, system: System, hubs: int | None = None) -> Iterator[Stand]:
        """A running system with a generator, whose clients dial all of its hubs in turn, or the
        first so many; both are pinned."""
        with Generator.of_clients(system.addresses[:hubs], system.dialect) as generator:
            systems.pin(system, generator.pid, self.load.apart)
            yield Stand(system, generator)

    @contextmanager
    def peer(self, peer: Peer) -> Iterator[Stand]:
        """A peer that the generator drives.

        Raises:
            BenchError: if it does not start.
        """
        with peer.start(home(peer.name)) as system:
            if peer is BARE:
                system.dialect = self.load.codec  # it is our own transport, and our own codec
            with self.loaded(system) as stand:
                yield stand

    @contextmanager
    def stands(
        self,
        scenario: str,
        prepare: Callable[[Stand], None],
        able: str | None = None,
        floor: bool = False,
    ) -> Iterator[list[Stand]]:
        """Teller first, then its peers in `scenario`, each prepared; the bare transport is among
        them where it is chosen, or asked for as `floor`. A peer that fails is left out, with its
        reason.

        Raises:
            BenchError: if Teller does not start, or cannot be prepared.
        """
        with ExitStack() as stack:
            ready = [stack.enter_context(self.hub())]
            prepare(ready[0])
            for peer in self.peers_in(scenario, able, floor):
                if peer.dialect and not self.watch.stopping:
                    ready += self._tried(stack, peer, scenario, prepare)
            yield ready

    def _tried(
        self, stack: ExitStack, peer: Peer, scenario: str, prepare: Callable[[Stand], None]
    ) -> list[Stand]:
        try:
            with ExitStack() as attempt:
                stand = attempt.enter_context(self.peer(peer))
                prepare(stand)
                stack.push(attempt.pop_all())
        except (BenchError, OSError) as error:
            self.watch.skip(peer.name, f"{scenario}: {error}")
            return []
        return [stand]
