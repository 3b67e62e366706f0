"""Ids, pauses, harmless text, kept tokens, lines as words."""

import stat
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_demo import render, safe
from client_demo.backoff import FIRST, LONGEST, Backoff
from client_demo.conversation import Delivery, Line
from client_demo.ids import ulid
from client_demo.signin import TokenFile
from client_demo.wallet import show, show_grouped


def test_ulids_are_legal_ids_and_differ():
    ids = {ulid() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(id) == 26 and id[0] in "01234567" for id in ids)


def test_backoff_doubles_up_to_a_bound_and_starts_again():
    backoff = Backoff(jitter=lambda: 1.0)
    waits = [backoff.next() for _ in range(10)]
    assert waits[:3] == [FIRST, FIRST * 2, FIRST * 4]
    assert max(waits) == LONGEST
    backoff.reset()
    assert backoff.next() == FIRST


def test_backoff_waits_at_least_as_long_as_the_hub_asked():
    assert Backoff(jitter=lambda: 0.0).next(at_least=3.0) == 3.0
    assert Backoff(jitter=lambda: 0.0).next() == 0.0


@pytest.mark.parametrize(
    ("text", "line", "paragraph"),
    [
        ("plain ünï ☕", "plain ünï ☕", "plain ünï ☕"),
        ("a\nb", "a␊b", "a\nb"),
        ("a\r\nb", "a␍␊b", "a\nb"),
        ("\x1b[31mred", "␛[31mred", "␛[31mred"),
        ("\x9b31m\x7f", "\ufffd31m␡", "\ufffd31m␡"),
        ("pay \u202ebob", "pay \ufffdbob", "pay \ufffdbob"),
        ("[bold]x[/bold]", "[bold]x[/bold]", "[bold]x[/bold]"),
        ("tab\there", "tab␉here", "tab    here"),
    ],
)
def test_text_from_others_is_harmless(text, line, paragraph):
    assert safe.one_line(text) == line
    assert safe.lines(text) == paragraph


@given(st.text())
def test_no_control_character_comes_through(text):
    assert all(sign.isprintable() or not ord(sign) < 0xA0 for sign in safe.one_line(text))


def test_a_token_is_kept_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    tokens = TokenFile.of("ws://127.0.0.1:1/ws", "alice")
    assert tokens.read() is None
    tokens.write("first")
    tokens.write("second")
    assert tokens.read() == "second"
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert tokens.path.is_relative_to(tmp_path / "teller")
    assert TokenFile.of("ws://127.0.0.1:2/ws", "alice").read() is None
    assert TokenFile.of("ws://127.0.0.1:1/ws", "bob").read() is None
    tokens.forget()
    tokens.forget()
    assert tokens.read() is None


def test_money_of_a_currency_we_do_not_know_is_shown_as_it_is():
    assert show(1234, "USD") == "12.34 USD"
    assert show(1234, "XQX") == "1234 minor units of 'XQX'"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (99_999, "USD", "999.99 USD"),
        (123_456_789, "USD", "1,234,567.89 USD"),
        (-100_000, "JPY", "-100,000 JPY"),
        (1234, "XQX", "1,234 minor units of 'XQX'"),
    ],
)
def test_on_the_screen_thousands_are_parted(amount, currency, text):
    assert show_grouped(amount, currency) == text


def own(**fields):
    line = Line("payment", "@alice", "1", "@bob", "cof\x1bfee", 1, amount=450, currency="USD")
    for name, value in fields.items():
        setattr(line, name, value)
    return line


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (own(), "@alice pays 4.50 USD to @bob  cof␛fee  …"),
        (
            own(delivery=Delivery.STORED, at=45_240_000),
            "12:34  @alice paid 4.50 USD to @bob  cof␛fee  ✓",
        ),
        (
            own(delivery=Delivery.REFUSED, reason="no money"),
            "@alice wanted to pay 4.50 USD to @bob  cof␛fee  ✗  not done: no money",
        ),
        (
            own(delivery=Delivery.UNKNOWN),
            "@alice pays 4.50 USD to @bob  cof␛fee  ?"
            "  no answer yet; asking again with the same id",
        ),
        (
            own(delivery=Delivery.STORED, accepted=True),
            "@alice pays 4.50 USD to @bob  cof␛fee  →  on its way to @bob",
        ),
        (
            own(delivery=Delivery.READ, accepted=True),
            "@alice pays 4.50 USD to @bob  cof␛fee  →  on its way to @bob",
        ),
        (
            own(delivery=Delivery.READ, accepted=True, settled=True),
            "@alice paid 4.50 USD to @bob  cof␛fee  ✓✓",
        ),
        (
            own(delivery=Delivery.STORED, accepted=True, returned="a\x1b reason"),
            "@alice wanted to pay 4.50 USD to @bob  cof␛fee  ←  a␛ reason",
        ),
        (
            own(delivery=Delivery.STORED, settled=True, unshown="not in #tea"),
            "@alice paid 4.50 USD to @bob  cof␛fee  ✓  not in #tea",
        ),
        (
            own(sender="@carol", delivery=Delivery.STORED, accepted=True),
            "@carol pays 4.50 USD to @bob  cof␛fee",
        ),
        (own(kind="join", to="#tea"), "@alice joined"),
    ],
)
def test_a_line_says_what_became_of_it(line, text):
    assert render.plain(line, "@alice", UTC).strip() == text
