"""Aims posts that speak of earlier entries. Pure, as `routing`."""

from __future__ import annotations

from .keys import Keyspace
from .notes import notes_of
from .posts import Post


def note(keyspace: Keyspace, post: Post, now: int) -> None:
    """Let the boxes of `post` find it by the entry that it speaks of, and by the hour when its
    words disappear. `now`: the store's clock, in ms."""
    boxes = tuple([keyspace.of(name) for name in post.names])
    post.changes = (*post.changes, *notes_of(post.entry, boxes, now))
