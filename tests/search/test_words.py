"""Words of any language: what is found by what, and what is shown of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.search.snippets import SNIPPET_CHARS, snippet
from server.search.words import TEXT_CHARS_INDEXED, Query, Terms, folded

FOUND = [
    ("Café au lait", "cafe"),
    ("cafe", "CAFÉ"),
    ("Привет, Ёжик", "ежик"),
    ("東京タワーに行きました", "タワー"),
    ("我的猫很可爱", "猫"),
    ("我的猫很可爱", "可爱"),
    ("안녕하세요 여러분", "하세요"),
    ("ภาษาไทยง่ายมาก", "ไทย"),
    ("हिन्दी भाषा", "हिन्दी"),
    ("مُحَمَّد", "محمد"),
    ("שָׁלוֹם", "שלום"),
    ("می\u200cخواهم", "میخواهم"),
    ("Αθήνα", "αθηνα"),
    ("Straße", "STRASSE"),
    ("Łódź", "lodz"),
    ("Tiếng Việt", "tieng viet"),
    ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
    ("ﬁne", "fin"),
    ("great 👍🏽 job", "👍"),
    ("great 👍 job", "👍🏽"),
    ("she is a 👩‍💻", "👩‍💻"),
    ("she is a 👩‍💻", "💻"),
    ("🇩🇪🇫🇷", "🇫🇷"),
    ("with ❤️", "❤"),
    ("to @bob_smith: 100.00 USD", "bob_smith 100"),
    ("tokyo東京2024", "tokyo 東京"),
    ("the payment came", "came the paym"),
    ("soft\u00adhyphen", "softhyphen"),
]
NOT_FOUND = [
    ("the payment came", "pay came"),  # only the last word may be a beginning
    ("the payment came", "payments"),
    ("in total", "to"),  # two letters are a whole word
    ("東京タワー", "京東"),
    ("👩‍💻", "👩‍🚒"),
    ("🇩🇪", "🇫🇷"),
    ("cat", "dog"),
    ("one two", "one three"),
]


@pytest.mark.parametrize(("text", "words"), FOUND)
def test_found(text: str, words: str) -> None:
    query, terms = Query.of(words), Terms.of(text)
    assert query.fits(terms)
    assert set(query.keys()) <= terms.keys()


@pytest.mark.parametrize(("text", "words"), NOT_FOUND)
def test_not_found(text: str, words: str) -> None:
    assert not Query.of(words).fits(Terms.of(text))


@pytest.mark.parametrize("words", ["", " ", "?!", "…", "\u200d", "((("])
def test_there_may_be_nothing_to_look_for(words: str) -> None:
    assert not Query.of(words)


TEXTS = st.text(
    st.sampled_from("abcdefé ß東京の安ไทยनि한국👍🏽❤️\u200d\u200c🇩🇪\u0301.,_1٣İıﬁ\n")
    | st.characters(),
    max_size=40,
)


@given(TEXTS, TEXTS)
@example("x " + "a" * 40, "a" * 12)
@example("1\u20e3", "1")
def test_the_index_misses_nothing(text: str, words: str) -> None:
    """Whatever fits is among the candidates, because the text has every key of the query."""
    query, terms = Query.of(words), Terms.of(text)
    if query.fits(terms):
        assert set(query.keys()) <= terms.keys()


@given(TEXTS)
def test_a_text_is_found_by_itself(text: str) -> None:
    assert Query.of(text).fits(Terms.of(text))


@given(TEXTS)
def test_folding_is_done_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(TEXTS, TEXTS)
def test_a_snippet_is_one_short_line(text: str, words: str) -> None:
    shown = snippet(text * 20, Query.of(words))
    assert "\n" not in shown
    assert len(shown) <= SNIPPET_CHARS + 2


@pytest.mark.parametrize("filler", ["lorem ipsum ", "Ünïcödé ", "\n\n", "漢字"])
@pytest.mark.parametrize("needle", ["needle", "ÑANDÚ", "東京", "🎈"])
def test_a_snippet_is_where_the_words_are(filler: str, needle: str) -> None:
    text = f"{filler * 200} {needle} {filler * 200}"
    assert needle in snippet(text, Query.of(needle.lower()))


def test_a_snippet_without_words_is_the_beginning() -> None:
    assert snippet("word " * 100, Query.of("")).startswith("word word")


def test_what_stands_far_behind_is_not_found() -> None:
    text = "word " * (TEXT_CHARS_INDEXED // 5) + "needle"
    assert not Query.of("needle").fits(Terms.of(text))
