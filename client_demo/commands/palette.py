"""The command palette: every row of the table."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from .synonyms import is_other_name
from .table import GROUPS, Row

_CALLED_SO = 100
"""How well a command fits that others call like the query: better than a mere likeness."""


class Commands(Provider):
    """Finds commands by name and by what they are for. Choosing one calls the app's `choose`."""

    async def discover(self) -> Hits:
        """All of them, in the order of the table."""
        for rows in GROUPS.values():
            for row in rows:
                yield DiscoveryHit(Text(row.usage), self._choose(row), help=row.help)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for group, rows in GROUPS.items():
            for row in rows:
                score = matcher.match(f"{row.name} {row.help} {group}")
                score = max(score, _CALLED_SO * is_other_name(query, row.name))
                if score > 0:
                    yield Hit(score, Text(row.usage), self._choose(row), help=row.help)

    def _choose(self, row: Row) -> partial[None]:
        choose = getattr(self.app, "choose")  # noqa: B009  the app is of a module that imports this
        return partial(choose, row)
