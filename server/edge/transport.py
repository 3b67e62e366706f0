"""The WebSocket edge: sockets in, whole messages out, and frames back.

The protocol is `websockets`' sans-I/O one. Three things are ours, for speed, and measured in
`docs/performance.md`: the common request and the common inbound frame (complete, final, masked,
small) are read without the library, and the library's object lives only while it is needed (other
requests, fragments, pings, big frames, closing): it weighs three times as much as all else that an
idle connection keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from websockets.frames import Close as CloseFrame
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol
from websockets.speedups import apply_mask

from protocol.errors import Close

from .edge import Comer, Edge, Guest
from .handshake import answer, answer_common, expect_request, forwarded_for, give, network_of
from .outbox import Outbox
from .wire import BINARY, TEXT, is_utf8, masked_size

HANDSHAKE_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
"""How long a close may take before the socket is cut."""
AGAIN_S = 1.0
"""How often it is looked whether somebody is late where it is we who keep them waiting."""

_UNREAD = ServerProtocol()
"""In place of the library's object before a request is read: it takes long to make, and many may
connect in one turn of the loop."""
_PONG = 0x8A
_MASKED = 0x80
_COMMON = frozenset({TEXT, BINARY, _PONG})
_BAD_UTF8 = Frame(Opcode.CLOSE, CloseFrame(1007, "invalid UTF-8").serialize()).serialize(mask=False)


class Connection(asyncio.Protocol):
    """One socket."""

    __slots__ = (
        *("_bytes_max", "_edge", "_fed", "_fragments", "_library", "_tail", "_timer", "closing"),
        *("forwarded", "guest", "outbox", "seen", "transport"),
    )

    transport: asyncio.Transport
    outbox: Outbox

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._bytes_max = edge.frame_bytes_max
        self._library: ServerProtocol | None = None
        self._fed = 0
        """Bytes given to the library that are not yet accounted for by whole frames."""
        self._fragments: list[bytes] | None = None
        self._tail = b""
        """The beginning of a frame whose end has not come yet; the last bytes of a request."""
        self._timer: asyncio.TimerHandle | None = None
        self.forwarded: str | None = None
        """Where the client is, as a proxy of ours says."""
        self.guest: Guest | None = None
        self.seen = edge.tick
        self.closing = False

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        edge = self._edge
        self.outbox = Outbox(self.transport, edge.flusher, edge.outbox_bytes_max, self._full)
        edge.connections.add(self)
        self._library = _UNREAD
        self._wait(HANDSHAKE_TIMEOUT_S, self._unread)

    def data_received(self, data: bytes) -> None:
        self.seen = self._edge.tick
        library = self._library
        if library is not None and library.state is State.CONNECTING:
            self._edge.shake(self, data)
            return
        if self._tail:
            data = self._tail + data
            self._tail = b""
        if library is None:
            self._read(data)
        else:
            self._feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.closing = True
        self._edge.connections.discard(self)
        self._stop_timer()
        if self.guest is not None:
            self.guest.lost()
            self.guest = None

    def pause_writing(self) -> None:
        self.outbox.pause()

    def resume_writing(self) -> None:
        self.outbox.resume()

    # Called by the guest.

    @property
    def address(self) -> str:
        """Where the client is: its IP address, or of IPv6 its network of 64 bits."""
        return self.forwarded or network_of(self.transport.get_extra_info("peername"))

    def close(self, code: int, reason: str = "") -> None:
        """Start a close; what was put before is still sent."""
        if self.closing:
            return
        library = self._library or self._new_library()
        self.closing = True
        if library.state is State.OPEN:
            library.send_close(code, reason)
        self._send(library.data_to_send())
        self._cut_after(CLOSE_TIMEOUT_S)

    def at_home(self) -> None:
        """Somebody logged in: the time-out for that ends."""
        self._stop_timer()

    def widen(self, frame_bytes_max: int, outbox_bytes_max: int) -> None:
        """Other limits than a client has, in bytes."""
        self._bytes_max = frame_bytes_max
        self.outbox.limit = outbox_bytes_max

    def expect_login(self, seconds: float, who: Comer | None = None) -> None:
        """Close the connection if nobody logs in within `seconds`, or `who` does not ask to."""
        self._wait(seconds, lambda: self._nobody_came(who))

    # The fast path.

    def _read(self, data: bytes) -> None:
        """Read frames of the common kind; give everything else to the library."""
        at, end = 0, len(data)
        limit = self._edge.fast_bytes_max
        while end - at > 1 and not self.closing:
            first, length, body = data[at], data[at + 1] - _MASKED, at + 6
            if first not in _COMMON or not 0 <= length < 127:
                return self._feed(data[at:])
            if length == 126:
                if end - at < 4:
                    break
                length, body = data[at + 2] << 8 | data[at + 3], at + 8
                if first == _PONG:
                    return self._feed(data[at:])
            if length > limit:
                return self._feed(data[at:])
            after = body + length
            if after > end:
                break
            payload = apply_mask(data[body:after], data[body - 4 : body])
            if first == TEXT and not payload.isascii() and not is_utf8(payload):
                return self._feed(data[at:])
            at = after
            if first != _PONG and self.guest is not None:
                self.guest.receive(payload, first == TEXT)
        if at < end:
            if self.closing:
                return self._feed(data[at:])  # the answer to our close may be among it
            self._tail = data[at:]
        return None

    # The library's path.

    def _new_library(self) -> ServerProtocol:
        self._library = ServerProtocol(state=State.OPEN, max_size=self._bytes_max)
        self._fed = 0
        return self._library

    def _feed(self, data: bytes) -> None:
        library = self._library or self._new_library()
        self._fed += len(data)
        library.receive_data(data)
        answers = library.data_to_send()
        for frame in library.events_received():
            assert isinstance(frame, Frame)
            self._fed -= masked_size(len(frame.data))
            if frame.opcode is Opcode.PING:
                pong = answers.pop(0)  # before the answer to what came after the ping
                if not self.closing:
                    self.outbox.put(pong)
            else:
                self._frame(frame)
        if not self.transport.is_closing():
            self._send(answers + library.data_to_send())
        if library.parser_exc is not None:
            self.closing = True
        if self._fed == 0 and self._fragments is None and library.state is State.OPEN:
            self._library = None

    def _frame(self, frame: Frame) -> None:
        """Put the fragments of a message together; control frames were answered by the library."""
        if frame.opcode is Opcode.CLOSE:
            self.closing = True
            return
        if frame.opcode is Opcode.PONG or self.closing:
            return
        if frame.opcode is not Opcode.CONT:
            self._fragments = [b"\x01" if frame.opcode is Opcode.TEXT else b"\x02"]
        assert self._fragments is not None
        if frame.data:  # empty ones would cost memory and never reach the size limit
            self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return
        kind, *parts = self._fragments
        self._fragments = None
        payload = b"".join(parts)
        if kind == b"\x01" and not is_utf8(payload):
            self._send([_BAD_UTF8, SEND_EOF])
        elif self.guest is not None:
            self.guest.receive(payload, kind == b"\x01")

    def _send(self, answers: list[bytes]) -> None:
        for data in answers:
            if data is SEND_EOF or not data:
                self.closing = True
                self.outbox.flush()
                self.transport.close()
                self._cut_after(CLOSE_TIMEOUT_S)
            else:
                self.outbox.put(data)

    # The handshake.

    def shake_hands(self, data: bytes) -> None:
        """Give the library the request, and nothing of what may follow it in the same read."""
        library = self._library
        if self.closing or library is None:
            return  # it was answered, or will be: nothing more is read
        if library is _UNREAD:
            if self._shake_quickly(data):
                return
            library = self._library = expect_request(self._edge)
        seam = self._tail + data
        end = seam.find(b"\r\n\r\n")
        rest = len(data) if end < 0 else end + 4 - len(self._tail)
        self._tail = seam[-3:] if end < 0 else b""
        library.receive_data(data[:rest])
        for request in library.events_received():
            assert isinstance(request, Request)
            self.forwarded = forwarded_for(request, self.address, self._edge.proxies)
            guest = answer(self._edge, library, request, self._reply, self.address)
            self.closing = guest is None
            if guest is not None:
                self.guest = guest(self)
        self._send(library.data_to_send())
        if library.state is State.OPEN:
            self._library = None
            if rest < len(data):
                self._read(data[rest:])

    def _shake_quickly(self, data: bytes) -> bool:
        """Answer a request of the common kind; whether it is one."""
        found = answer_common(self._edge, data, self.address)
        if found is None:
            return False
        answers, guest, length = found
        self.closing = guest is None
        if guest is not None:
            self._library = None
            self.guest = guest(self)
        self._send(answers)
        if guest is not None and length < len(data):
            self._read(data[length:])
        return True

    def _reply(self, status: int, kind: str, body: str) -> None:
        """Send a page, which may have taken a while to make."""
        assert self._library is not None
        give(self._library, status, kind, body)
        self._send(self._library.data_to_send())

    # Time-outs and a full outbox.

    def _full(self) -> None:
        asyncio.get_running_loop().call_soon(self._give_up)

    def _give_up(self) -> None:
        if not self.closing and self.guest is not None and self.outbox.full:
            self.guest.slow()

    def _unread(self) -> None:
        if self.transport.is_reading():
            self.transport.abort()
        else:  # what came waits for us to read it
            self._wait(AGAIN_S, self._unread)

    def _nobody_came(self, who: Comer | None) -> None:
        if who is not None and who.coming:  # and waits for us
            self.expect_login(AGAIN_S, who)
        else:
            self.close(Close.LOGIN_TIMEOUT, "nobody logged in")

    def _cut_after(self, seconds: float) -> None:
        self._wait(seconds, self.transport.abort)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
