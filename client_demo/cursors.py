"""Which entries of which box were seen: duplicates are dropped, gaps become visible."""

from __future__ import annotations

from .events import Frame

PAGE_MAX = 200
"""Most entries that the hub puts on one page of history."""


class Cursors:
    """Per box the last `seq` up to which everything was seen, and what was seen beyond it."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._beyond: dict[str, set[int]] = {}
        self._left_out: dict[str, int] = {}
        self._epochs: dict[str, int] = {}
        self._away: set[str] = set()
        """Boxes that the last welcome lacked: left elsewhere, or away for a while. If they come
        back, the resume goes on where it was."""

    def seen(self) -> dict[str, int]:
        """The cursors to resume from."""
        return dict(self._seen)

    def knows(self, box: str) -> bool:
        """Whether the box is one that we follow."""
        return box in self._seen and box not in self._away

    def see(self, box: str, seq: int) -> bool:
        """Note an entry; false if it was seen before. A box not known yet starts here, and so
        does one that was away and came back without a welcome: we joined it anew."""
        if box in self._away:
            self.forget(box)
        last = self._seen.setdefault(box, seq - 1)
        beyond = self._beyond.setdefault(box, set())
        if seq <= last or seq in beyond:
            return False
        beyond.add(seq)
        self._close_up(box)
        return True

    def gap(self, box: str) -> tuple[int, int] | None:
        """The newest missing part as the `before` and `limit` of a `history`, if any is missing."""
        before = self._gap_end(box)
        if before is None:
            return None
        return before, min(before - self._seen[box] - 1, PAGE_MAX)

    def give_up(self, box: str) -> None:
        """The hub has nothing for the gap: go on from what was seen beyond it."""
        before = self._gap_end(box)
        if before:
            self._seen[box] = before - 1
            self._close_up(box)

    def forget(self, box: str) -> None:
        """Follow a box no longer."""
        for table in (self._seen, self._beyond, self._left_out, self._epochs):
            table.pop(box, None)
        self._away.discard(box)

    def welcome(self, boxes: Frame) -> list[str]:
        """Adopt the boxes of a `welcome`; returns those that were restored from a backup.

        A box seen for the first time starts at its end. One whose gap was too long for the hub
        (`limited`) has its part below `first` missing until it is filled.
        """
        self._away = set(self._seen) - set(boxes)
        reset = [box for box, state in boxes.items() if self._restored(box, state["epoch"])]
        for box in reset:
            self.forget(box)
        for box, state in boxes.items():
            self._epochs[box] = state["epoch"]
            self._seen.setdefault(box, state["seq"])
            self._beyond.setdefault(box, set())
            if state.get("limited"):
                self._left_out[box] = state.get("first", state["seq"] + 1)
                self._close_up(box)
        return reset

    def _restored(self, box: str, epoch: int) -> bool:
        return self._epochs.get(box, epoch) != epoch

    def _gap_end(self, box: str) -> int | None:
        """The lowest `seq` above the missing part."""
        ends = set(self._beyond.get(box, ()))
        if box in self._left_out:
            ends.add(self._left_out[box])
        return min(ends, default=None)

    def _close_up(self, box: str) -> None:
        last, beyond = self._seen[box], self._beyond[box]
        while last + 1 in beyond:
            last += 1
            beyond.remove(last)
        self._seen[box] = last
        if self._left_out.get(box, last + 2) <= last + 1:
            del self._left_out[box]
