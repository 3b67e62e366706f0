"""What a hub and its search worker say to each other."""

from __future__ import annotations

from pathlib import Path

import msgspec

from protocol.frames import AnyEntry


class Start(msgspec.Struct, tag=True):
    """Hub: work like this. `store` is a URL, `folder` where the index is, `keys` and `data` where
    the keys of people's words are."""

    store: str
    partitions: int
    folder: Path
    keys: str | None
    data: Path
    log_format: str


class Changed(msgspec.Struct, tag=True):
    """Hub: these boxes hold so many entries now."""

    seqs: dict[str, int]


class Forget(msgspec.Struct, tag=True):
    """Hub: this account was erased."""

    author: str


class Question(msgspec.Struct, tag=True):
    """Hub: find entries for `owner`, who may read `boxes`, newest first.

    `peer`: of one's own box only the conversation with them; `now`: the store's time in ms.
    """

    number: int
    owner: str
    boxes: list[str]
    now: int
    words: str = ""
    who: str = ""
    peer: str = ""
    since: int = 0
    until: int | None = None
    money: bool = False
    after: str = ""
    limit: int = 20


class Found(msgspec.Struct, tag=True):
    """Worker: the answer to a question. `after`: empty if that was all."""

    number: int
    hits: list[tuple[AnyEntry, str]]
    after: str
    behind: int


class Failed(msgspec.Struct, tag=True):
    """Worker: there is no answer; `code` is an error's."""

    number: int
    code: str


class Keys(msgspec.Struct, tag=True):
    """Worker: which are the keys of these accounts, which may live in other regions?"""

    number: int
    names: list[str]


class KeysFound(msgspec.Struct, tag=True):
    """Hub: those keys that could be had."""

    number: int
    keys: dict[str, bytes]


class Figures(msgspec.Struct, tag=True):
    """Worker: how it stands, now and then."""

    behind: int = 0
    indexed: int = 0
    entries: int = 0
    size: int = 0


ToWorker = Start | Changed | Forget | Question | KeysFound
ToHub = Found | Failed | Keys | Figures
