"""docs/prove.md names every fault, plant and finding that there is."""

from __future__ import annotations

import re
from pathlib import Path

from bench.prove.plan import KINDS
from bench.prove.verdict import PROMISES
from bench.prove.wanted import PLANTS
from tests.docs.pages import prose_of

PAGE = Path(__file__).parents[3] / "docs" / "prove.md"


def test_the_page_names_all_there_is() -> None:
    named = set(re.findall(r"`([a-z -]+)`", prose_of("docs/prove.md")))
    assert {*KINDS, *PLANTS, *PROMISES} - named == set()


def test_the_page_explains_each_fault_in_the_words_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind, words in KINDS.items():
        assert f"| `{kind}` | {words}" in text
