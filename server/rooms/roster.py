"""Who is in a room and what they are there, as far as its entries tell: pure.

The store has the truth. A hub that serves a room reads it once, when somebody asks, and keeps it
by the entries that it tells anyway, so that a page of a room of 10,000 costs no more than one of
ten.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from sys import intern
from typing import NamedTuple, cast

from protocol.frames import (
    AcceptEntry,
    BanEntry,
    CreateEntry,
    Entry,
    JoinEntry,
    KickEntry,
    LeaveEntry,
    Member,
    MuteEntry,
    RoleEntry,
    RoleName,
    TopicEntry,
)

OF_ROOMS = frozenset(
    (
        *(AcceptEntry, BanEntry, CreateEntry, JoinEntry, KickEntry, LeaveEntry),
        *(MuteEntry, RoleEntry, TopicEntry),
    )
)
"""Entries that change who is in a room, what they may, or its pace."""


def comer(entry: Entry) -> str:
    """Who is a member of the room by this entry; nobody: ``""``."""
    if isinstance(entry, CreateEntry):
        return entry.from_
    if isinstance(entry, JoinEntry):
        return "" if entry.asks else entry.from_
    return entry.who if isinstance(entry, AcceptEntry) else ""


def goer(entry: Entry) -> str:
    """Who is no member of the room any more by this entry; nobody: ``""``."""
    if isinstance(entry, LeaveEntry):
        return entry.from_
    if isinstance(entry, KickEntry) or (isinstance(entry, BanEntry) and not entry.remove):
        return entry.who
    return ""


class _Place(NamedTuple):
    role: str
    muted: int
    """Up to when they may only read, in ms; 0: not."""


_PLAIN = {role: _Place(role, 0) for role in ("owner", "admin", "member", "reader")}
"""Shared by all that have them."""


class Roster:
    """The members of one room."""

    __slots__ = ("_names", "_places")

    def __init__(self, stored: Mapping[bytes, bytes]) -> None:
        """Take them as the store has them: role words by name.

        Raises:
            ValueError: if one is damaged.
        """
        self._places = {intern(name.decode()): _place(word) for name, word in stored.items()}
        self._names = sorted(self._places)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, who: str) -> bool:
        return who in self._places

    def page(self, after: str, limit: int, now: int) -> tuple[list[Member], bool]:
        """So many members behind `after`, by name, and whether there are more. `now`: in ms."""
        first = bisect_right(self._names, after)
        names = self._names[first : first + limit]
        return [self._member(name, now) for name in names], first + limit < len(self._names)

    def take(self, entry: Entry, at: int) -> None:
        """An entry of the room, stored at `at` ms. The same one again, or one that was read with
        the rest, changes nothing once those behind it were taken, too."""
        if who := comer(entry):
            self._put(who, _PLAIN["owner" if isinstance(entry, CreateEntry) else "member"])
        elif who := goer(entry):
            self._drop(who)
        elif isinstance(entry, RoleEntry):
            self._put(entry.who, _PLAIN[entry.role])
            if entry.role == "owner":
                self._put(entry.from_, _PLAIN["admin"])
        elif isinstance(entry, MuteEntry) and entry.who in self._places:
            place = _PLAIN[self._places[entry.who].role]
            if not entry.remove and isinstance(entry.for_s, int):
                place = _Place(place.role, at + entry.for_s * 1000)
            self._put(entry.who, place)

    def _member(self, name: str, now: int) -> Member:
        place = self._places[name]
        role = cast(RoleName, place.role)
        return Member(name, role, place.muted) if place.muted > now else Member(name, role)

    def _put(self, who: str, place: _Place) -> None:
        if who not in self._places:
            insort(self._names, who)
        self._places[who] = place

    def _drop(self, who: str) -> None:
        if self._places.pop(who, None) is not None:
            del self._names[bisect_left(self._names, who)]


def _place(stored: bytes) -> _Place:
    role, _, muted = stored.decode().partition(" ")
    if role not in _PLAIN:
        raise ValueError(f"{role[:20]!r} is no role")
    return _Place(role, int(muted)) if muted else _PLAIN[role]
