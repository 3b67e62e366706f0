"""The codes are a contract: their order, what may be retried, and whether to reconnect."""

import pytest

from protocol.errors import MESSAGES, RETRY, Close, Code, FrameError, Retry

PRECEDENCE = """
malformed               never
unknown_type            never
id_invalid              never
name_invalid            never
text_invalid            never
amount_invalid          never
password_invalid        never
unauthenticated         same_id
already_authenticated   never
login_failed            new_id
token_invalid           never
id_reused               new_id
id_too_old              new_id
name_taken              new_id
unknown_account         new_id
unknown_room            new_id
account_closed          new_id
same_account            never
unknown_entry           new_id
unknown_device          new_id
forbidden               new_id
not_a_member            new_id
already_a_member        new_id
banned                  new_id
not_invited             new_id
read_only               new_id
muted                   new_id
too_soon                new_id
owner_stays             new_id
blocked                 new_id
not_accepted            new_id
request_pending         new_id
no_request              new_id
money_stays             never
suspended               new_id
account_frozen          new_id
party_frozen            new_id
not_empty               new_id
currency_unknown        never
limit_exceeded          new_id
balance_overflow        new_id
insufficient_funds      new_id
rate_limited            same_id
busy                    same_id
unavailable             same_id
not_durable             same_id
outcome_unknown         same_id
internal                same_id
"""

CLOSES = {
    4000: "GOING_AWAY",
    4001: "SLOW",
    4002: "IDLE",
    4003: "LOGIN_TIMEOUT",
    4005: "RESYNC",
    4500: "LOGGED_OUT",
    4501: "TOO_MANY_ERRORS",
    4502: "SUSPENDED",
}


def test_precedence_and_retry_classes_are_pinned() -> None:
    pinned = [tuple(line.split()) for line in PRECEDENCE.split("\n") if line]
    assert [(code.value, RETRY[code].value) for code in Code] == pinned


def test_every_code_has_a_retry_class_and_a_sentence() -> None:
    assert set(RETRY) == set(MESSAGES) == set(Code)
    assert set(RETRY.values()) == set(Retry)
    assert len(set(MESSAGES.values())) == len(Code), "two codes that say the same"


def test_only_a_state_of_the_hub_or_a_missing_login_may_pass_by_itself() -> None:
    hub = set(list(Code)[list(Code).index(Code.INSUFFICIENT_FUNDS) + 1 :])
    assert {code for code in Code if RETRY[code] is Retry.SAME_ID} == hub | {Code.UNAUTHENTICATED}


def test_close_codes_are_pinned() -> None:
    assert {close.value: close.name for close in Close} == CLOSES


@pytest.mark.parametrize("close", Close)
def test_the_range_of_a_close_code_says_whether_to_reconnect(close: Close) -> None:
    assert close in range(4000, 5000)
    assert close.reconnect == (close in range(4000, 4500))


def test_a_frame_error_carries_its_answer() -> None:
    error = FrameError(Code.ID_REUSED, "p-1", field="amount")
    assert (error.code, error.id, error.details) == (Code.ID_REUSED, "p-1", {"field": "amount"})
    assert str(error) == "id_reused"
