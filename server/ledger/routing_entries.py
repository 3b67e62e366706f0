"""Aims posts that speak of earlier entries. Pure, as `routing`."""

from __future__ import annotations

from .keys import Keyspace
from .notes import may_note, notes_of
from .posts import Post


def note(keyspace: Keyspace, post: Post, now: int) -> None:
    """Let the boxes of `post` find it by the entry that it speaks of, and by the hour when its
    words disappear. `now`: the store's clock, in ms."""
    boxes = tuple([keyspace.of(name) for name in post.names])
    if boxes:
        post.conditions = (*post.conditions, *may_note(boxes[0], post.entry))
    post.changes = (*post.changes, *notes_of(post.entry, boxes, now))
