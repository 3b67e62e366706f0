"""The model's hashes and sets: what posts ask of them, and what they change. See `model`."""

from __future__ import annotations

from collections.abc import Callable

from .conditions import Change, Condition, Op, Test
from .status import Status

Result = list[int | bytes]
NOTES_MAX = 1_024
_NOTE = 6
"""Bytes of a note."""


class Refused(Exception):
    """The post does not happen; carries the result that says why."""

    def __init__(self, status: Status, *detail: bytes) -> None:
        super().__init__(status.name)
        self.result: Result = [int(status), *detail]


def check_voice(role: bytes, at: int) -> None:
    """Whether a member with this role may write at `at` ms.

    Raises:
        Refused: READ_ONLY; MUTED, with the time until when.
    """
    word, _, until = role.partition(b" ")
    if word == b"reader":
        raise Refused(Status.READ_ONLY)
    if until and int(until) > at:
        raise Refused(Status.MUTED, until)


def _first_word(value: bytes) -> str:
    return value.decode().partition(" ")[0]


def _passed(value: bytes, at: int) -> bool:
    return 0 < int(value) <= at


_HOLDS: dict[Test, Callable[[bytes | None, str, int], bool]] = {
    Test.ABSENT: lambda value, arg, at: value is None,
    Test.IS: lambda value, arg, at: value is not None and _first_word(value) in arg.split(","),
    Test.NOT: lambda value, arg, at: value is None or _first_word(value) not in arg.split(","),
    Test.PASSED: lambda value, arg, at: value is None or _passed(value, at),
    Test.AHEAD: lambda value, arg, at: value is not None and not _passed(value, at),
    Test.ABOVE: lambda value, arg, at: value is not None and int(value) > int(arg),
}


class Fields:
    """All hashes and sets of a store."""

    def __init__(self) -> None:
        self.hashes: dict[bytes, dict[bytes, bytes]] = {}
        self.sets: dict[bytes, set[bytes]] = {}

    def value(self, key: bytes, field: str) -> bytes | None:
        """What the field of a hash holds."""
        return self.hashes.get(key, {}).get(field.encode())

    def put(self, key: bytes, field: bytes, value: bytes | None) -> None:
        """Let the field hold `value`; None: not be there any more."""
        fields = self.hashes.setdefault(key, {})
        if value is None:
            fields.pop(field, None)
        else:
            fields[field] = value

    def enlist(self, key: bytes, name: bytes, *, with_it: bool) -> None:
        """Put `name` into a set, or take it out."""
        names = self.sets.setdefault(key, set())
        if with_it:
            names.add(name)
        else:
            names.discard(name)

    def check(self, conditions: tuple[Condition, ...], at: int) -> None:
        """Whether all of them hold at `at` ms.

        Raises:
            Refused: with the status of the first that does not.
        """
        forgiven = False  # one before, in a chain of which one is enough, holds
        for condition in conditions:
            value = self.value(condition.key, condition.field)
            if self._holds(condition, value, at):
                forgiven = True
            elif not (forgiven or condition.either):
                detail = []
                if condition.test == Test.PASSED and value is not None:
                    detail = [value]
                elif condition.test == Test.FEWER:
                    detail = [condition.arg.encode()]
                raise Refused(condition.status, *detail)
            forgiven = forgiven and condition.either

    def _holds(self, condition: Condition, value: bytes | None, at: int) -> bool:
        if condition.test == Test.SOME:
            return bool(self.hashes.get(condition.key))
        if condition.test == Test.FEWER:
            return len(self.hashes.get(condition.key, ())) < int(condition.arg)
        return _HOLDS[condition.test](value, condition.arg, at)

    def change(self, changes: tuple[Change, ...], seqs: list[int], at: int) -> None:
        """Make the changes of a post whose entry is at `seqs`, one for each box, since `at` ms."""
        for key, op, field, text in changes:
            name = field.encode()
            if op in (Op.ENLIST, Op.STRIKE):
                self.enlist(key, name, with_it=op == Op.ENLIST)
                continue
            before = self.value(key, field)
            self.put(key, name, _after(op, before, text, seqs, at))


def _after(op: Op, before: bytes | None, text: str, seqs: list[int], at: int) -> bytes | None:
    """What a field then holds."""
    if op == Op.PUT:
        return text.encode()
    if op == Op.DROP:
        return None
    if op == Op.ADD:
        return b"%d" % (int(before or 0) + int(text))
    if op == Op.UNTIL:
        return b"%d" % (at + int(text))
    if op == Op.HUSH:
        word = before.partition(b" ")[0] if before is not None else None
        return word if word is None or text == "0" else b"%b %d" % (word, at + int(text))
    notes = before or b""
    if len(notes) < NOTES_MAX * _NOTE:
        notes += seqs[int(text) - 1].to_bytes(_NOTE)
    return notes
