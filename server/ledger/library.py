"""The function library: its source, its versions, and how it gets into the store.

The source is a few Lua files, joined in order. Redis keeps functions as part of the data, so the
library is loaded by an explicit step and verified at every start; a lost library makes the store
"not ready", never a refusal.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Protocol

PARTS = (
    *("contract", "records", "lanes", "batch", "post", "hashes", "conditions", "pairs", "checks"),
    *("effects", "arrivals", "mends", "offers", "apply", "functions"),
)
LIBRARY = "teller"


class Commands(Protocol):
    """What this module needs of a store client: one command at a time."""

    async def execute_command(self, *args: str | bytes | int) -> object: ...


class LibraryError(Exception):
    """The store holds a library that this hub must not use or replace."""


def source() -> str:
    """The library as one Lua text."""
    folder = resources.files(__package__) / "lua"
    parts = [(folder / f"{name}.lua").read_text("utf-8") for name in PARTS]
    return f"#!lua name={LIBRARY}\n" + "\n".join(parts)


def _number(name: str) -> int:
    match = re.search(rf"^local {name} = (\d+)$", source(), re.MULTILINE)
    assert match is not None, name
    return int(match[1])


CONTRACT = _number("CONTRACT")
"""The calling convention. Hubs and libraries of the same contract work together."""
VERSION = _number("VERSION")
"""The library's version; a newer one replaces an older one of the same contract."""


async def installed(store: Commands) -> tuple[int, int] | None:
    """Contract and version of the library in the store, None if there is none."""
    listing = await store.execute_command("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY)
    if not listing:
        return None
    answer = await store.execute_command("FCALL_RO", "teller_version", 0)
    assert isinstance(answer, list)
    return int(answer[0]), int(answer[1])


async def _holds_our_code(store: Commands) -> bool:
    listing = await store.execute_command("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY, "WITHCODE")
    return source().encode() in _flat(listing)


def _flat(answer: object) -> list[object]:
    """Everything in an answer of nested lists (RESP2) or maps (RESP3)."""
    if isinstance(answer, dict):
        return [one for pair in answer.items() for one in _flat(list(pair))]
    if isinstance(answer, list):
        return [one for part in answer for one in _flat(part)]
    return [answer]


async def ensure(store: Commands) -> None:
    """Load the library, or replace an older one, or other code of the same version; do nothing
    where it is current, or newer by the same contract.

    Raises:
        LibraryError: if the store holds a library of another contract that is newer than ours.
    """
    found = await installed(store)
    if found is not None and found >= (CONTRACT, VERSION):
        if found[0] != CONTRACT:
            raise LibraryError(
                f"the store's function library speaks contract {found[0]}, this hub {CONTRACT}: "
                "upgrade this hub"
            )
        if found[1] > VERSION or await _holds_our_code(store):
            return
    await store.execute_command("FUNCTION", "LOAD", "REPLACE", source())
