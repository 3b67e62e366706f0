"""The index's file: what it takes, what it gives, what it forgets, and that it holds no words."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from protocol.frames import (
    DeleteEntry,
    EditEntry,
    Entry,
    ForwardEntry,
    MessageEntry,
    PaymentEntry,
    Ref,
)
from server.search.changes import changes_of
from server.search.claims import Claims
from server.search.database import FILE
from server.search.index import PORTION, Index, Place, Slice
from server.search.keeper import Keeper

KEY = b"k" * 32
BOX = "@bob"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "search", KEY)


def said(seq: int, text: str, by: str = "@alice", **fields: object) -> MessageEntry:
    return MessageEntry(f"m{seq}", by, BOX, text, box=BOX, seq=seq, at=1_000 + seq, **fields)  # type: ignore[arg-type]


def write(index: Index, *entries: Entry, box: str = BOX, epoch: int = 1, anew: bool = False) -> int:
    last = max(one.seq for one in entries)  # type: ignore[attr-defined]
    changes = list(changes_of(entries, index.hashes, box))
    return index.write([Slice(box, index.place(box), anew, epoch, last, changes)])


def place(index: Index, box: str = BOX) -> Place:
    found = index.place(box)
    assert found is not None
    return found


def found(index: Index, *keys: str, box: str = BOX, below: int = 1 << 39) -> list[int]:
    terms = index.hashes.of(box).all(list(keys))
    return [row.seq for row in index.rows(place(index, box).number, terms, below, 100)]


def everything(index: Index) -> bytes:
    return b"".join(one.read_bytes() for one in index.folder.iterdir())


def tidy(index: Index, now: int = 0) -> None:
    while index.tidy(now):
        pass


def kept(index: Index) -> int:
    """Bytes that FTS5 keeps."""
    total: int = index._db.execute("SELECT sum(length(block)) FROM terms_data").fetchone()[0]
    return total


def test_newest_first_and_all_words(index: Index) -> None:
    write(index, said(1, "red fish"), said(2, "blue fish"), said(3, "red dog"))
    assert found(index, "wfish") == [2, 1]
    assert found(index, "wfish", "wred") == [1]
    assert found(index, "pfis") == [2, 1]
    assert found(index) == [3, 2, 1]
    assert found(index, "wfish", below=2) == [1]


def test_a_box_has_its_own_words(index: Index) -> None:
    write(index, said(1, "secret"))
    write(index, said(1, "other"), box="@carol")
    assert found(index, "wsecret", box="@carol") == []
    assert index.hashes.of("@bob").term("wsecret") != index.hashes.of("@carol").term("wsecret")


WORDS = st.sets(st.sampled_from(["red", "blue", "green"]), max_size=2)
STEPS = st.one_of(
    st.tuples(st.just("say"), WORDS, st.just(0)),
    st.tuples(st.just("pay"), WORDS, st.just(0)),
    st.tuples(st.just("edit"), WORDS, st.integers(0, 9)),
    st.tuples(st.just("delete"), st.just(set()), st.integers(0, 9)),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(STEPS, st.booleans()), min_size=1, max_size=15), st.booleans())
def test_any_history_however_it_is_cut(steps: list[Any], last: bool) -> None:
    """The index has what somebody would find who reads the whole box."""
    with TemporaryDirectory() as folder:
        index, model = Index(Path(folder), KEY), dict[int, tuple[str, set[str]]]()
        piece: list[Entry] = []
        for seq, ((kind, words, target), cut) in enumerate(steps, 1):
            piece.append(_entry(kind, seq, words, target))
            if kind in ("say", "pay"):
                model[seq] = kind, words
            elif model.get(target, ("",))[0] == "say":
                if kind == "edit":
                    model[target] = "say", words
                else:
                    del model[target]
            if cut or seq == len(steps):
                write(index, *piece)
                piece = []
        if last:
            tidy(index)
        for word in ("red", "blue", "green"):
            having = [seq for seq in sorted(model, reverse=True) if word in model[seq][1]]
            assert found(index, f"w{word}") == having
        assert found(index) == sorted(model, reverse=True)
        index.close()


def _entry(kind: str, seq: int, words: set[str], target: int) -> Entry:
    text, ref = " ".join(sorted(words)), Ref("@alice", f"m{target}")
    if kind == "say":
        return said(seq, text)
    if kind == "pay":
        return PaymentEntry(f"p{seq}", "@alice", BOX, 5, "USD", text=text, seq=seq, at=seq)
    if kind == "edit":
        return EditEntry(f"e{seq}", "@alice", BOX, ref, text, seq=seq)
    return DeleteEntry(f"d{seq}", "@alice", BOX, ref, seq=seq)


def test_filters(index: Index) -> None:
    paid = PaymentEntry("p", "@alice", BOX, 5, "USD", box=BOX, seq=2, at=1_002)
    write(index, said(1, "hi", by="@carol"), paid, said(3, "to carol", by=BOX))
    assert found(index, "f@alice") == [2]
    assert found(index, "$") == [2]
    assert found(index, "t@carol") == [1]
    assert found(index, "t@alice") == [2]


def test_an_edit_has_the_new_words(index: Index) -> None:
    write(index, said(1, "old words"), said(2, "others"))
    write(index, EditEntry("e", "@alice", BOX, Ref("@alice", "m1"), "new", box=BOX, seq=3))
    assert found(index, "wold") == []
    assert found(index, "wnew") == [1]
    assert found(index, "f@alice") == [2, 1]


def test_only_ones_own_words_are_edited(index: Index) -> None:
    write(index, said(1, "old"), EditEntry("e", "@eve", BOX, Ref("@alice", "m1"), "x", seq=2))
    assert found(index, "wold") == [1]


@pytest.mark.parametrize("together", [True, False])
def test_a_deletion_takes_the_row(index: Index, together: bool) -> None:
    gone = DeleteEntry("d", "@alice", BOX, Ref("@alice", "m1"), seq=2)
    if together:
        write(index, said(1, "words"), gone)
    else:
        write(index, said(1, "words"))
        write(index, gone)
    assert found(index) == found(index, "wwords") == []


def test_money_stays_without_its_words(index: Index) -> None:
    paid = PaymentEntry("p", "@alice", BOX, 5, "USD", text="rent", box=BOX, seq=1, at=1)
    note = DeleteEntry("d", "@alice", BOX, Ref("@alice", "p"), seq=2, note=True)
    write(index, paid, note)
    assert found(index, "wrent") == []
    assert found(index, "$") == [1]


def test_what_disappears_is_taken_out(index: Index) -> None:
    write(index, said(1, "soon", expires_s=1), said(2, "stays"))
    tidy(index, now=2_000)
    assert found(index) == [2, 1]
    tidy(index, now=2_001)
    assert found(index) == [2]


def test_what_is_gone_is_not_taken_in(index: Index) -> None:
    write(
        index, said(1, "", gone="erased"), said(2, "", gone="deleted"), said(3, "", gone="locked")
    )
    assert found(index) == [3]


def test_locked_words_come_later(index: Index) -> None:
    write(index, said(1, "", gone="locked"), said(2, "open"))
    ((number, row),) = index.locked(10)
    assert (number, row.seq) == (place(index).number, 1)


def test_an_author_is_forgotten(index: Index) -> None:
    many = [said(seq, f"word{seq}") for seq in range(1, PORTION + 10)]
    size = len(many)
    paid = PaymentEntry("p", "@alice", BOX, 5, "USD", text="rent", box=BOX, seq=size + 1, at=9_999)
    mine = said(size + 2, "mine", by=BOX)
    carried = ForwardEntry("f", BOX, BOX, Ref("@alice", "m1"), "word1", box=BOX, seq=size + 3)
    write(index, *many, paid, mine, carried)
    before = kept(index)
    while index.forget("@alice"):
        pass
    assert found(index) == [size + 2, size + 1]
    assert found(index, "wrent") == found(index, "wword1") == []
    tidy(index)
    assert kept(index) < before / 10  # FTS5 itself has let go of it
    log = index.folder / f"{FILE}-wal"
    assert log.stat().st_size == 0


def test_nothing_readable_is_in_the_folder(index: Index) -> None:
    write(index, said(1, "verysecretword 東京タワー"), said(2, "verysecretword again"))
    raw = everything(index)
    for text in ("verysecretword", "verysec", "again", "東京", BOX, BOX[1:], "@alice", "alice"):
        assert text.encode() not in raw
        assert text.encode().hex().encode() not in raw
    for path in index.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0
    assert index.folder.stat().st_mode & 0o077 == 0


def test_times_ascend_in_a_box(index: Index) -> None:
    at = [5, 9, 7, 20]  # a clock went back
    write(index, *(MessageEntry(f"m{n}", "@a", BOX, "x", seq=n, at=t) for n, t in enumerate(at, 1)))
    rows = index.rows(place(index).number, b"", 99, 10)
    assert [row.at for row in rows] == [20, 9, 9, 5]
    for time, first in ((4, 1), (5, 2), (8, 2), (9, 4), (19, 4), (20, 5), (99, 5)):
        assert index.first_after(place(index), time) == first


def test_two_writers_take_nothing_twice(tmp_path: Path) -> None:
    one, other = Index(tmp_path, KEY), Index(tmp_path, KEY)
    before = one.place(BOX)
    changes = list(changes_of([said(1, "hello")], one.hashes, BOX))
    piece = Slice(BOX, before, False, 1, 1, changes)
    assert one.write([piece]) == 1
    assert other.write([piece]) == 0
    assert found(other, "whello") == [1]


def test_another_state_of_a_box_begins_anew(index: Index) -> None:
    write(index, *(said(seq, "before") for seq in range(1, PORTION + 9)))
    write(index, said(1, "after"), epoch=2, anew=True)
    assert found(index, "wbefore") == []
    assert found(index, "wafter") == [1]
    tidy(index)
    assert index.entries == 1
    assert index._db.execute("SELECT count(*) FROM doomed").fetchone() == (0,)


def test_another_key_throws_the_index_away(tmp_path: Path) -> None:
    first = Index(tmp_path, KEY)
    write(first, said(1, "hello"))
    second = Index(tmp_path, b"o" * 32)
    assert second.place(BOX) is None
    assert not first.in_place


def test_another_version_throws_the_index_away(tmp_path: Path, monkeypatch: object) -> None:
    write(Index(tmp_path, KEY), said(1, "hello"))
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE about SET version = 0")
    assert Index(tmp_path, KEY).place(BOX) is None


@pytest.mark.parametrize("what", ["head", "page", "terms"])
def test_a_damaged_index_is_made_again(tmp_path: Path, what: str) -> None:
    """What does not open is seen at once, all else the first time after the machine was started."""
    first = Index(tmp_path, KEY)
    write(first, *(said(seq, f"hello {seq}") for seq in range(1, 200)))
    if what == "terms":
        first._db.execute("UPDATE terms_data SET block = randomblob(length(block)) WHERE id > 10")
    if what != "head":
        first._db.execute("UPDATE about SET boot = 'another'")
    first.close()
    if what != "terms":
        raw = bytearray((tmp_path / FILE).read_bytes())
        start = 0 if what == "head" else len(raw) // 2
        raw[start : start + 8192] = os.urandom(8192)
        (tmp_path / FILE).write_bytes(raw)
    assert Index(tmp_path, KEY).place(BOX) is None


def test_an_index_in_use_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Index(tmp_path, KEY)
    write(first, said(1, "hello"))
    monkeypatch.setattr("server.search.database.BUSY_S", 0.05)
    first._db.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Index(tmp_path, KEY)
    first._db.execute("COMMIT")
    assert first.in_place
    assert found(Index(tmp_path, KEY), "whello") == [1]


def test_an_index_that_was_emptied_is_damaged(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, KEY)
    write(keeper.index, said(1, "hello"))
    keeper.index._db.execute("DROP TABLE boxes")
    with pytest.raises(sqlite3.Error) as raised:
        keeper.index.place(BOX)
    keeper.failed(raised.value)
    assert keeper.index.place(BOX) is None
    keeper.failed(sqlite3.ProgrammingError("Cannot operate on a closed database."))
    write(keeper.index, said(1, "hello"))
    assert found(keeper.index, "whello") == [1]


def test_the_same_index_after_the_machine_was_started(tmp_path: Path) -> None:
    first = Index(tmp_path, KEY)
    write(first, said(1, "hello"))
    first._db.execute("UPDATE about SET boot = 'another'")
    first.close()
    assert found(Index(tmp_path, KEY), "whello") == [1]


def test_a_deleted_folder_is_noticed(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "search", KEY)
    write(keeper.index, said(1, "hello"))
    for path in (tmp_path / "search").iterdir():
        path.unlink()
    (tmp_path / "search").rmdir()
    assert keeper.index.place(BOX) is None
    with keeper.claims.claim([BOX]) as mine:
        assert mine == [BOX]


def test_one_box_is_claimed_once(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.claim(["@a", "@b"]) as mine, claims.claim(["@b", "@c"]) as second:
        assert mine == ["@a", "@b"]
        assert second == ["@c"]
        pid = os.fork()  # locks are those of a process
        if not pid:
            with Claims(tmp_path).claim(["@a", "@d"]) as others:
                os._exit(others == ["@d"])
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 1
    with claims.claim(["@b"]) as again:
        assert again == ["@b"]


def test_unset_is_no_text(index: Index) -> None:
    assert PaymentEntry("p", "@a", "@b", 1, "USD").text is UNSET
    write(index, PaymentEntry("p", "@a", BOX, 1, "USD", box=BOX, seq=1, at=1))
    assert found(index) == [1]
