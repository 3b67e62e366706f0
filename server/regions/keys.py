"""Keys of accounts of other regions: asked of their home when somebody here reads their words.

They are kept in memory only, for an hour at most, so that an erasure there is one here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..seal.seals import Seals
from .directory import Directory
from .frames import Keys, KeysTold, Reply
from .link import Link, Unreachable

if TYPE_CHECKING:
    from .world import World

NAMES_MAX = 1_000
"""Accounts that one question names."""


class FarKeys:
    """Asks the other regions for keys, and answers for ours."""

    def __init__(self, seals: Seals, world: World) -> None:
        self._seals = seals
        self._own = world.own
        self._links: dict[str, Link] = world.links
        self._directory: Directory = world.directory
        world.answers[Keys] = self.answer
        seals.ask_far = self.ask

    async def ask(self, names: list[str]) -> Mapping[str, bytes]:
        """The keys of those of these accounts that live in other regions which can be reached."""
        by_region: dict[str, list[str]] = {}
        homes = await asyncio.gather(*(self._home(name) for name in names))
        for name, home in zip(names, homes, strict=True):
            if home not in ("", self._own):
                by_region.setdefault(home, []).append(name)
        questions = [
            self._ask(self._links[region], some[start : start + NAMES_MAX])
            for region, some in by_region.items()
            for start in range(0, len(some), NAMES_MAX)
        ]
        found: dict[str, bytes] = {}
        for keys in await asyncio.gather(*questions):
            found.update(keys)
        return found

    async def answer(self, region: str, asked: Keys) -> KeysTold:
        """The keys of accounts of this region.

        Raises:
            KeysError: they cannot be had now; the link says that it could not tell.
        """
        del region
        return KeysTold(dict(await self._seals.keys.find(asked.names[:NAMES_MAX])))

    # Private.

    async def _home(self, name: str) -> str:
        try:
            return await self._directory.find(name) if name[:1] == "@" else ""
        except Unreachable:
            return ""

    async def _ask(self, link: Link, names: list[str]) -> Mapping[str, bytes]:
        try:
            reply: Reply = await link.ask(Keys(names))
        except Unreachable:
            return {}
        return reply.keys if isinstance(reply, KeysTold) else {}
