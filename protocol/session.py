"""The sans-I/O session: which frame is legal when, and what a client has to remember.

`LEGAL` is the whole state machine of the hub's side: a table. `Session` is the client's side: it
keeps what must survive a broken connection (frames without an answer, cursors) and says what to
send again. Neither touches a socket, a clock or a random source; the shape is h11's.
"""

from __future__ import annotations

from enum import Enum

from msgspec import UNSET

from .errors import Code, FrameError
from .frames import (
    Ack,
    Balance,
    BalanceSheet,
    ClientFrame,
    Create,
    Delivered,
    Deposit,
    Entry,
    Error,
    Freeze,
    Hello,
    History,
    HistoryPage,
    HubFrame,
    Join,
    Leave,
    Login,
    Logout,
    Members,
    MembersPage,
    Message,
    Payment,
    Presence,
    Read,
    Register,
    Status,
    StatusReport,
    Typing,
    Welcome,
)


class Phase(Enum):
    """Where a connection is."""

    NEW = "new"
    """Nobody is logged in."""
    ENTERING = "entering"
    """A register, login or hello is on its way; nothing else is taken until it is answered."""
    READY = "ready"
    """Logged in as a person."""
    OPERATOR = "operator"
    """Logged in as the operator."""
    CLOSING = "closing"
    """A goodbye was sent; what still comes is dropped."""


_ENTRANCES: frozenset[type[ClientFrame]] = frozenset({Register, Login, Hello})
_PERSON: frozenset[type[ClientFrame]] = frozenset(
    {
        Message,
        Payment,
        Create,
        Join,
        Leave,
        Read,
        Delivered,
        Typing,
        Presence,
        History,
        Members,
        Balance,
        Status,
        Logout,
    }
)
_OPERATOR: frozenset[type[ClientFrame]] = frozenset({Deposit, Freeze, Status, Logout})

LEGAL: dict[Phase, frozenset[type[ClientFrame]]] = {
    Phase.NEW: _ENTRANCES,
    Phase.ENTERING: frozenset(),
    Phase.READY: _PERSON,
    Phase.OPERATOR: _OPERATOR,
    Phase.CLOSING: frozenset(),
}
"""The frames that are legal in each phase."""


def illegal(phase: Phase, frame: ClientFrame) -> FrameError:
    """Why `frame` is not legal in `phase`.

    Only to be asked for a frame that `LEGAL` does not hold.
    """
    id = getattr(frame, "id", None)
    if phase in (Phase.NEW, Phase.ENTERING):
        return FrameError(Code.UNAUTHENTICATED, id)
    if type(frame) in _ENTRANCES:
        return FrameError(Code.ALREADY_AUTHENTICATED, id)
    return FrameError(Code.FORBIDDEN, id)


class Session:
    """A client's memory across connections.

    Give it every frame sent (`sent`) and received (`received`). After a reconnect send
    `hello_cursors` in the `hello`, and once the `welcome` came, every frame of `unanswered` again,
    unchanged and in order: the hub answers each as it would have the first time, so nothing is
    lost and nothing happens twice.
    """

    def __init__(self) -> None:
        self.handle: str | None = None
        """Who is logged in, once a `welcome` came."""
        self.token: str | None = None
        """The token to say hello with."""
        self.cursors: dict[str, int] = {}
        """The last `seq` seen of each box."""
        self.epochs: dict[str, int] = {}
        """The epoch of each box; a change means that the box was restored from a backup."""
        self.gaps: dict[str, tuple[int, int]] = {}
        """Boxes to be filled by `history`: from the first seq up to, not including, the second."""
        self._unanswered: dict[str, ClientFrame] = {}

    @property
    def unanswered(self) -> list[ClientFrame]:
        """Frames whose outcome is not known yet, in the order they were sent."""
        return list(self._unanswered.values())

    def hello_cursors(self) -> dict[str, int]:
        """The cursors to resume from."""
        return dict(self.cursors)

    def sent(self, frame: ClientFrame) -> None:
        """Note that `frame` was, or is about to be, sent. Entrances are not sent again."""
        id = getattr(frame, "id", None)
        if id is not None and type(frame) not in _ENTRANCES:
            self._unanswered[id] = frame

    def received(self, frame: HubFrame) -> ClientFrame | None:
        """Take note of a frame from the hub; returns the frame of ours that it answers, if any.

        An `error` whose retry class is `same_id` is no final answer: the frame stays unanswered.
        A box restored from a backup (its epoch changed), or one with too long a gap, leaves a note
        in `gaps`.
        """
        if isinstance(frame, Welcome):
            self._welcome(frame)
            return None
        if isinstance(frame, Entry):
            self._see(frame.box, frame.seq)  # type: ignore[attr-defined]
            return None
        if isinstance(frame, Ack):
            if frame.box is not UNSET and frame.seq is not UNSET:
                self._see(frame.box, frame.seq)
            return self._unanswered.pop(frame.id, None)
        if isinstance(frame, StatusReport) and frame.outcome == "stored":
            self._unanswered.pop(frame.of, None)
        if isinstance(frame, (HistoryPage, MembersPage, BalanceSheet, StatusReport)):
            return self._unanswered.pop(frame.id, None)
        if isinstance(frame, Error) and frame.id is not UNSET and frame.retry != "same_id":
            return self._unanswered.pop(frame.id, None)
        return None

    def _welcome(self, frame: Welcome) -> None:
        self.handle = frame.handle
        if frame.token is not UNSET:
            self.token = frame.token
        for box, state in frame.boxes.items():
            seen = self.cursors.get(box)
            if self.epochs.get(box, state.epoch) != state.epoch:
                self.gaps[box] = (1, state.seq + 1)
                self.cursors[box] = state.seq
            elif state.limited and state.first is not UNSET:
                if (seen or 0) + 1 < state.first:
                    self.gaps[box] = ((seen or 0) + 1, state.first)
                self.cursors[box] = state.first - 1
            self.epochs[box] = state.epoch
            self.cursors.setdefault(box, state.seq)

    def _see(self, box: str, seq: int) -> None:
        if seq > self.cursors.get(box, 0):
            self.cursors[box] = seq
