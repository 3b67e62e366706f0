"""Sees that what was decided about strangers happens to their money: accepted, it becomes the
payee's; declined, blocked or unanswered for long, it goes back.

Whoever answers a request says so in one post, which the store keeps. What follows for each payment
that waits is a post of its own. If a hub ends between them, the rest is found when the payee comes
in again, or answers somebody, or by a slow walk over all offers.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import sample
from typing import TYPE_CHECKING

import structlog

from ..ledger.keys import AccountKeys
from ..ledger.offers import give_back, take
from ..ledger.pairs import half_of
from ..ledger.posts import Post
from ..ledger.waiting import Offer, parse_offer
from ..store.connection import Command, Down

if TYPE_CHECKING:
    from ..commit.pipeline import Replies
    from ..ledger.library import Commands
    from ..services import Services

OFFERS_PER_LOOK = 100
"""Payments that one look ends; the rest is for the next look. Any of them, so that those which
cannot be ended now are in nobody's way."""
ROUND_S = 3600.0
"""Pause between two walks over all offers."""
PAUSE_S = 0.02
"""Pause of a walk behind each payee: it must not fill the pipeline, which others use, too."""
KEYS_PER_STEP = 200


class Requests:
    """The money of strangers, at one hub."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._age_ms = services.settings.offer_days * 86_400_000
        self._log = structlog.get_logger("requests")

    def look(self, payee: str) -> None:
        """End the waiting of what `payee` has decided about, behind all that was posted so far."""
        keys = self._services.keyspace.of(payee)

        def found(replies: list[object]) -> None:
            if isinstance(replies[0], dict) and replies[0]:
                self._look_at(keys, replies[0])

        self._read(keys, [("HGETALL", keys.offers)], found)

    async def rounds(self) -> None:
        """Look at everybody's offers now and then, until cancelled."""
        while True:
            await asyncio.sleep(ROUND_S)
            await self.round()

    async def round(self) -> None:
        """One walk over all offers that there are."""
        for store in self._services.stores.links():
            try:
                await self._walk(store)
            except Exception as error:  # the store may be away; the next round comes
                self._log.warning("a walk over the offers broke off", error=str(error))

    async def _walk(self, store: Commands) -> None:
        cursor = 0
        while True:
            answer = await store.execute_command(
                "SCAN", cursor, "MATCH", "{p*}u:@*", "COUNT", KEYS_PER_STEP
            )
            assert isinstance(answer, list)
            cursor = int(answer[0])
            for key in answer[1]:
                self.look(key.decode().partition("u:")[2])
                await asyncio.sleep(PAUSE_S)
            if cursor == 0:
                return
            await asyncio.sleep(PAUSE_S)

    # Private.

    def _look_at(self, keys: AccountKeys, fields: dict[bytes, bytes]) -> None:
        offers = list(self._parsed(keys, fields))
        payers = sorted({offer.payer for offer in offers})
        pair = self._services.keyspace.pair
        command: Command = ("MGET", *(pair(keys.partition, keys.name, one) for one in payers))

        def judge(replies: list[object]) -> None:
            if isinstance(replies[0], list):
                halves = dict(zip(payers, replies[0], strict=True))
                self._judge(keys, offers, halves)

        if payers:
            self._read(keys, [command], judge)

    def _parsed(self, keys: AccountKeys, fields: dict[bytes, bytes]) -> list[Offer]:
        offers = []
        for field, stored in fields.items():
            try:
                offers.append(parse_offer(field, stored))
            except ValueError:
                self._log.error("an offer is damaged", payee=keys.name, offer=field)
        return offers

    def _judge(self, keys: AccountKeys, offers: list[Offer], halves: dict[str, object]) -> None:
        posts = list[Post]()
        now = self._services.store_now()
        for offer in offers:
            half = half_of(halves[offer.payer], keys.name, offer.payer)
            if half == "A":
                posts.append(take(self._services.keyspace, keys, offer))
            elif half in "BD":
                posts.append(give_back(self._services.keyspace, keys, offer))
            elif now - offer.at >= self._age_ms:
                posts.append(give_back(self._services.keyspace, keys, offer, self._age_ms))
        for post in sample(posts, min(len(posts), OFFERS_PER_LOOK)):
            self._services.pipeline_of(post.partition).post(post)

    def _read(self, keys: AccountKeys, commands: list[Command], callback: Replies) -> None:
        with suppress(Down):  # found again when the payee comes in, or by the next round
            self._services.pipeline_of(keys.partition).read(commands, callback)
