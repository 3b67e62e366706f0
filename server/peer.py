"""One connection's side of the conversation: from payload to handler, and answers back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from protocol.codec import Codec
from protocol.errors import MESSAGES, RETRY, Close, Code, FrameError
from protocol.frames import ClientFrame, Error, Goodbye, HubFrame
from protocol.session import Phase, illegal

from .commit.duplicates import find_difference
from .edge.limits import Bucket
from .edge.wire import pack
from .ledger.keys import AccountKeys, Keyspace
from .ledger.posts import Kind, Mark, Post
from .seal.seal import Destroyed, Seal
from .store.connection import Down
from .telling.hub import Party

if TYPE_CHECKING:
    from .edge.edge import Guest
    from .edge.transport import Connection
    from .services import Services

NONSENSE_MAX = 20
"""Frames that are not frames, and wrong passwords, before a connection is closed as hopeless."""

RESYNC_MS = 1_000
"""Who has to come in anew is asked to do so spread over this time, as it is often many."""
SHED_SHARE = 4
"""What can be left out goes to nobody whose outbox is fuller than one part in so many."""

NOBODY = Keyspace().of("$nobody")
NO_SEAL = Seal(b"")


class Peer:
    """Whoever is at the other end of a connection."""

    __slots__ = (
        *("_connection", "_nonsense", "_outbox", "_services", "bucket", "codec", "handle", "keys"),
        *("__weakref__", "_handlers", "_held", "_holds", "_phase", "party", "put", "seal"),
        "token_field",
    )

    def __init__(self, services: Services, connection: Connection, codec: Codec) -> None:
        self._services = services
        self._connection = connection
        self._outbox = connection.outbox
        self.put: Callable[[bytes], None] = connection.outbox.put
        """Send bytes that are framed already."""
        self._held: list[bytes] | None = None
        """What is kept until it is known that it may be sent."""
        self._holds = 0
        """How many reasons there are to keep it."""
        self.codec = codec
        self.phase = Phase.NEW
        self.handle = ""
        """The account's name, such as `@alice`, once somebody is logged in."""
        self.keys: AccountKeys = NOBODY
        self.party: Party | None = None
        self.seal = NO_SEAL
        """Seals the account's words."""
        self.token_field = ""
        """Which of the account's tokens this connection came with."""
        settings = services.settings
        self.bucket = (
            Bucket(settings.frames_per_s, settings.frames_burst) if settings.rate_limits else None
        )
        self._nonsense = 0

    # Called by the transport.

    def receive(self, payload: bytes, text: bool) -> None:
        """Take one message: decode it, see that it is legal now, hand it to its handler."""
        services, codec = self._services, self.codec
        services.counters.frames_in += 1
        try:
            if text is not codec.text:
                raise FrameError(Code.MALFORMED, reason="text and binary do not mix here")
            frame = codec.decode_client_frame(payload)
        except FrameError as error:
            self._refuse_form(error)
            return
        bucket = self.bucket
        if bucket is not None and (wait := bucket.take(services.now())):
            self._hold_back(frame, wait)
            return
        handler = self._handlers.get(type(frame))
        if handler is None:
            wrong = illegal(self._phase, frame)
            self.refuse(wrong.code, wrong.id)
            return
        self.dispatch(handler, frame)

    def dispatch(self, handler: Callable[..., None], frame: ClientFrame) -> None:
        """Give `frame` to `handler`; answer for what it raises."""
        try:
            handler(self._services, self, frame)
        except FrameError as error:
            self.refuse(error.code, error.id, **error.details)
        except Down:
            self.refuse(Code.UNAVAILABLE, getattr(frame, "id", None))
        except Destroyed:
            self.refuse(Code.ACCOUNT_CLOSED, getattr(frame, "id", None))
        except Exception:
            self._services.log.exception("a handler failed", type=type(frame).__name__)
            self.refuse(Code.INTERNAL, getattr(frame, "id", None))

    def lost(self) -> None:
        """The socket is gone."""
        self.phase = Phase.CLOSING
        if self.party is not None:
            self._services.hub.exit(self, self.party)
            self.party = None

    def slow(self) -> None:
        """The reader does not keep up: close, so that it resumes from its cursors."""
        self._services.counters.slow += 1
        self.goodbye(Close.SLOW, "slow", retry_after_ms=100)

    def resync(self) -> None:
        """The hub does not know what this connection missed: close, so that it resumes."""
        self.goodbye(Close.RESYNC, "resync", retry_after_ms=secrets.randbelow(RESYNC_MS))

    # Called by handlers and delivery.

    @property
    def phase(self) -> Phase:
        """Where the connection is, which decides what is legal."""
        return self._phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._phase = phase
        self._handlers = self._services.handlers[phase]

    def send(self, frame: HubFrame) -> None:
        """Send `frame`; nothing may follow a close."""
        if not self._connection.closing:
            self.put(pack(self.codec, frame))

    def hold(self) -> None:
        """From now on keep what is sent, until as many calls of `release`."""
        self._holds += 1
        if self._held is None:
            self._held = []
            self.put = self._held.append

    def release(self, frames: Iterable[HubFrame] = ()) -> None:
        """Send `frames`, and behind them what was kept; or nothing yet, if it is held twice."""
        self._holds -= 1
        if self._holds:
            return
        held, self._held = self._held, None
        self.put = self._outbox.put
        for frame in frames:
            self.send(frame)
        for data in held or ():
            self.put(data)

    def abandon(self) -> None:
        """It listens no more, and what was kept is not sent."""
        self.lost()
        self._held, self._holds = None, 0
        self.put = self._outbox.put

    @property
    def coming(self) -> bool:
        """Whether it is not welcomed yet, and may not hear all of its rooms."""
        return self._phase is Phase.ENTERING

    @property
    def crowded(self) -> bool:
        """Whether so much waits for the socket that nothing is sent that can be left out."""
        return self._outbox.size * SHED_SHARE > self._outbox.limit

    @property
    def address(self) -> str:
        """Where the client is."""
        return self._connection.address

    @property
    def gone(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._connection.closing

    def refuse(self, code: Code, id: str | None = None, **details: str | int) -> None:
        """Answer with an `error`."""
        fields: dict[str, object] = {}
        if id is not None:
            fields["id"] = id
        if details:
            fields["details"] = details
        self.send(Error(code.value, MESSAGES[code], RETRY[code].value, **fields))  # type: ignore[arg-type]

    def refuse_post(self, post: Post, code: Code, **details: str | int) -> None:
        """Answer a post that was refused, or whose outcome is unknown."""
        if post.kind is Kind.REGISTER:
            self._services.entrance.turned_away(self)
        self.refuse(code, post.id, **details)

    def at_home(self, phase: Phase, handle: str) -> None:
        """Somebody is logged in."""
        self.phase = phase
        self.handle = handle
        self.keys = self._services.keyspace.of(handle)
        self._connection.at_home()

    def hand_over(self, guest_of: Callable[[Connection], Guest]) -> None:
        """Somebody else speaks with the client from now on."""
        self.phase = Phase.CLOSING
        self._connection.at_home()
        self._connection.guest = guest_of(self._connection)

    def goodbye(self, code: Close, reason: str, retry_after_ms: int | None = None) -> None:
        """Say goodbye with the cursors, and close."""
        if self._connection.closing:
            return
        fields: dict[str, object] = {}
        if retry_after_ms is not None:
            fields["retry_after_ms"] = retry_after_ms
        if self._held is not None:  # of what was kept nobody knows here where it would stand
            self._held = None
            self.put = self._outbox.put
        elif self.party is not None:
            fields["cursors"] = self._cursors(self.party)
        self.send(Goodbye(reason, **fields))  # type: ignore[arg-type]
        connection = self._connection
        self.lost()
        connection.close(code, reason)

    def blunder(self) -> None:
        """Something came that no honest client sends often: nonsense, or a wrong password."""
        self._nonsense += 1
        if self._nonsense >= NONSENSE_MAX:
            self.goodbye(Close.TOO_MANY_ERRORS, "too many malformed frames or wrong passwords")

    def registered(self, frame: ClientFrame) -> None:
        """The account that this connection asked for exists now."""
        self._services.entrance.registered(self, frame)

    def register_again(self, frame: ClientFrame) -> None:
        """The same registration came before; who knows the password may come in."""
        self._services.entrance.register_again(self, frame)

    def reused(self, post: Post, mark: Mark) -> None:
        """An id was used again for other content; find out what differs, and say so."""

        def answer(field: str) -> None:
            self.refuse_post(post, Code.ID_REUSED, field=field)

        services = self._services
        find_difference(services.pipeline_of(post.partition), services.keyspace, post, mark, answer)

    # Private.

    def _cursors(self, party: Party) -> dict[str, int]:
        hub = self._services.hub
        rooms = (hub.rooms.get(name) for name in party.rooms)
        heard = (room for room in rooms if room is not None and room.whole_for(self))
        boxes = [party, *heard]
        return {box.name: box.seq_of(self) for box in boxes}

    def _hold_back(self, frame: ClientFrame, wait_s: float) -> None:
        self._services.counters.rate_limited += 1
        id = getattr(frame, "id", None)
        if id is not None:
            self.refuse(Code.RATE_LIMITED, id, retry_after_ms=int(wait_s * 1000) + 1)

    def _refuse_form(self, error: FrameError) -> None:
        self._services.counters.nonsense += 1
        self.refuse(error.code, error.id, **error.details)
        self.blunder()
