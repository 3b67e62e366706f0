"""A ledger of many partitions that shows itself as one, so that one suite judges both.

Each post is aimed anew, posted alone, and its legs are carried to their end before the next. What
then differs from a store with one partition is taken out of the view: lanes, `settled` entries
(and the places they take), the state `accepted`, and that `$world` is in every partition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from protocol.frames import PaymentEntry, SettledEntry
from server.ledger.entries import TIME_DIGITS, encode_entry, read_entry
from server.ledger.keys import WORLD
from server.ledger.legs import LegKind
from server.ledger.lookups import hint_of
from server.ledger.model import Value
from server.ledger.posts import Post
from server.ledger.records import Record, format_record, parse_record
from server.ledger.status import Status

from .builders import aimed_anew
from .carrier import Carrier, Outcome, leg_lanes
from .ledgers import ModelLedger, StoreLedger

Result = list[Any]


class SpreadLedger:
    """A ledger behind the view."""

    def __init__(self, ledger: StoreLedger | ModelLedger) -> None:
        self.ledger = ledger
        self.keyspace = ledger.keyspace
        self.carrier = Carrier(ledger)

    def apply(self, posts: Iterable[Post]) -> list[Any]:
        """0, which is no time, and the result of each post with all that followed from it."""
        return [0, *map(self._apply, posts)]

    def use_id(self, post: Post) -> None:
        """Let the id of `post` be used before."""
        self.ledger.use_id(aimed_anew(self.keyspace, post))

    def _apply(self, post: Post) -> Result:
        anew = aimed_anew(self.keyspace, post)
        anew.hint = hint_of(anew.lookups, [self.ledger.ask(one) for one in anew.lookups])
        _, result = self.ledger.apply([anew])
        if result[0] in (Status.DUPLICATE, Status.ID_REUSED):
            return [result[0], self._mark(result[1])]
        if result[0] != Status.OK:
            return result
        return self._whole(post, anew, result, self.carrier.carry(leg_lanes(anew)))

    def _whole(self, post: Post, anew: Post, result: Result, outcomes: list[Outcome]) -> Result:
        """The answer that one partition would have given."""
        seqs = {
            name.partition(".")[0]: seq for name, seq in zip(anew.names, result[1:], strict=False)
        }
        numbers = result[1 + len(anew.names) : len(result) - len(anew.legs)]
        for arrive, came in outcomes:
            leg = arrive.extra.leg
            if came[0] == Status.RETURNED:
                return [int(came[1])]
            if leg.kind in (LegKind.PERSON, LegKind.ROOM):
                seqs[leg.to] = came[1]
                numbers += came[2:]
        return [Status.OK, *(self._seq(name, seqs[name]) for name in post.names), *numbers]

    def _seq(self, name: str, seq: int) -> int:
        """The place that it would have in one partition."""
        entries = self.ledger.entries(self.keyspace.of(name).box)[:seq]
        return seq - sum(_is_settled(entry) for entry in entries)

    def _mark(self, mark: bytes) -> bytes:
        box = mark[52 if mark[16] else 29 :].decode()
        seq = self._seq(box, int.from_bytes(mark[17:23]))
        return mark[:16] + bytes([min(mark[16], 1)]) + seq.to_bytes(6) + mark[23:]

    def books(self, *currencies: str) -> list[list[bytes]]:
        contents = self.contents()
        world = parse_record(contents[b"{p0}a:" + WORLD.encode()])
        sheet = []
        for code in currencies:
            has = world.balances.get(code)
            total = contents.get(b"{p0}total:" + code.encode(), b"0")
            sheet.append([code.encode(), b"%d" % (has.available if has else 0), total])
        return sheet

    def dump(self) -> dict[bytes, bytes]:
        """Every key of the ledger itself."""
        return self.ledger.dump()

    def contents(self) -> dict[bytes, Value]:
        """Every key that a store with one partition would hold, with its value."""
        view: dict[bytes, Value] = {}
        for key, value in sorted(self.ledger.contents().items()):
            name = key.partition(b"}")[2]
            kind = name.partition(b":")[0]
            if kind not in (b"x", b"o", b"i"):
                one = b"{p0}" + name
                view[one] = self._merged(kind, view.get(one), value)
        return view

    def _merged(self, kind: bytes, before: Value | None, value: Value) -> Value:
        if kind == b"d" and isinstance(value, bytes):
            return self._mark(value)
        if kind == b"m" and isinstance(value, list):
            return [
                *(before or []),
                *(_settled(entry) for entry in value if not _is_settled(entry)),
            ]
        if kind == b"total" and isinstance(value, bytes):
            return b"%d" % (int(before or b"0") + int(value))
        if kind == b"a" and isinstance(before, bytes) and isinstance(value, bytes):
            return _sum(parse_record(before), parse_record(value))
        return value


def _is_settled(stored: bytes) -> bool:
    return isinstance(read_entry(stored, "", 0), SettledEntry)


def _settled(stored: bytes) -> bytes:
    """A payment that was accepted, as settled."""
    entry = read_entry(stored, "", 0)
    if not isinstance(entry, PaymentEntry) or entry.state == "settled":
        return stored
    bare = replace(entry, state="settled", at=0)
    return stored[:TIME_DIGITS] + encode_entry(bare)


def _sum(one: Record, other: Record) -> bytes:
    """The records of `$world` in two partitions, as one."""
    sums: Counter[str] = Counter()
    codes = list(dict.fromkeys([*one.balances, *other.balances]))
    for record in (one, other):
        for code, has in record.balances.items():
            sums[code] += has.available
    holding = type(next(iter([*one.balances.values(), *other.balances.values()]), None))
    balances = {code: holding(sums[code], 0) for code in codes}
    return format_record(Record(one.flags, one.version + other.version, balances))
