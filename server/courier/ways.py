"""What the lanes of a courier work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..commit.durability import Promise
from ..commit.pipeline import Pipeline
from ..ledger.keys import Keyspace
from ..store.connection import Channel
from .ends import End, Near, Place


@dataclass(frozen=True)
class Ways:
    """The store's partitions, as a courier reaches them."""

    keyspace: Keyspace
    pipeline_of: Callable[[int], Pipeline]
    """Takes posts to a partition."""
    channel: Callable[[int], Channel]
    """Reads records and outboxes there."""
    promise: Promise
    asks: bool
    """Whether strangers must be accepted."""
    abroad: Callable[[int, str], End] | None = None
    """The end, in another region, of the lane from a partition; None: there is one region only."""

    def end(self, source: int, dest: Place) -> End:
        """The end of the lane from partition `source` to `dest`."""
        if isinstance(dest, int):
            return Near(self, source, dest)
        assert self.abroad is not None
        return self.abroad(source, dest)
