"""Teller's JSON as relays speak it, which keep nothing: who comes back is new to them."""

from __future__ import annotations

from .teller import Json


class PlainJson(Json):
    """Entering, joining and every message are acknowledged."""

    name = "json-plain"
    resumes = False


class SilentJson(PlainJson):
    """Entering and joining are answered; a message is only passed on, so that it ends with its
    delivery."""

    name = "json-noack"

    def __init__(self) -> None:
        super().__init__()
        self.ack = None
