"""The pages of the documentation, and what stands in their code blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """The page as it is called in the repository."""
    return page.relative_to(ROOT).as_posix()


def text_of(name: str) -> str:
    """The page `name`, such as ``docs/ledger.md``."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The code blocks of a page that are in `language`."""
    return [code for kind, code in _BLOCK.findall(text_of(name)) if kind == language]


def prose_of(name: str) -> str:
    """The page without its code blocks."""
    return _BLOCK.sub("", text_of(name))
