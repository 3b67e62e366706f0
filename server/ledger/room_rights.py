"""What must hold for somebody to do something in a room, as conditions of a post.

A room always has one owner while anybody is in it. Owners stand above admins, those above members
and readers; nobody may touch who stands beside or above them.
"""

from __future__ import annotations

from .conditions import Change, Condition, Op, Test
from .keys import AccountKeys
from .status import Status

RULES_MAX = 20_000
"""Most fields of a room's rules that invitations and requests may fill: who is banned, invited or
asks, and links. About 2 MB."""
LEADERS = "owner,admin"
RULES_END = "b,v,xuk"
"""Fields of a room's rules that end by themselves (see `Op.SWEEP`): bans, invitations, and links
with their uses and makers. Those of its pace all do."""
PACE_ENDS = "@"
_CLOSED_TO_ALL = "private,ask"


def leads(room: AccountKeys, who: str) -> Condition:
    """`who` is owner or admin of `room`: what commands there, pins and mentions of all need."""
    return Condition(room.members, Test.IS, who, LEADERS, Status.FORBIDDEN)


def above(room: AccountKeys, who: str, other: str) -> tuple[Condition, ...]:
    """`who` leads `room` and stands above `other`, who may be no member."""
    return (
        leads(room, who),
        Condition(room.members, Test.NOT, other, "owner", Status.FORBIDDEN),
        Condition(room.members, Test.IS, who, "owner", Status.FORBIDDEN, either=True),
        Condition(room.members, Test.NOT, other, "admin", Status.FORBIDDEN),
    )


def owns(room: AccountKeys, who: str, other: str) -> tuple[Condition, ...]:
    """`who` owns `room`, and `other` is somebody else."""
    return (
        Condition(room.members, Test.IS, who, "owner", Status.FORBIDDEN),
        Condition(room.members, Test.NOT, other, "owner", Status.FORBIDDEN),
    )


def is_in(room: AccountKeys, who: str) -> Condition:
    """`who` is a member of `room`."""
    every = "owner,admin,member,reader"
    return Condition(room.members, Test.IS, who, every, Status.NOT_A_MEMBER)


def is_not_in(room: AccountKeys, who: str) -> Condition:
    """`who` is no member of `room`."""
    return Condition(room.members, Test.ABSENT, who, "", Status.ALREADY_A_MEMBER)


def not_banned(room: AccountKeys, who: str) -> Condition:
    """`who` may come back to `room`. What a ban is until is the detail; 0: for good."""
    return Condition(room.rules, Test.PASSED, f"b:{who}", "", Status.BANNED)


def lives_on(room: AccountKeys) -> Condition:
    """Somebody is in `room`. It is closed for good once its last member has left."""
    return Condition(room.members, Test.SOME, "", "", Status.UNKNOWN_ROOM)


def may_come(room: AccountKeys, who: str) -> tuple[Condition, ...]:
    """`room` is open to everybody, or `who` was invited."""
    return (
        Condition(room.profile, Test.NOT, "access", _CLOSED_TO_ALL, Status.NOT_INVITED, True),
        Condition(room.rules, Test.AHEAD, f"v:{who}", "", Status.NOT_INVITED),
    )


def knows(room: AccountKeys, code: str) -> tuple[Condition, ...]:
    """The invitation by `code` holds and has uses left, and who made it may still make one."""
    return (
        Condition(room.rules, Test.AHEAD, f"x:{code}", "", Status.NOT_INVITED),
        Condition(room.rules, Test.ABOVE, f"u:{code}", "0", Status.NOT_INVITED),
        Condition(room.rules, Test.ROLE_OF, f"k:{code}", LEADERS, Status.NOT_INVITED),
    )


def may_ask(room: AccountKeys, who: str) -> tuple[Condition, ...]:
    """Admins of `room` decide who comes in, and `who` does not ask already."""
    return (
        Condition(room.profile, Test.IS, "access", "ask", Status.NOT_INVITED),
        Condition(room.rules, Test.ABSENT, f"a:{who}", "", Status.REQUEST_PENDING),
        has_space(room),
    )


def asks(room: AccountKeys, who: str) -> Condition:
    """`who` asks to come into `room`."""
    return Condition(room.rules, Test.ABOVE, f"a:{who}", "0", Status.NO_REQUEST)


def may_invite(room: AccountKeys, who: str) -> tuple[Condition, ...]:
    """`room` is open to everybody, so that every member may bring others, or `who` leads it."""
    return (
        Condition(room.profile, Test.NOT, "access", _CLOSED_TO_ALL, Status.FORBIDDEN, True),
        leads(room, who),
    )


def not_invited(room: AccountKeys, who: str) -> Condition:
    """No invitation waits for `who`: nobody's box is filled with them."""
    return Condition(room.rules, Test.PASSED, f"v:{who}", "", Status.REQUEST_PENDING)


def has_space(room: AccountKeys) -> Condition:
    """The rules of `room` have not grown beyond all measure; what has ended does not count."""
    return Condition(room.rules, Test.FEWER, RULES_END, str(RULES_MAX), Status.LIMIT_EXCEEDED)


def without_ended(room: AccountKeys) -> Change:
    """What has ended in the rules of `room` goes: it comes with every post that adds to them."""
    return Change(room.rules, Op.SWEEP, "", RULES_END)


def may_leave(room: AccountKeys, who: str) -> tuple[Condition, ...]:
    """`who` does not own `room`, or is alone there."""
    return (
        Condition(room.members, Test.NOT, who, "owner", Status.OWNER_STAYS, True),
        Condition(room.members, Test.FEWER, "", "2", Status.OWNER_STAYS),
    )


def may_write_now(room: AccountKeys, who: str) -> tuple[Condition, ...]:
    """`who` leads `room`, or has not written for as long as a slow room asks."""
    return (
        Condition(room.members, Test.IS, who, LEADERS, Status.TOO_SOON, True),
        Condition(room.pace, Test.PASSED, who, "", Status.TOO_SOON),
    )


def wrote_now(room: AccountKeys, who: str, slow_s: int) -> tuple[Change, ...]:
    """`who` may write into `room` again in `slow_s` seconds; whose time has come takes no place."""
    return (
        Change(room.pace, Op.SWEEP, "", PACE_ENDS),
        Change(room.pace, Op.UNTIL, who, str(slow_s * 1000)),
    )
