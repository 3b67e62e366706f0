"""The plain relay: what forty lines on `websockets` do. No store, no history, no money.

It answers just enough of Teller's JSON to take the same load: the first frame registers a name,
`join` enters a room, a `message` is forwarded as it came and acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import defaultdict

import orjson
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

people: dict[str, ServerConnection] = {}
rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def relay(socket: ServerConnection) -> None:
    """Serve one connection until it closes."""
    first = orjson.loads(await socket.recv())
    people["@" + first["handle"]] = socket
    await socket.send(orjson.dumps({"type": "welcome", "id": first["id"]}).decode())
    async for message in socket:
        frame = orjson.loads(message)
        if frame["type"] != "message":
            rooms[frame["room"]].add(socket)
        elif frame["to"] in rooms:
            broadcast(rooms[frame["to"]] - {socket}, message)
        else:
            await people[frame["to"]].send(message)
        await socket.send(orjson.dumps({"type": "ack", "id": frame["id"]}).decode())


async def main() -> None:
    """Serve on a free port, which is printed, until SIGTERM."""
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # clients may hang up any time
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve(
        relay,
        "127.0.0.1",
        0,
        compression=None,
        subprotocols=[Subprotocol("teller.v1.json")],
        backlog=4096,
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main())
