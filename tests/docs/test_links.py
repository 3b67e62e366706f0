"""What the pages point to is there: other pages, their headings, files of the repository."""

import re
from pathlib import Path

import pytest

from .pages import PAGES, ROOT, name_of, prose_of, text_of

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FILE = re.compile(r"`((?:\.ci|protocol|server|client_demo|bench|tests|docs)/[\w./]*|[\w]+\.toml)`")
_OPERATORS = {"regions.toml", "teller.toml"}
"""Files that an operator writes."""


def _anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose_of(name_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(text_of(name_of(page))):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    for name in _FILE.findall(text_of(name_of(page))):
        assert name in _OPERATORS or (ROOT / name).exists(), name


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = _LINK.findall(page.read_text(encoding="utf-8"))
        ahead += [
            (page.parent / link.partition("#")[0]).resolve() for link in links if ":" not in link
        ]
    assert set(PAGES) <= reached
