"""What a client must remember across connections, without any I/O.

Frames go in (`post`, `receive`), events come out. The session also wants to send frames of its
own (`wanted`): `history` to fill a gap, `balance` after money came in. A frame stays unanswered
until it has a final answer, and is sent again unchanged after every reconnect: the hub answers as
it would have the first time, so nothing is lost and nothing happens twice.
"""

from __future__ import annotations

from collections.abc import Callable

from . import events
from .cursors import Cursors
from .events import Event, Frame
from .ids import ulid

MONEY_IN = frozenset({"payment", "deposit", "returned"})
ANSWERS = frozenset(
    ("members", "thread", "conversations", "profiles", "watch", "devices", "found", "export")
)
PUT_OUT = frozenset(("kick", "ban"))
PAUSE = 0.5
"""Seconds before a frame that the hub could not take is sent again, if the hub names no time."""
PAUSE_MAX = 8.0


class Session:
    """A client's side of teller.v1 after the login."""

    def __init__(self, new_id: Callable[[], str] = ulid) -> None:
        self.me: str | None = None
        """Our own name, such as `@alice`, once a `welcome` came."""
        self.cursors = Cursors()
        self._new_id = new_id
        self._unanswered: dict[str, Frame] = {}
        self._on_wire: set[str] = set()
        self._pauses: dict[str, float] = {}
        self._wanted: list[Frame] = []
        self._fills: dict[str, str] = {}
        self._balance_id: str | None = None
        self._balance_stale = False

    @property
    def unanswered(self) -> list[Frame]:
        """Frames without a final answer, in the order in which they were posted."""
        return list(self._unanswered.values())

    def waits(self, id: str) -> bool:
        """Whether the frame `id` is to be sent: without an answer and not on the wire."""
        return id in self._unanswered and id not in self._on_wire

    def hello(self, token: str) -> Frame:
        """The first frame of a connection: logs in and resumes."""
        frame: Frame = {"type": "hello", "id": self._new_id(), "token": token}
        seen = self.cursors.seen()
        return frame | {"cursors": seen} if seen else frame

    def post(self, frame: Frame) -> Frame:
        """Take on a frame of ours; returns it with its id."""
        frame = {"id": self._new_id(), **frame}
        self._unanswered[frame["id"]] = frame
        return frame

    def sent(self, frame: Frame) -> None:
        """Note that a frame was written to a socket."""
        self._on_wire.add(frame["id"])

    def lost(self) -> list[Event]:
        """The connection broke: the outcome of everything on the wire is unknown."""
        unknown = [frame for id, frame in self._unanswered.items() if id in self._on_wire]
        self._on_wire.clear()
        return [events.Unknown(frame) for frame in unknown]

    def wanted(self) -> list[Frame]:
        """Frames that the session itself needs sent; each is handed out once."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def receive(self, frame: Frame) -> list[Event]:
        """Take note of a frame from the hub. What has a sender and a place is an entry, of whatever
        type; a sender alone makes a notice. Other frames of unknown types are skipped."""
        kind = frame.get("type") or ""
        if "from" in frame:
            return self._entry(frame) if "seq" in frame else [events.Noticed(frame)]
        if kind in ANSWERS:
            return self._answer(frame)
        handler = self._HANDLERS.get(kind)
        return handler(self, frame) if handler else []

    def _entry(self, frame: Frame) -> list[Event]:
        box = frame["box"]
        if not self.cursors.see(box, frame["seq"]):
            return []
        self._fill(box)
        if self._leaves(frame):
            self.cursors.forget(frame["room"])
        moved = frame["type"] in MONEY_IN and "amount" in frame
        if moved and box == self.me and "balance" not in frame:
            self._ask_balance()
        return [events.EntryCame(frame)]

    def _leaves(self, entry: Frame) -> bool:
        """Whether the entry puts us out of its room."""
        gone = entry["type"] in PUT_OUT and entry["who"] == self.me and not entry.get("remove")
        left = entry["type"] == "leave" and entry["from"] == self.me
        return bool((gone or left) and entry["box"] == entry["room"])

    def _welcome(self, frame: Frame) -> list[Event]:
        resumed = self.me is not None
        self.me = "@" + frame["handle"].removeprefix("@")
        reset = self.cursors.welcome(frame["boxes"])
        for box in frame["boxes"]:
            self._fill(box)
        return [
            events.Connected(
                me=self.me,
                boxes=tuple(frame["boxes"]),
                balances=frame["balances"],
                version=frame["version"],
                resumed=resumed,
                reset=tuple(reset),
                limits=frame["limits"],
            )
        ]

    def _ack(self, ack: Frame) -> list[Event]:
        frame = self._answered(ack["id"])
        if frame is None:
            return []
        box = ack.get("box")
        if box is not None and "seq" in ack:
            self._see_own(frame, box, ack["seq"])
        if frame["type"] == "leave":
            self.cursors.forget(frame["room"])
        return [events.Stored(frame, ack)]

    def _see_own(self, frame: Frame, box: str, seq: int) -> None:
        """An ack stands for the entry, which this connection does not get."""
        if self.cursors.knows(box) or frame["type"] in ("create", "join"):
            self.cursors.see(box, seq)
            self._fill(box)

    def _error(self, error: Frame) -> list[Event]:
        id, code = error.get("id", ""), error["code"]
        details = error.get("details", {})
        if id in self._unanswered and error["retry"] == "same_id":
            self._on_wire.discard(id)
            pause = self._pause(id, details.get("retry_after_ms"))
            frame = self._unanswered[id]
            return [events.Again(frame, code, pause, unknown=code == "outcome_unknown")]
        refused = self._answered(id)
        if refused is None:
            return [events.Trouble(code, error["message"])]
        if id in self._fills:
            self.cursors.give_up(self._fills.pop(id))
        if refused["type"] == "history" and code == "not_a_member":
            self.cursors.forget(refused["box"])
        return [events.Refused(refused, code, error["message"], details)]

    def _pause(self, id: str, retry_after_ms: int | None) -> float:
        pause = self._pauses.get(id, PAUSE)
        self._pauses[id] = min(pause * 2, PAUSE_MAX)
        return pause if retry_after_ms is None else retry_after_ms / 1000

    def _history(self, page: Frame) -> list[Event]:
        question = self._answered(page["id"])
        if question is None:
            return []
        box, entries, later = page["box"], page["entries"], page.get("later", ())
        if self._fills.pop(page["id"], None) is None:
            answered: Event = events.Answered(question, page)
            if "at" in question or "after" in question:
                return [answered]
            before = question.get("before")
            older = events.Page(box, tuple(entries), page["more"], before, tuple(later))
            return [older, answered]
        news = [entry for entry in entries if self.cursors.see(box, entry["seq"])]
        if not news:
            self.cursors.give_up(box)
        self._fill(box)
        return [events.EntryCame(entry, late=True) for entry in (*news, *(later if news else ()))]

    def _balance(self, frame: Frame) -> list[Event]:
        self._answered(frame["id"])
        if frame["id"] == self._balance_id:
            self._balance_id = None
            if self._balance_stale:
                self._ask_balance()
        return [events.BalanceCame(frame["balances"], frame["version"])]

    def _answer(self, answer: Frame) -> list[Event]:
        question = self._answered(answer["id"])
        return [] if question is None else [events.Answered(question, answer)]

    def _status(self, frame: Frame) -> list[Event]:
        self._answered(frame["id"])
        return []

    def _goodbye(self, frame: Frame) -> list[Event]:
        return [events.Farewell(frame["reason"], frame.get("retry_after_ms"))]

    def _answered(self, id: str) -> Frame | None:
        self._on_wire.discard(id)
        self._pauses.pop(id, None)
        return self._unanswered.pop(id, None)

    def _fill(self, box: str) -> None:
        """Ask for the newest part of a gap, one request at a time."""
        gap = self.cursors.gap(box)
        if gap is None or box in self._fills.values():
            return
        before, limit = gap
        frame = self.post({"type": "history", "box": box, "before": before, "limit": limit})
        self._fills[frame["id"]] = box
        self._wanted.append(frame)

    def _ask_balance(self) -> None:
        """One question at a time; money that came after it was asked makes it stale."""
        self._balance_stale = self._balance_id is not None
        if not self._balance_stale:
            frame = self.post({"type": "balance"})
            self._balance_id = frame["id"]
            self._wanted.append(frame)

    _HANDLERS: dict[str, Callable[[Session, Frame], list[Event]]] = {  # noqa: RUF012
        "welcome": _welcome,
        "ack": _ack,
        "error": _error,
        "history": _history,
        "balance": _balance,
        "status": _status,
        "goodbye": _goodbye,
    }
