"""The Markdown subset: what is styled, and that nothing else happens to a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_demo import markup, safe
from client_demo.markup import CALLED, CODE, LINK, MENTION


def spans(text, me=""):
    """Each styled part of a text, with its style."""
    shown = markup.styled(text, me)
    return shown.plain, [(shown.plain[each.start : each.end], each.style) for each in shown.spans]


@pytest.mark.parametrize(
    ("text", "plain", "styles"),
    [
        ("a **bold** word", "a bold word", [("bold", "bold")]),
        ("*it* and _it_", "it and it", [("it", "italic"), ("it", "italic")]),
        ("`a *b* c`", "a *b* c", [("a *b* c", CODE)]),
        ("```py\na *b*\n```\nend", "a *b*\nend", [("a *b*", CODE)]),
        ("see https://a.b/x_y_z now", "see https://a.b/x_y_z now", [("https://a.b/x_y_z", LINK)]),
        ("[here](https://a.b)", "[here](https://a.b)", [("https://a.b)", LINK)]),
        ("hi @bob", "hi @bob", [("@bob", MENTION)]),
        ("mail a@bob.com", "mail a@bob.com", []),
        ("snake_case_name 2*3*4 **x", "snake_case_name 2*3*4 **x", []),
        ("  two  blanks\n\n  kept", "  two  blanks\n\n  kept", []),
        ("\n\nlate", "\n\nlate", []),
        ("```", "```", []),
        ("[bold]x[/]", "[bold]x[/]", []),
        ("\x1b[1m\x07", "␛[1m␇", []),
    ],
)
def test_what_is_styled(text, plain, styles):
    assert spans(text) == (plain, styles)


def test_a_quote_has_a_bar_and_its_own_styles():
    plain, styles = spans("> a **b**\nc")
    assert plain == "│ a b\nc"
    assert ("b", "bold") in styles


@pytest.mark.parametrize("text", ["@alice", "@all"])
def test_who_is_called_sees_it(text):
    assert spans(text, "@alice")[1] == [(text, CALLED)]


@given(st.text(alphabet="*_`> \n@#abchtps:/[]\x1b\x85\u202e", max_size=60))
def test_nothing_is_added_and_no_control_character_comes_through(text):
    shown = markup.styled(text).plain
    assert all(sign == "\n" or sign.isprintable() or ord(sign) >= 0xA0 for sign in shown)
    rest = iter(safe.lines(text))
    assert all(sign in rest for sign in shown if sign != "│"), "the signs of the text, in order"
