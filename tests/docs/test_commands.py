"""Every command, flag, target and variable that the pages show exists, and none is left out."""

import re
import shlex
from dataclasses import fields
from itertools import takewhile
from pathlib import Path

import pytest
from cyclopts import App

from bench.cli import app as bench
from bench.prove.command import app as prove
from server.cli import admin, app
from server.config import Settings

from .pages import PAGES, ROOT, blocks, name_of, prose_of, text_of

_FAMILIES = {"admin": admin, "bench": bench}
_COMMAND = re.compile(r"^(?:\.venv/bin/)?teller (.+)$")
_SPECIAL = {"TELLER_CONFIG", "TELLER_URL", "TELLER_PASSWORD"}


def _commands(page: Path) -> list[list[str]]:
    """The words behind `teller` of each command line on the page."""
    name = name_of(page)
    lines = [line for block in blocks(name, "sh") for line in block.splitlines()]
    lines += re.findall(r"^ExecStart=\S+/(teller .+)$", text_of(name), re.MULTILINE)
    lines += re.findall(r"`(teller [^`]+)`", prose_of(name))
    found = (_COMMAND.match(line.strip()) for line in lines)
    return [shlex.split(one[1], comments=True) for one in found if one]


def _find(words: list[str]) -> App:
    """The command that `words` begin with."""
    if words[0] == "prove":  # which the command line imports only when it is named
        return prove
    command: App = _FAMILIES.get(words[0]) or app[words[0]]
    below = words[1:2] if words[0] in _FAMILIES else []
    for word in below:
        command = command[word]
    return command


def _flags(command: App) -> set[str]:
    if command.default_command is None:  # `admin` and `bench` are only the families' names
        return {"--help"}
    names = {name for one in command.assemble_argument_collection() for name in one.names}
    return names | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_flags_exist(page: Path) -> None:
    for words in _commands(page):
        known = _flags(_find(words))
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= known, words


def _is_name(word: str) -> bool:
    return word.replace("-", "").isalpha() and not word.startswith("-")


def test_every_command_is_in_the_readme() -> None:
    commands = {(name,) for name in app if not name.startswith("-") and name not in _FAMILIES}
    commands |= {("admin", name) for name in admin if not name.startswith("-")}
    shown = {tuple(takewhile(_is_name, words)) for words in _commands(ROOT / "README.md")}
    assert commands <= shown
    assert ("bench", "run") in shown
    (row,) = [line for line in text_of("README.md").splitlines() if "`teller bench run" in line]
    parts = {name for name in bench if not name.startswith("-")}
    assert parts <= {"run", *re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", text_of(name_of(page)), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_variables_and_flags_in_the_prose_exist(page: Path) -> None:
    text = text_of(name_of(page))
    variables = {f"TELLER_{one.name.upper()}" for one in fields(Settings)} | _SPECIAL
    assert set(re.findall(r"TELLER_[A-Z_0-9]+[A-Z0-9]", text)) <= variables
    every = [app["serve"], app["chat"], app["cluster"], app["doctor"], prove]
    every += [family[name] for family in _FAMILIES.values() for name in family if name[0] != "-"]
    known = set().union(*map(_flags, every))
    assert set(re.findall(r"`(--[a-z][a-z0-9-]*)", prose_of(name_of(page)))) <= known
