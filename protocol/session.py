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
    Accept,
    Ack,
    Arrange,
    Balance,
    BalanceSheet,
    Ban,
    Block,
    ClientFrame,
    Conversations,
    ConversationsPage,
    Create,
    Decline,
    Delete,
    Delivered,
    Deposit,
    Devices,
    DevicesPage,
    Edit,
    Entry,
    Erase,
    Error,
    Export,
    ExportReport,
    Forward,
    FoundPage,
    Freeze,
    Hello,
    History,
    HistoryPage,
    HubFrame,
    Invite,
    Join,
    Kick,
    Leave,
    Login,
    Logout,
    Members,
    MembersPage,
    Message,
    Mute,
    Payment,
    Pin,
    Presence,
    Profile,
    Profiles,
    ProfilesPage,
    React,
    Read,
    Register,
    Revoke,
    Role,
    Search,
    Status,
    StatusReport,
    Suspend,
    Thread,
    ThreadPage,
    Topic,
    Typing,
    Unblock,
    Watch,
    WatchReport,
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
_POSTS: frozenset[type[ClientFrame]] = frozenset(
    {
        *(Message, Edit, Delete, React, Pin, Forward, Payment, Read, Delivered),
        *(Create, Join, Leave, Invite, Kick, Ban, Mute, Role, Topic),
        *(Profile, Arrange, Accept, Decline, Block, Unblock, Revoke, Erase),
    }
)
_QUESTIONS: frozenset[type[ClientFrame]] = frozenset(
    {
        *(History, Thread, Members, Conversations, Profiles, Balance, Status),
        *(Watch, Devices, Search, Export),
    }
)
_PASSING: frozenset[type[ClientFrame]] = frozenset({Typing, Presence, Logout})
_PERSON = _POSTS | _QUESTIONS | _PASSING
_OPERATOR: frozenset[type[ClientFrame]] = frozenset({Deposit, Freeze, Suspend, Status, Logout})

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


_ANSWERS = (
    *(HistoryPage, ThreadPage, MembersPage, ConversationsPage, ProfilesPage, BalanceSheet),
    *(StatusReport, WatchReport, DevicesPage, FoundPage, ExportReport),
)
"""What answers a question, besides an error."""


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
        if isinstance(frame, _ANSWERS):
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
