"""The model's hashes and sets: what posts ask of them, and what they change. See `model`."""

from __future__ import annotations

from collections.abc import Callable

from .conditions import Change, Condition, Op, Test
from .keys import AccountKeys
from .status import Status

Result = list[int | bytes]
NOTES_MAX = 1_024
_NOTE = 6
"""Bytes of a note, without its tag."""
_TAG = 14
_OWNER = 8
"""Bytes of a tag, and of its beginning that says whose it is."""


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
    Test.SPACE: lambda value, arg, at: _has_space(value or b"", arg),
}


class Fields:
    """All hashes and sets of a store."""

    def __init__(self) -> None:
        self.hashes: dict[bytes, dict[bytes, bytes]] = {}
        self.sets: dict[bytes, set[bytes]] = {}
        self._before: dict[bytes, dict[bytes, bytes]] = {}
        """The hashes as they were before this call."""

    def begin(self) -> None:
        """A call begins."""
        self._before = {key: dict(fields) for key, fields in self.hashes.items()}

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

    def check(
        self, conditions: tuple[Condition, ...], at: int, members: AccountKeys | None = None
    ) -> None:
        """Whether all of them hold at `at` ms. `members`: the room of the post.

        Raises:
            Refused: with the status of the first that does not.
        """
        forgiven = False  # one before, in a chain of which one is enough, holds
        for condition in conditions:
            value = self.value(condition.key, condition.field)
            if self._holds(condition, value, at, members):
                forgiven = True
            elif not (forgiven or condition.either):
                detail = []
                if condition.test == Test.PASSED and value is not None:
                    detail = [value]
                elif condition.test == Test.FEWER:
                    detail = [condition.arg.encode()]
                elif condition.test == Test.SPACE:
                    detail = [condition.arg.partition(" ")[0].encode()]
                raise Refused(condition.status, *detail)
            forgiven = forgiven and condition.either

    def _holds(
        self, condition: Condition, value: bytes | None, at: int, members: AccountKeys | None
    ) -> bool:
        if condition.test == Test.SOME:
            return bool(self.hashes.get(condition.key))
        if condition.test == Test.FEWER:
            fields = self.hashes.get(condition.key, {})
            size = len(fields) - sum(map(len, self._ended(condition.key, condition.field, at)))
            return size < int(condition.arg)
        if condition.test == Test.ROLE_OF:
            assert members is not None
            role = value and self.value(members.members, value.decode())
            return bool(role) and _first_word(role or b"") in condition.arg.split(",")
        return _HOLDS[condition.test](value, condition.arg, at)

    def change(self, changes: tuple[Change, ...], seqs: list[int], at: int) -> None:
        """Make the changes of a post whose entry is at `seqs`, one for each box, since `at` ms."""
        for key, op, field, text in changes:
            name = field.encode()
            if op in (Op.ENLIST, Op.STRIKE):
                self.enlist(key, name, with_it=op == Op.ENLIST)
                continue
            if op == Op.SWEEP:
                for one in [name for some in self._ended(key, text, at) for name in some]:
                    self.put(key, one, None)
                continue
            before = self.value(key, field)
            self.put(key, name, _after(op, before, text, seqs, at))

    def _ended(self, key: bytes, groups: str, at: int) -> list[list[bytes]]:
        """What goes from the hash: each field that has ended, and was not changed by this call,
        with those beside it. The store may pass over some where there are more than 20 fields."""
        fields = self.hashes.get(key, {}).items() & self._before.get(key, {}).items()
        letters = {group[:1]: group for group in groups.split(",")}
        return [
            [letter.encode() + field[1:] for letter in letters[field[:1].decode()]]
            for field, value in fields
            if field[:1].decode() in letters and value.isdigit() and _passed(value, at)
        ]


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
    return _with_note(before or b"", seqs[int(text[0]) - 1], text[1:].encode())


def _notes(value: bytes, tag: int) -> list[bytes]:
    size = _NOTE + tag
    return [value[at : at + size] for at in range(0, len(value), size)]


def _with_note(value: bytes, seq: int, tag: bytes) -> bytes:
    before = _notes(value, len(tag))
    notes = [one for one in before if not tag or one[_NOTE:] != tag]
    if len(notes) == NOTES_MAX:
        return value
    return b"".join(notes) + seq.to_bytes(_NOTE) + tag


def _has_space(value: bytes, arg: str) -> bool:
    most, _, tag = arg.partition(" ")
    tags = [one[_NOTE:].decode() for one in _notes(value, _TAG)]
    of_owner = [one for one in tags if one[:_OWNER] == tag[:_OWNER]]
    return tag in tags or len(of_owner) < int(most)
