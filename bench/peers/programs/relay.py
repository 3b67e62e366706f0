"""The plain relay: what fifty lines on `websockets` do. No store, no history, no money.

It answers just enough of Teller's JSON to take the same load: the first frame registers a name,
`join` enters a room, a `message` is forwarded as it came and acknowledged.
Tuned: uvloop, no compression, a deep backlog.
"""

from __future__ import annotations

import logging
import sys
from collections import defaultdict

import orjson
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

people: dict[str, ServerConnection] = {}
rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def relay(socket: ServerConnection) -> None:
    """Serve one connection until it closes."""
    async for message in socket:
        frame, answer = orjson.loads(message), "ack"
        if frame["type"] == "register":
            people["@" + frame["handle"]] = socket
            answer = "welcome"
        elif frame["type"] != "message":
            rooms[frame["room"]].add(socket)
        elif frame["to"] in rooms:
            broadcast(rooms[frame["to"]] - {socket}, message)
        else:
            await people[frame["to"]].send(message)
        await socket.send(orjson.dumps({"type": answer, "id": frame["id"]}).decode())
    for members in rooms.values():
        members.discard(socket)


async def main() -> None:
    """Serve on the port that the command line names, until the process is ended."""
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # clients may hang up any time
    text = [Subprotocol("teller.v1.json")]
    port = int(sys.argv[1])
    async with serve(
        relay, "127.0.0.1", port, compression=None, subprotocols=text, backlog=4096
    ) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
