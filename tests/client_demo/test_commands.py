"""What people type, and what it becomes."""

import pytest

from client_demo.commands import (
    CommandError,
    Open,
    Pay,
    RoomCommand,
    Say,
    Simple,
    check_payment,
    parse,
    to_frame,
)

from .frames import as_hub_reads


@pytest.mark.parametrize(
    ("line", "here", "command"),
    [
        ("hello", "@bob", Say("@bob", "hello")),
        ("@carol hello", "#tea", Say("#tea", "@carol hello")),
        ("//not a command", "@bob", Say("@bob", "/not a command")),
        ("@bob hello  there", None, Say("@bob", "hello  there")),
        ("#tea hello", None, Say("#tea", "hello")),
        ("/pay @bob 5.00 coffee", None, Pay("@bob", 500, "USD", "coffee")),
        ("/pay @bob 5.00", None, Pay("@bob", 500, "USD")),
        ("/pay @bob 5.00 EUR two coffees", None, Pay("@bob", 500, "EUR", "two coffees")),
        ("/pay @bob 5 JPY", None, Pay("@bob", 5, "JPY")),
        ("/pay @bob 5 eur", None, Pay("@bob", 500, "EUR")),
        ("/pay @bob 5 Eur tea", None, Pay("@bob", 500, "EUR", "tea")),
        ("/pay @bob 5 USD XYZ", None, Pay("@bob", 500, "USD", "XYZ")),
        ("/pay @bob 5 xyz", None, Pay("@bob", 500, "USD", "xyz")),
        ("/pay 5.00 coffee", "@bob", Pay("@bob", 500, "USD", "coffee")),
        ("/pay @bob 5.00", "#tea", Pay("@bob", 500, "USD", "", "#tea")),
        ("/open @bob", None, Open("@bob")),
        ("/join #tea", None, RoomCommand("join", "#tea")),
        ("/create #tea", "@bob", RoomCommand("create", "#tea")),
        ("/leave", "#tea", RoomCommand("leave", "#tea")),
        ("/members", "#tea", RoomCommand("members", "#tea")),
        ("/members #tea", None, RoomCommand("members", "#tea")),
        ("/balance", None, Simple("balance")),
        ("/help", None, Simple("help")),
        ("/quit\n", None, Simple("quit")),
        ("/logout", None, Simple("logout")),
        ("/close", "@bob", Simple("close")),
    ],
)
def test_a_line_becomes_a_command(line, here, command):
    assert parse(line, here, "USD") == command


@pytest.mark.parametrize(
    ("line", "here", "sentence"),
    [
        ("hello", None, "'hello' is not a person like @bob or a room like #general"),
        ("@bob", None, "there is nothing to send"),
        ("   ", "@bob", "there is nothing to send"),
        ("x" * 65_537, "@bob", "a text has at most 65536 characters"),
        ("/dance", "@bob", "there is no /dance; try /help"),
        ("/pay", None, "write it like: /pay @bob 5.00 coffee"),
        ("/pay @bob", None, "write it like: /pay @bob 5.00 coffee"),
        ("/pay 5.00", "#tea", "write it like: /pay @bob 5.00 coffee"),
        ("/pay #tea 5.00", None, "'#tea' is not a person like @bob"),
        ("/pay @Bob 5.00", None, "'@Bob' is not a person like @bob"),
        ("/pay @bob 5.001", None, "USD has 2 decimals, '5.001' has 3"),
        ("/pay @bob -5", None, "'-5' is not an amount; write it like 12.50"),
        ("/pay @bob 1e3", None, "'1e3' is not an amount; write it like 12.50"),
        ("/pay @bob 0", None, "'0' USD is out of range"),
        (
            "/pay @bob 5 XYZ tea",
            None,
            "'XYZ' is no currency; if it is a note, write: /pay @bob 5 USD XYZ",
        ),
        ("/join tea", None, "'tea' is not a room like #general"),
        ("/join", "#tea", "write it like: /join #room"),
        ("/leave", "@bob", "write it like: /leave #room"),
        ("/open bob", None, "'bob' is not a person like @bob or a room like #general"),
        ("/balance now", None, "/balance stands alone"),
    ],
)
def test_a_line_that_is_no_command_says_what_to_write(line, here, sentence):
    with pytest.raises(CommandError) as caught:
        parse(line, here, "USD")
    assert str(caught.value) == sentence


def test_a_payment_that_cannot_be_is_known_before_it_is_sent():
    pay = Pay("@bob", 500, "USD")
    check_payment(pay, "@alice", 500)
    check_payment(pay, "@alice", None)
    with pytest.raises(CommandError, match="more than you have: 4"):
        check_payment(pay, "@alice", 499)
    with pytest.raises(CommandError, match="that is you"):
        check_payment(pay, "@bob", None)


def test_a_payment_needs_a_currency_from_somewhere():
    with pytest.raises(CommandError, match="name the currency"):
        parse("/pay @bob 5.00", None, None)
    assert parse("/pay @bob 5.00 EUR", None, None) == Pay("@bob", 500, "EUR")


@pytest.mark.parametrize(
    "command",
    [
        Say("@bob", "hi"),
        Pay("@bob", 500, "USD"),
        Pay("@bob", 500, "USD", "coffee", "#tea"),
        RoomCommand("create", "#tea"),
        RoomCommand("join", "#tea"),
        RoomCommand("leave", "#tea"),
        RoomCommand("members", "#tea"),
    ],
)
def test_the_hub_takes_the_frame_of_every_command(command):
    frame = to_frame(command)
    assert as_hub_reads(frame | {"id": "1"}).id == "1"
    assert "room" not in frame or frame["room"]
