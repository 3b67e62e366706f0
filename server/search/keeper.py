"""Keeps an index open, whatever happens to its folder."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import structlog

from .claims import Claims
from .database import discard, is_damage
from .index import Index


class Keeper:
    """The index of a folder, opened again when it was deleted or is damaged."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key
        self._index: Index | None = None
        self._claims: Claims | None = None
        self._log = structlog.get_logger("search")

    @property
    def index(self) -> Index:
        """The index as it is now in the folder.

        Raises:
            OSError, sqlite3.Error: if there can be none.
        """
        if self._index is not None and not self._index.in_place:
            self._log.warning("the search index was deleted; it is made again")
            self.close()
        if self._index is None:
            self._index = Index(self._folder, self._key)
            self._claims = Claims(self._folder)
        return self._index

    @property
    def claims(self) -> Claims:
        """The claims of this worker in the same folder."""
        if self._claims is None:
            _ = self.index
        assert self._claims is not None
        return self._claims

    def failed(self, error: sqlite3.Error) -> None:
        """The index could not be used. Where it is damaged, away with it."""
        if not is_damage(error):
            self._log.warning("the search index cannot be used now", error=str(error))
            return
        self._log.error("the search index is damaged; it is made again", error=str(error))
        self.close()
        with suppress(OSError):
            discard(self._folder)

    def close(self) -> None:
        """Let go of the files."""
        if self._index is not None:
            self._index.close()
        if self._claims is not None:
            self._claims.close()
        self._index = self._claims = None
