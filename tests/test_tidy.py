"""Style is a test: rooms stay small and nothing unfinished is left lying about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("protocol", "server", "client_demo", "bench")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LUA = sorted((ROOT / "server").rglob("*.lua"))

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LONG_FILES = {
    "protocol/frames.py": "the whole schema on one page",
}
"""Files that may be longer, and why."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _trees() -> Iterator[tuple[str, ast.Module]]:
    """Each module, by its path."""
    return ((_name(path), ast.parse(path.read_text())) for path in SOURCES)


def test_files_are_small() -> None:
    lines = {_name(path): path.read_text().count("\n") for path in SOURCES + LUA}
    assert {name for name, count in lines.items() if count > FILE_LINES_MAX} <= set(LONG_FILES)


def test_functions_are_small() -> None:
    long = [
        f"{name}: {node.name}"
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in _trees() if tree.body and not ast.get_docstring(tree)] == []


def test_nothing_is_left_unfinished() -> None:
    unfinished = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b(?!\")")
    texts = {_name(path): path.read_text().replace('"XXX"', "") for path in SOURCES + LUA}
    assert [name for name, text in texts.items() if unfinished.search(text)] == []


def test_every_module_is_used() -> None:
    """A module that nobody imports, and that is no entry point, is dead."""
    entries = {"server.__main__", "client_demo.demo", "client_demo.picture", "server.cli"}
    entries.add("server.ledger.model_lanes")  # the oracle: nothing but tests uses it
    texts = "\n".join(path.read_text() for path in SOURCES)
    imports = " ".join(re.findall(r"(?:import|from)[^\n]*", texts))
    named = {*re.findall(r"\w+", imports), *re.findall(r"\.(\w+)", texts)}
    named.update(re.findall(r"\b(\w+),", texts))
    for path in SOURCES:
        module = _name(path)[:-3].replace("/", ".")
        stem = path.stem
        if module in entries or stem in ("__init__", "__main__"):
            continue
        if path.parent.name == "programs":  # started by name, in a process of its own
            assert re.search(rf"\b{stem.removesuffix('_relay')}\b", texts), module
            continue
        assert stem in named, module
