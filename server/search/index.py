"""The index: which entries of which box hold which terms, all of it hashed.

A row's id is the number of its box and its seq in it, so that FTS5 keeps the rows of a box together
and in order. The hashes of a row stand beside it, because FTS5 must be told what to take out.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .changes import Add, Change, Remove, Reword
from .database import current, open_index, size_of, transaction
from .hashes import AUTHOR, Hashes, as_text

SEQ_BITS = 40
PORTION = 200
"""Rows that one step of tidying takes away."""
MERGE_PAGES = 200
"""Work of FTS5 in one step, in pages."""
OFF, ON, DONE = range(3)
_PUT = "INSERT INTO terms (rowid, hashes) VALUES (?, ?)"
_TAKE = "INSERT INTO terms (terms, rowid, hashes) VALUES ('delete', ?, ?)"
_ROWS = "SELECT rows.id, rows.at, rows.ref FROM"


class Place(NamedTuple):
    """Up to where a box was read. `epoch`: of which state of the box; `at`: the time there."""

    number: int
    epoch: int
    seq: int
    at: int


class Slice(NamedTuple):
    """What was read of a box behind `place` (None: it was not there), up to `seq`. `anew`: it is
    another state of the box, and read from its beginning."""

    box: str
    place: Place | None
    anew: bool
    epoch: int
    seq: int
    changes: list[Change]


class Row(NamedTuple):
    """An entry that may have been meant."""

    seq: int
    at: int
    ref: int


class Index:
    """An open index.

    Raises of all methods: `sqlite3.Error` if the file cannot be used.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self.hashes = Hashes(key)
        self._db = open_index(folder, self.hashes.number("key"))
        self._file = current(folder)
        self._count = 0
        self._counted_at = (-1, -1)

    @property
    def in_place(self) -> bool:
        """Whether this is still the index of the folder: somebody may have deleted it."""
        return self._file is not None and current(self.folder) == self._file

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # Writing.

    def place(self, box: str) -> Place | None:
        """Up to where `box` is in the index."""
        found = self._db.execute(
            "SELECT number, epoch, seq, at FROM boxes WHERE name = ?", (self._name(box),)
        ).fetchone()
        return None if found is None else Place(*found)

    def write(self, slices: Iterable[Slice]) -> int:
        """Take what was read; but not where somebody else did meanwhile. The entries taken."""
        taken = 0
        with transaction(self._db):
            for one in slices:
                if self.place(one.box) == one.place:
                    taken += self._write(one)
        return taken

    def _write(self, one: Slice) -> int:
        place = one.place
        if place is None or one.anew:
            place = self._begin(one, place)
        at = place.at
        for change in one.changes:
            if isinstance(change, Add):
                at = max(at, change.at)
                self._add(place.number << SEQ_BITS, at, change)
            else:
                self._change(change)
        self._db.execute(
            "UPDATE boxes SET seq = ?, at = ? WHERE number = ?", (one.seq, at, place.number)
        )
        return one.seq - place.seq

    def _begin(self, one: Slice, place: Place | None) -> Place:
        """Begin with a box, or anew: what was there of it is taken out later."""
        if place is not None:
            self._db.execute("INSERT INTO doomed VALUES (?)", (place.number,))
            self._db.execute("DELETE FROM boxes WHERE number = ?", (place.number,))
        values = self._name(one.box), one.epoch
        done = self._db.execute(
            "INSERT INTO boxes (name, epoch, seq, at) VALUES (?, ?, 0, 0)", values
        )
        return Place(done.lastrowid or 0, one.epoch, 0, 0)

    def _add(self, base: int, at: int, row: Add) -> None:
        id = base | row.seq
        self._db.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (id, at, row.author, row.ref, row.money, row.until, row.locked, row.filters, row.words),
        )
        self._db.execute(_PUT, (id, as_text(row.filters + row.words)))

    def _change(self, change: Reword | Remove) -> None:
        found = self._db.execute(
            "SELECT id, money, filters, words FROM rows WHERE ref = ?", (change.ref,)
        ).fetchall()
        for id, money, filters, words in found:
            if isinstance(change, Reword):
                self._reword(id, filters, words, change.words, change.locked)
            elif money:
                self._reword(id, filters, words, b"")
            else:
                self._remove(id, filters, words)

    def _reword(
        self, id: int, filters: bytes, before: bytes, words: bytes, locked: bool = False
    ) -> None:
        self._db.execute(_TAKE, (id, as_text(filters + before)))
        self._db.execute(_PUT, (id, as_text(filters + words)))
        self._db.execute("UPDATE rows SET words = ?, locked = ? WHERE id = ?", (words, locked, id))

    def _remove(self, id: int, filters: bytes, words: bytes) -> None:
        self._db.execute(_TAKE, (id, as_text(filters + words)))
        self._db.execute("DELETE FROM rows WHERE id = ?", (id,))

    # Finding.

    def rows(self, number: int, terms: bytes, below: int, count: int) -> list[Row]:
        """The newest `count` rows of the box `number` with all these terms, below the seq `below`;
        without terms all rows."""
        base = number << SEQ_BITS
        if terms:
            found = self._db.execute(
                f"{_ROWS} terms JOIN rows ON rows.id = terms.rowid WHERE terms MATCH ?"
                " AND terms.rowid > ? AND terms.rowid < ? ORDER BY terms.rowid DESC LIMIT ?",
                (as_text(terms), base, base + below, count),
            )
        else:
            found = self._db.execute(
                f"{_ROWS} rows WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?",
                (base, base + below, count),
            )
        return [Row(id - base, at, ref) for id, at, ref in found]

    def first_after(self, place: Place, at: int) -> int:
        """The first seq of a box whose time is later than `at`; times ascend in a box."""
        base = place.number << SEQ_BITS
        low, high = base + 1, base + place.seq + 1
        while low < high:
            middle = (low + high) // 2
            found = self._db.execute(
                "SELECT id, at FROM rows WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
                (middle, high),
            ).fetchone()
            if found is None or found[1] > at:
                high = middle
            else:
                low = found[0] + 1
        return low - base

    # Tidying, in portions, so that nobody waits long.

    def forget(self, author: str) -> bool:
        """Take out words of `author`: whole rows, of money only the words. Whether there may be
        more."""
        number = self.hashes.number(AUTHOR, author)
        with transaction(self._db):
            found = self._db.execute(
                "SELECT id, money, filters, words FROM rows"
                " WHERE author = ? AND NOT (money AND words = x'') LIMIT ?",
                (number, PORTION),
            ).fetchall()
            for id, money, filters, words in found:
                if money:
                    self._reword(id, filters, words, b"")
                else:
                    self._remove(id, filters, words)
            if found:
                self._db.execute("UPDATE about SET merging = 1")
        return len(found) == PORTION

    def tidy(self, now: int) -> bool:
        """Take out some of what is of no use at the time `now`. Whether there may be more."""
        with transaction(self._db):
            if self._tidy_doomed() or self._tidy_expired(now):
                return True
            merging = self._merge()
        if merging == DONE:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return merging == ON

    def _tidy_doomed(self) -> bool:
        found = self._db.execute("SELECT number FROM doomed LIMIT 1").fetchone()
        if found is None:
            return False
        base = found[0] << SEQ_BITS
        rows = self._db.execute(
            "SELECT id, filters, words FROM rows WHERE id > ? AND id < ? LIMIT ?",
            (base, base + (1 << SEQ_BITS), PORTION),
        ).fetchall()
        for row in rows:
            self._remove(*row)
        if not rows:
            self._db.execute("DELETE FROM doomed WHERE number = ?", found)
        return True

    def _tidy_expired(self, now: int) -> bool:
        rows = self._db.execute(
            "SELECT id, filters, words FROM rows WHERE until <= ? LIMIT ?", (now, PORTION)
        ).fetchall()
        for row in rows:
            self._remove(*row)
        return bool(rows)

    def _merge(self) -> int:
        """Let FTS5 write itself anew, bit by bit, after an erasure: until then it keeps what was
        taken out."""
        if not self._db.execute("SELECT merging FROM about").fetchone()[0]:
            return OFF
        before = self._db.total_changes
        self._db.execute("INSERT INTO terms (terms, rank) VALUES ('merge', ?)", (-MERGE_PAGES,))
        if self._db.total_changes - before >= 2:  # so its manual tells whether there was work
            return ON
        self._db.execute("UPDATE about SET merging = 0")
        return DONE

    # What is there.

    def locked(self, count: int) -> list[tuple[int, Row]]:
        """Some rows whose words could not be read, each with the number of its box."""
        found = self._db.execute(f"{_ROWS} rows WHERE locked ORDER BY random() LIMIT ?", (count,))
        return [(id >> SEQ_BITS, Row(id & ((1 << SEQ_BITS) - 1), at, ref)) for id, at, ref in found]

    def unlock(self, changes: Iterable[Reword]) -> None:
        """The words of some rows can be read again."""
        with transaction(self._db):
            for change in changes:
                self._change(change)

    @property
    def entries(self) -> int:
        """How many can be found. Counted again when somebody has written."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        state = version, self._db.total_changes
        if state != self._counted_at:
            (self._count,) = self._db.execute("SELECT count(*) FROM rows").fetchone()
            self._counted_at = state
        return self._count

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return size_of(self.folder)

    def _name(self, box: str) -> int:
        return self.hashes.number("box", box)
