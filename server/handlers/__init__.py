"""One small function per frame type: it drafts a post, or answers from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protocol.frames import (
    Balance,
    ClientFrame,
    Create,
    Delivered,
    Deposit,
    Freeze,
    Hello,
    History,
    Join,
    Leave,
    Login,
    Logout,
    Members,
    Message,
    Payment,
    Presence,
    Read,
    Register,
    Status,
    Typing,
)
from protocol.session import LEGAL, Phase

from . import conversation, entering, ephemeral, money, reading, rooms

Handler = Callable[..., None]

HANDLERS: dict[type[ClientFrame], Handler] = {
    Register: entering.register,
    Login: entering.login,
    Hello: entering.hello,
    Logout: entering.logout,
    Message: conversation.message,
    Read: conversation.marker,
    Delivered: conversation.marker,
    Payment: money.payment,
    Deposit: money.deposit,
    Freeze: money.freeze,
    Create: rooms.change,
    Join: rooms.change,
    Leave: rooms.change,
    Members: rooms.members,
    History: reading.history,
    Balance: reading.balance,
    Status: reading.status,
    Typing: ephemeral.notice,
    Presence: ephemeral.notice,
}


def by_phase() -> dict[Phase, dict[type[Any], Handler]]:
    """The handlers that are legal in each phase."""
    return {phase: {kind: HANDLERS[kind] for kind in kinds} for phase, kinds in LEGAL.items()}
