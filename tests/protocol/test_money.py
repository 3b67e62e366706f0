"""Money: exact, in integers, and never more than the text says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from protocol.currencies import EXPONENTS
from protocol.money import (
    AMOUNT_MAX,
    MoneyError,
    exponent,
    format_amount,
    format_money,
    parse,
    parse_money,
)

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.one_of(st.integers(1, AMOUNT_MAX), st.integers(1, 20_000))


def test_currencies_are_those_of_the_maintenance_agency() -> None:
    published = {each.code: each.exponent for each in Currency if each.exponent is not None}
    assert published == EXPONENTS


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "USD", 1250),
        ("12.5", "USD", 1250),
        ("12", "USD", 1200),
        ("0.01", "USD", 1),
        ("007", "USD", 700),
        (" 1 ", "USD", 100),
        ("500", "JPY", 500),
        ("0.500", "KWD", 500),
        ("1.2345", "CLF", 12345),
        ("90071992547409.91", "USD", AMOUNT_MAX),
        ("9007199254740991", "JPY", AMOUNT_MAX),
    ],
)
def test_parse(text: str, currency: str, amount: int) -> None:
    assert parse(text, currency) == amount


NOT_AMOUNTS = ["", " ", ".", "5.", ".5", "-1", "+1", "1,00", "1_000", "1e2", "0x1", "NaN", "inf"]
NOT_AMOUNTS += ["1.2.3", "1 0", "٣", "１", "1.0\u0661", "½", "0", "0.00", "1\x00", "$1", "9" * 17]
NOT_AMOUNTS += ["1.001", "1.000", "90071992547409.92", "9" * 5000]


@pytest.mark.parametrize("text", NOT_AMOUNTS, ids=ascii)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(MoneyError):
        parse(text, "USD")


@pytest.mark.parametrize("currency", ["", "usd", "US", "XXX", "XAU", "BTC", "USDT"])
def test_unknown_currencies_are_refused(currency: str) -> None:
    for use in (lambda: exponent(currency), lambda: parse("1", currency)):
        with pytest.raises(MoneyError):
            use()
    with pytest.raises(MoneyError):
        format_amount(1, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "USD", "12.50 USD"),
        (1, "USD", "0.01 USD"),
        (0, "USD", "0.00 USD"),
        (-5, "USD", "-0.05 USD"),
        (-1250, "USD", "-12.50 USD"),
        (500, "JPY", "500 JPY"),
        (-500, "JPY", "-500 JPY"),
        (1, "KWD", "0.001 KWD"),
        (AMOUNT_MAX, "USD", "90071992547409.91 USD"),
    ],
)
def test_format(amount: int, currency: str, text: str) -> None:
    assert format_money(amount, currency) == text


@pytest.mark.parametrize("text", ["", "25.00", "USD", "25.00USD", "USD 25.00", "1 2 USD", "1 XXX"])
def test_money_is_an_amount_and_a_currency(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_money(text)


@given(amounts)
def test_what_is_printed_is_read_again_in_every_currency(amount: int) -> None:
    for currency in EXPONENTS:
        text = format_money(amount, currency)
        assert parse_money(text) == (amount, currency)
        assert parse_money(text.lower()) == (amount, currency)


@given(currencies, st.integers(-AMOUNT_MAX, AMOUNT_MAX))
def test_print_is_exact(currency: str, amount: int) -> None:
    assert Decimal(format_amount(amount, currency)).scaleb(exponent(currency)) == amount


@given(currencies, st.text(alphabet="0123456789.,-+eE _٣", max_size=20))
def test_any_text_is_an_exact_amount_or_refused(currency: str, text: str) -> None:
    try:
        amount = parse(text, currency)
    except MoneyError:
        return
    assert type(amount) is int
    assert 1 <= amount <= AMOUNT_MAX
    assert Decimal(text.strip()).scaleb(exponent(currency)) == amount
