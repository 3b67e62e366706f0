"""An id that was used again for other content: which field differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ..ledger.entries import differing_field
from ..ledger.keys import Keyspace
from ..ledger.posts import Mark, Post
from ..store.connection import Down

if TYPE_CHECKING:
    from .pipeline import Pipeline


def find_difference(
    pipeline: Pipeline,
    keyspace: Keyspace,
    post: Post,
    mark: Mark,
    answer: Callable[[str], None],
) -> None:
    """Call `answer` with the first field in which `post` differs from what its id stands for.

    `content`, where the original is no entry or cannot be read now.
    """

    def compare(replies: list[object]) -> None:
        stored = replies[0]
        try:
            answer(differing_field(post.frame, stored) if isinstance(stored, bytes) else "content")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            answer("content")

    if mark.seq == 0:
        answer("content")
        return
    try:
        pipeline.read([("LINDEX", keyspace.of(mark.box).box, mark.seq - 1)], compare)
    except Down:
        answer("content")
