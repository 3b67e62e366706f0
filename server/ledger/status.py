"""What the ledger functions answer, in order of precedence, and the wire's code for each."""

from __future__ import annotations

from enum import IntEnum

from protocol.errors import Code


class Status(IntEnum):
    """Result of one post. The numbers are those of ``lua/contract.lua``; a test compares them."""

    OK = 0
    DUPLICATE = 1
    ID_REUSED = 2
    ID_TOO_OLD = 3
    NAME_TAKEN = 4
    UNKNOWN_ACCOUNT = 5
    UNKNOWN_ROOM = 6
    SAME_ACCOUNT = 7
    NOT_A_MEMBER = 8
    ALREADY_A_MEMBER = 9
    ACCOUNT_FROZEN = 10
    PARTY_FROZEN = 11
    CURRENCY_UNKNOWN = 12
    LIMIT_EXCEEDED = 13
    BALANCE_OVERFLOW = 14
    INSUFFICIENT_FUNDS = 15
    CORRUPT = 16
    """Something stored is not what it ought to be; the post was refused before the first write."""
    RETURNED = 17
    """An arrival was refused, and its leg is on its way back; the detail is the code."""
    SUSPENDED = 18
    """What cannot be refused could not be done whole: a return's money is in `$suspense`. The
    detail is the entry's seq in the box, if it got there."""
    LANE_GAP = 19
    """A leg came before its turn, or too far ahead of the settled ones; the detail is the last that
    arrived."""
    LANE_MOVED = 20
    """The lane is not settled up to where a SETTLE said; the detail is up to where it is."""
    LANE_FORKED = 21
    """A later leg came under a number that came before: the lane's source has lost what it sent.
    Nothing happened; the detail is the last that arrived."""


CODE: dict[int, Code] = {
    Status.ID_REUSED: Code.ID_REUSED,
    Status.ID_TOO_OLD: Code.ID_TOO_OLD,
    Status.NAME_TAKEN: Code.NAME_TAKEN,
    Status.UNKNOWN_ACCOUNT: Code.UNKNOWN_ACCOUNT,
    Status.UNKNOWN_ROOM: Code.UNKNOWN_ROOM,
    Status.SAME_ACCOUNT: Code.SAME_ACCOUNT,
    Status.NOT_A_MEMBER: Code.NOT_A_MEMBER,
    Status.ALREADY_A_MEMBER: Code.ALREADY_A_MEMBER,
    Status.ACCOUNT_FROZEN: Code.ACCOUNT_FROZEN,
    Status.PARTY_FROZEN: Code.PARTY_FROZEN,
    Status.CURRENCY_UNKNOWN: Code.CURRENCY_UNKNOWN,
    Status.LIMIT_EXCEEDED: Code.LIMIT_EXCEEDED,
    Status.BALANCE_OVERFLOW: Code.BALANCE_OVERFLOW,
    Status.INSUFFICIENT_FUNDS: Code.INSUFFICIENT_FUNDS,
    Status.CORRUPT: Code.INTERNAL,
}
"""The error code of each refusal that somebody who posts can meet."""
