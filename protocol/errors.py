"""Error codes in order of precedence, and close codes.

There are two kinds of failure (the idea is centrifuge's): an `error` frame answers one frame and
the connection lives; a close ends the connection, and the range of its code says whether to
reconnect. An error always means that nothing happened, except `outcome_unknown`, which says that
the hub cannot tell: ask again with the same id.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Retry(StrEnum):
    """What a client may do with a refused frame."""

    SAME_ID = "same_id"
    """Send the same frame again, unchanged; it can still succeed."""
    NEW_ID = "new_id"
    """This frame is settled as refused; a new attempt is a new frame with a new id."""
    NEVER = "never"
    """The frame itself is wrong; sending it again cannot help."""


class Code(StrEnum):
    """Every error code, declared in order of precedence: the first that applies is the answer.

    The duplicate check stands before everything that can change with time, so that a frame sent
    again is answered as the original was. `insufficient_funds` is last.
    """

    # form
    MALFORMED = "malformed"
    UNKNOWN_TYPE = "unknown_type"
    ID_INVALID = "id_invalid"
    NAME_INVALID = "name_invalid"
    TEXT_INVALID = "text_invalid"
    AMOUNT_INVALID = "amount_invalid"
    PASSWORD_INVALID = "password_invalid"
    # authentication
    UNAUTHENTICATED = "unauthenticated"
    ALREADY_AUTHENTICATED = "already_authenticated"
    LOGIN_FAILED = "login_failed"
    TOKEN_INVALID = "token_invalid"
    # duplicate
    ID_REUSED = "id_reused"
    ID_TOO_OLD = "id_too_old"
    # parties
    NAME_TAKEN = "name_taken"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_ROOM = "unknown_room"
    ACCOUNT_CLOSED = "account_closed"
    SAME_ACCOUNT = "same_account"
    UNKNOWN_ENTRY = "unknown_entry"
    UNKNOWN_DEVICE = "unknown_device"
    # rights
    FORBIDDEN = "forbidden"
    NOT_A_MEMBER = "not_a_member"
    ALREADY_A_MEMBER = "already_a_member"
    BANNED = "banned"
    NOT_INVITED = "not_invited"
    READ_ONLY = "read_only"
    MUTED = "muted"
    TOO_SOON = "too_soon"
    OWNER_STAYS = "owner_stays"
    BLOCKED = "blocked"
    NOT_ACCEPTED = "not_accepted"
    REQUEST_PENDING = "request_pending"
    NO_REQUEST = "no_request"
    MONEY_STAYS = "money_stays"
    # suspended, frozen
    SUSPENDED = "suspended"
    ACCOUNT_FROZEN = "account_frozen"
    PARTY_FROZEN = "party_frozen"
    # money left
    NOT_EMPTY = "not_empty"
    # currency
    CURRENCY_UNKNOWN = "currency_unknown"
    # limits
    LIMIT_EXCEEDED = "limit_exceeded"
    BALANCE_OVERFLOW = "balance_overflow"
    # money
    INSUFFICIENT_FUNDS = "insufficient_funds"
    # the state of the hub, at any time; never stored
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    NOT_DURABLE = "not_durable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    INTERNAL = "internal"


_SAME_ID = {
    Code.UNAUTHENTICATED,
    Code.RATE_LIMITED,
    Code.BUSY,
    Code.UNAVAILABLE,
    Code.NOT_DURABLE,
    Code.OUTCOME_UNKNOWN,
    Code.INTERNAL,
}
_NEW_ID = {
    Code.LOGIN_FAILED,
    Code.ID_REUSED,
    Code.ID_TOO_OLD,
    Code.NAME_TAKEN,
    Code.UNKNOWN_ACCOUNT,
    Code.UNKNOWN_ROOM,
    Code.ACCOUNT_CLOSED,
    Code.UNKNOWN_ENTRY,
    Code.UNKNOWN_DEVICE,
    Code.FORBIDDEN,
    Code.NOT_A_MEMBER,
    Code.ALREADY_A_MEMBER,
    Code.BANNED,
    Code.NOT_INVITED,
    Code.READ_ONLY,
    Code.MUTED,
    Code.TOO_SOON,
    Code.OWNER_STAYS,
    Code.BLOCKED,
    Code.NOT_ACCEPTED,
    Code.REQUEST_PENDING,
    Code.NO_REQUEST,
    Code.SUSPENDED,
    Code.ACCOUNT_FROZEN,
    Code.PARTY_FROZEN,
    Code.NOT_EMPTY,
    Code.LIMIT_EXCEEDED,
    Code.BALANCE_OVERFLOW,
    Code.INSUFFICIENT_FUNDS,
}

RETRY: dict[Code, Retry] = {
    code: Retry.SAME_ID if code in _SAME_ID else Retry.NEW_ID if code in _NEW_ID else Retry.NEVER
    for code in Code
}
"""The retry class of each code."""


MESSAGES: dict[Code, str] = {
    Code.MALFORMED: "this is not a frame of teller.v1",
    Code.UNKNOWN_TYPE: "there is no frame of this type",
    Code.ID_INVALID: "an id is a string of 1 to 36 characters",
    Code.NAME_INVALID: "a handle is 2 to 32 of a-z 0-9 _ , a person is @handle, a room #handle",
    Code.TEXT_INVALID: "a text is a string of 1 to 65,536 characters",
    Code.AMOUNT_INVALID: "an amount is a whole number of minor units from 1 to 2^53-1",
    Code.PASSWORD_INVALID: "a password is 8 to 256 characters long",
    Code.UNAUTHENTICATED: "log in first: register, login or hello",
    Code.ALREADY_AUTHENTICATED: "this connection is logged in already",
    Code.LOGIN_FAILED: "handle or password is wrong",
    Code.TOKEN_INVALID: "this token is not, or no longer, valid; log in again",
    Code.ID_REUSED: "this id was used for a frame with other content",
    Code.ID_TOO_OLD: "this id is older than duplicates are remembered",
    Code.NAME_TAKEN: "this name is taken",
    Code.UNKNOWN_ACCOUNT: "there is no such account",
    Code.UNKNOWN_ROOM: "there is no such room",
    Code.ACCOUNT_CLOSED: "this account was erased",
    Code.SAME_ACCOUNT: "payer and payee are the same account",
    Code.UNKNOWN_ENTRY: "there is no such entry, or it is too old for this",
    Code.UNKNOWN_DEVICE: "there is no such device",
    Code.FORBIDDEN: "you may not do this",
    Code.NOT_A_MEMBER: "not a member of this room",
    Code.ALREADY_A_MEMBER: "already a member of this room",
    Code.BANNED: "you were put out of this room and may not come back yet",
    Code.NOT_INVITED: "this room is only for those invited",
    Code.READ_ONLY: "you may only read here",
    Code.MUTED: "an admin of this room has muted you for a while",
    Code.TOO_SOON: "this room is slow: wait before you write again",
    Code.OWNER_STAYS: "give the room to another member first",
    Code.BLOCKED: "you have blocked this account; unblock it first",
    Code.NOT_ACCEPTED: "this account does not take anything from you",
    Code.REQUEST_PENDING: "this account has not answered your request yet",
    Code.NO_REQUEST: "there is no such request",
    Code.MONEY_STAYS: "money can be neither edited nor deleted",
    Code.SUSPENDED: "this account is suspended",
    Code.NOT_EMPTY: "there is still money in this account; pay it out first",
    Code.ACCOUNT_FROZEN: "your account is frozen",
    Code.PARTY_FROZEN: "the other account is frozen and cannot take part",
    Code.CURRENCY_UNKNOWN: "this is not a currency of ISO 4217 that Teller keeps",
    Code.LIMIT_EXCEEDED: "this would pass a limit",
    Code.BALANCE_OVERFLOW: "a balance cannot hold more than 2^53-1 minor units",
    Code.INSUFFICIENT_FUNDS: "there is not enough money",
    Code.RATE_LIMITED: "too many frames; nothing happened, wait and send it again",
    Code.BUSY: "the hub has too much to do; nothing happened, send it again",
    Code.UNAVAILABLE: "what this needs cannot be reached now; nothing happened, send it again",
    Code.NOT_DURABLE: "the store cannot keep it as safely as was asked now; nothing happened",
    Code.OUTCOME_UNKNOWN: "the store went away before it answered; ask again with the same id",
    Code.INTERNAL: "the hub made a mistake; it was logged",
}
"""The sentence that goes with each code; `details` says more where there is more to say."""


class Close(IntEnum):
    """Close codes of our own. 4000-4499: reconnect. 4500-4999: do not."""

    GOING_AWAY = 4000
    """The hub stops or restarts."""
    SLOW = 4001
    """The outbox was full; reconnect and resume from your cursors."""
    IDLE = 4002
    """Nothing came for too long, not even an answer to a ping."""
    LOGIN_TIMEOUT = 4003
    """Nobody logged in on this connection in time."""
    RESYNC = 4005
    """The hub lost its place; reconnect and resume from your cursors."""
    LOGGED_OUT = 4500
    """The token of this connection was revoked."""
    TOO_MANY_ERRORS = 4501
    """Only nonsense, or only wrong passwords, came."""
    SUSPENDED = 4502
    """The operator has locked this account out."""

    @property
    def reconnect(self) -> bool:
        """Whether a client should connect again by itself."""
        return self < 4500


class FrameError(Exception):
    """A frame was refused; `code` says why.

    Raised by the codec and the session; the hub turns it into an `error` frame.
    """

    def __init__(self, code: Code, id: str | None = None, **details: str | int) -> None:
        super().__init__(code.value)
        self.code = code
        self.id = id
        self.details = details
