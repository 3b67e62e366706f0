"""Several reads as of one moment.

The store executes what one connection has sent in pieces, as its socket delivers it, and others'
commands in between. So the replies to commands that were sent together may be of different moments,
and messages that were published in between come among them. A transaction has one reply, and its
place among the messages is the moment of all its reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from .connection import Command, Lost, Refused, Reply


def together(commands: Sequence[Command]) -> Sequence[Command]:
    """What to send, so that `commands` read one moment."""
    return commands if len(commands) == 1 else [("MULTI",), *commands, ("EXEC",)]


def apart(replies: list[Reply]) -> list[Reply]:
    """The replies to the commands, from those to what was sent for them."""
    if len(replies) == 1:
        return replies
    found = replies[-1]
    if isinstance(found, list):
        return [Refused(str(one)) if isinstance(one, Exception) else one for one in found]
    why = next((one for one in replies if isinstance(one, (Lost, Refused))), Lost())
    return [why] * (len(replies) - 2)
