"""Stands for an account that has no connection to this hub, so that the hub can post for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from protocol.codec import MSGPACK
from protocol.frames import HubFrame

from ..ledger.keys import AccountKeys
from ..peer import NO_SEAL, Peer

if TYPE_CHECKING:
    from ..services import Services


class Envoy(Peer):
    """Gives a handler one frame of the account, and holds the one answer."""

    __slots__ = ("answer",)

    def __init__(self, services: Services, keys: AccountKeys) -> None:
        self._services = services
        self.handle = keys.name
        self.keys = keys
        self.party = None
        self.seal = NO_SEAL
        self.codec = MSGPACK
        self.answer: asyncio.Future[HubFrame] = asyncio.get_running_loop().create_future()

    def send(self, frame: HubFrame) -> None:
        """The answer has come."""
        if not self.answer.done():
            self.answer.set_result(frame)

    @property
    def gone(self) -> bool:
        """Somebody waits."""
        return False
