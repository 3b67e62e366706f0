"""What a parent and its workers say to each other.

A parent lives longer than its workers, and a worker may be of a newer version (rolling restart):
fields that one does not know are ignored, and new ones need a default.
"""

from __future__ import annotations

import socket

import msgspec

from ..config import Settings
from .pipe import Pipe, revive


class Family(msgspec.Struct):
    """One metric of a worker, with its samples."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, dict[str, str], float]]


class Start(msgspec.Struct, tag=True):
    """Parent: serve with these settings."""

    settings: Settings


class Ready(msgspec.Struct, tag=True):
    """Worker: clients can connect."""


class Failed(msgspec.Struct, tag=True):
    """Worker: it cannot start, and why."""

    message: str


class Look(msgspec.Struct, tag=True):
    """Parent: tell me your figures."""

    number: int


class Figures(msgspec.Struct, tag=True):
    """Worker: the answer to a `Look`; the last ones of a worker that ends have number 0."""

    number: int
    store_up: bool
    families: list[Family]


class Ask(msgspec.Struct, tag=True):
    """Worker: somebody wants the page `path`, which is about all workers."""

    number: int
    path: str


class Page(msgspec.Struct, tag=True):
    """Parent: the answer to an `Ask`."""

    number: int
    status: int
    kind: str
    body: str


Message = Start | Ready | Failed | Look | Figures | Ask | Page


_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message, dec_hook=revive)


async def pipe_over(end: socket.socket) -> Pipe[Message]:
    """The line between a parent and a worker over one end of a socket pair."""
    return await Pipe.over(end, _decoder.decode)
