"""Who, besides clients, posts."""

from __future__ import annotations

from ..commit.outcomes import Result
from ..ledger.posts import Post


class Origin:
    """Who posts what no client asked for, and is told what became of it."""

    def answered(self, post: Post, result: Result) -> None:
        """The store has judged a post of this origin. `go` follows."""
        raise NotImplementedError

    def failed(self, post: Post) -> None:
        """It is not known whether a post of this origin happened. `go` follows."""
        raise NotImplementedError

    def go(self) -> None:
        """Called after the last of an answer's posts."""
        raise NotImplementedError
