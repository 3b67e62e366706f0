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
    ACCOUNT_CLOSED = 7
    SAME_ACCOUNT = 8
    UNKNOWN_ENTRY = 9
    FORBIDDEN = 10
    NOT_A_MEMBER = 11
    ALREADY_A_MEMBER = 12
    BANNED = 13
    NOT_INVITED = 14
    READ_ONLY = 15
    MUTED = 16
    """The detail is until when, in ms."""
    TOO_SOON = 17
    OWNER_STAYS = 18
    BLOCKED = 19
    NOT_ACCEPTED = 20
    REQUEST_PENDING = 21
    NO_REQUEST = 22
    MONEY_STAYS = 23
    SUSPENDED = 24
    ACCOUNT_FROZEN = 25
    PARTY_FROZEN = 26
    NOT_EMPTY = 27
    CURRENCY_UNKNOWN = 28
    LIMIT_EXCEEDED = 29
    BALANCE_OVERFLOW = 30
    INSUFFICIENT_FUNDS = 31
    CORRUPT = 32
    """Something stored is not what it ought to be; the post was refused before the first write."""
    RETURNED = 33
    """An arrival was refused, and its leg is on its way back; the detail is the code."""
    SUSPENSE = 34
    """What cannot be refused could not be done whole: a return's money is in `$suspense`. The
    detail is the entry's seq in the box, if it got there."""
    LANE_GAP = 35
    """A leg came before its turn, or too far ahead of the settled ones; the detail is the last that
    arrived."""
    LANE_MOVED = 36
    """The lane is not settled up to where a SETTLE said; the detail is up to where it is."""
    LANE_FORKED = 37
    """A later leg came under a number that came before: the lane's source has lost what it sent.
    Nothing happened; the detail is the last that arrived."""
    WAITING = 38
    """Done as by OK, with the same answers; but the money waits, as its payee has not accepted the
    payer."""
    ANSWERED = 39
    """Done as by OK, with the same answers; and somebody's request was decided by it."""


DONE = (Status.OK, Status.WAITING, Status.ANSWERED)
"""The post happened."""

CODE: dict[int, Code] = {
    status: Code[status.name] for status in Status if Status.DUPLICATE < status < Status.CORRUPT
}
"""The error code of each refusal that somebody who posts can meet."""
CODE[Status.CORRUPT] = Code.INTERNAL
