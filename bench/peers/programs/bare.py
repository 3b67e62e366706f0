"""A relay on the hub's own transport: its sockets, codec and outboxes, and nothing behind them.

No store, no history, no rights, no duplicates, no session: what is left is what the shape of the
hub costs at least. It answers `register`, `create`, `join` and `message` of Teller's protocol.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from itertools import count

import uvloop

from protocol.codec import Codec
from protocol.frames import Ack, Create, HubFrame, Join, Message, MessageEntry, Register, Welcome
from server.app import raise_open_file_limit
from server.edge.edge import Edge
from server.edge.outbox import Flusher
from server.edge.transport import Connection
from server.edge.wire import pack

people: dict[str, Guest] = {}
rooms: dict[str, dict[Guest, None]] = {}
seqs = count(1)


class Guest:
    """Whoever sits behind a connection."""

    def __init__(self, connection: Connection, codec: Codec) -> None:
        connection.at_home()
        self.name = ""
        self.codec = codec
        self.put = connection.outbox.put
        self._connection = connection

    def receive(self, payload: bytes, text: bool) -> None:
        """One message: pass it on and acknowledge it."""
        del text
        frame = self.codec.decode_client_frame(payload)
        if isinstance(frame, Message):
            self._pass_on(frame)
        elif isinstance(frame, Create | Join):
            rooms.setdefault(frame.room, {})[self] = None
            self._send(Ack(frame.id, _now(), "memory"))
        elif isinstance(frame, Register):
            self.name = f"@{frame.handle}"
            people[self.name] = self
            self._send(Welcome(frame.id, frame.handle, {}, {}, 0, {}))
        else:
            self._connection.close(1003, "this relay only passes messages on")

    def lost(self) -> None:
        """The socket is gone."""
        people.pop(self.name, None)
        for members in rooms.values():
            members.pop(self, None)

    def slow(self) -> None:
        """The reader does not keep up."""
        self._connection.close(4005, "slow")

    def _pass_on(self, frame: Message) -> None:
        to, at, seq = frame.to, _now(), next(seqs)
        entry = MessageEntry(frame.id, self.name, to, frame.text, frame.ref, to, seq, at)
        data = pack(self.codec, entry)  # a run has one encoding
        if to[0] == "#":
            for member in rooms[to]:
                if member is not self:
                    member.put(data)
        else:
            people[to].put(data)
        self._send(Ack(frame.id, at, "memory", to, seq))

    def _send(self, frame: HubFrame) -> None:
        self.put(pack(self.codec, frame))


def _now() -> int:
    return int(time.time() * 1_000)


async def main(port: int) -> None:
    """Serve on `port` until the process is ended."""
    raise_open_file_limit()
    loop = asyncio.get_running_loop()
    edge = Edge(Flusher(loop), Guest, lambda path: (404, "text/plain", path))
    server = await loop.create_server(lambda: Connection(edge), "127.0.0.1", port, backlog=4_096)
    gc.collect()
    gc.freeze()  # as the hub does
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
