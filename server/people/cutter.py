"""Cuts off whoever may not be here any more: revoked devices, suspended and erased accounts.

A hub looks at an account when it hears that it should: from the `revoke` entry in the account's
box, which no hub misses, or from another hub's word. What such a word lost is found by a round.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from protocol.errors import Close

from ..ledger.records import CLOSED, SUSPENDED
from ..peer import Peer
from ..store.connection import Down
from ..telling.hub import Party

if TYPE_CHECKING:
    from ..services import Services

ROUND_S = 60.0
"""Every connected account is looked at once in this time, where there are other hubs."""
SLICES = 60
AGAIN_S = 1.0
"""When to look again where the store did not answer."""


class Cutter:
    """Closes the connections of one hub that may not stay."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._log = structlog.get_logger("cutter")

    def everywhere(self, name: str) -> None:
        """Look at the account `name`, here and at every other hub."""
        self.look(name)
        self._services.relay.look(name)

    def look(self, name: str) -> None:
        """See which connections of the account `name` may stay here, and close the others."""
        services = self._services
        if name not in services.hub.parties:
            return
        keys = services.keyspace.of(name)

        def take(replies: list[object]) -> None:
            flags, fields = replies
            party = services.hub.parties.get(name)
            if not isinstance(flags, bytes) or not isinstance(fields, list | set):
                self._look_later(name)
            elif party is not None:
                self._judge(party, flags, {field.decode() for field in fields})

        try:
            services.pipeline_of(keys.partition).read_ahead(
                [("GETRANGE", keys.record, 0, 0), ("HKEYS", keys.tokens)], take
            )
        except Down:
            self._look_later(name)

    def _look_later(self, name: str) -> None:
        """The store cannot tell now."""
        asyncio.get_running_loop().call_later(AGAIN_S, self.look, name)

    async def rounds(self) -> None:
        """Look at everybody, again and again; run until cancelled."""
        while True:
            parties = list(self._services.hub.parties)
            share = max(1, -(-len(parties) // SLICES))
            for start in range(0, SLICES * share, share):
                await asyncio.sleep(ROUND_S / SLICES)
                if self._services.relay.others:
                    self._visit(parties[start : start + share])

    def _visit(self, names: list[str]) -> None:
        services = self._services
        by_partition: dict[int, list[str]] = {}
        for name in names:
            by_partition.setdefault(services.keyspace.partition_of(name), []).append(name)
        for partition, some in by_partition.items():
            self._flags(partition, some)

    def _flags(self, partition: int, names: list[str]) -> None:
        services = self._services

        def take(replies: list[object]) -> None:
            for name, flags in zip(names, replies, strict=True):
                if isinstance(flags, bytes) and flags and flags[0] & (CLOSED | SUSPENDED):
                    self.look(name)

        of = services.keyspace.of
        with suppress(Down):
            services.pipeline_of(partition).read_ahead(
                [("GETRANGE", of(name).record, 0, 0) for name in names], take
            )

    def _judge(self, party: Party, record: bytes, fields: set[str]) -> None:
        flags = record[0] if record else CLOSED
        for peer in party.everyone():
            if not isinstance(peer, Peer):
                continue
            if flags & CLOSED and peer in self._services.erasing.answering:
                continue  # looked at again in a moment
            if flags & CLOSED:
                peer.goodbye(Close.LOGGED_OUT, "the account was erased")
            elif flags & SUSPENDED:
                peer.goodbye(Close.SUSPENDED, "the account is suspended")
            elif peer.token_field not in fields:
                peer.goodbye(Close.LOGGED_OUT, "this device was logged out")
