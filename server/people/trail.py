"""When accounts and their devices were last there: written now and then, a few at a time.

Nothing else is ever stored of presence, and of who hides it only what their own list of devices
shows.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from ..ledger.keys import AccountKeys
from ..ledger.records import CLOSED
from ..peer import Peer
from ..store.connection import Command, Down
from ..telling.hub import Listener, Party
from .devices import last_field

if TYPE_CHECKING:
    from ..services import Services

PAUSE_S = 0.25
"""What comes together in this time is written together."""
ACCOUNTS_AT_ONCE = 50
"""Accounts written then; in a storm the others wait, and are written later."""


class _Steps:
    """What is to be written of one account."""

    __slots__ = ("devices", "left")

    def __init__(self) -> None:
        self.devices: dict[str, int] = {}
        """When devices were there, in ms, by their tokens."""
        self.left = 0
        """When the last connection went, if others may know; else 0."""


class Trail:
    """Writes down who was there."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._steps: dict[str, _Steps] = {}
        self._timer: asyncio.TimerHandle | None = None

    def came(self, peer: Peer) -> None:
        """A device has come in."""
        self._of(peer.handle).devices[peer.token_field] = self._services.store_now()

    def went(self, party: Party, listener: Listener) -> None:
        """A connection is gone."""
        steps, now = self._of(party.name), self._services.store_now()
        if isinstance(listener, Peer) and listener.token_field:
            steps.devices[listener.token_field] = now
        if not party.listeners:
            steps.left = now if party.seen else 0

    def write(self) -> None:
        """Write what waits, some of it."""
        self._timer = None
        some = [(name, self._steps.pop(name)) for name in list(self._steps)[:ACCOUNTS_AT_ONCE]]
        by_partition: dict[int, list[tuple[str, _Steps]]] = {}
        for name, steps in some:
            by_partition.setdefault(self._services.keyspace.partition_of(name), []).append(
                (name, steps)
            )
        for partition, those in by_partition.items():
            with suppress(Down):
                self._write(partition, those)
        if self._steps:
            self._later()

    def _of(self, name: str) -> _Steps:
        steps = self._steps.get(name)
        if steps is None:
            steps = self._steps[name] = _Steps()
        self._later()
        return steps

    def _later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self.write)

    def _write(self, partition: int, those: list[tuple[str, _Steps]]) -> None:
        services = self._services
        of = services.keyspace.of

        def take(replies: list[object]) -> None:
            send = services.channel(partition).send
            for (name, steps), flags in zip(those, replies, strict=True):
                if not isinstance(flags, bytes) or not flags or flags[0] & CLOSED:
                    continue  # an account that is gone leaves no trail
                with suppress(Down):
                    for command in _commands(of(name), steps):
                        send(command, _ignore)

        asked: list[Command] = [("GETRANGE", of(name).record, 0, 0) for name, _ in those]
        services.pipeline_of(partition).read_ahead(asked, take)


def _commands(keys: AccountKeys, steps: _Steps) -> list[Command]:
    found: list[Command] = []
    if steps.devices:
        pairs: list[str | int] = []
        for field, at in steps.devices.items():
            pairs += (last_field(field), at)
        found.append(("HSET", keys.tokens, *pairs))
    if steps.left:
        found.append(("HSET", keys.profile, "last", steps.left))
    return found


def _ignore(reply: object) -> None:
    """It is written the next time."""
