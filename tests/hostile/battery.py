"""Many payloads over real connections, and what the hub answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgpack
import orjson

from server.peer import NONSENSE_MAX
from tests.protocol.samples import CLIENT, Wire
from tests.support import Client, Hub

CODECS = ("json", "msgpack")
END = "the end of a battery"


def pack(codec: str, wire: Wire) -> bytes:
    """`wire` in an encoding, by a library that the hub does not use for it."""
    data: bytes = orjson.dumps(wire) if codec == "json" else msgpack.packb(wire)
    return data


def samples() -> Iterator[tuple[str, Wire]]:
    """A few frames of every type that a client can send, with names."""
    yield from CLIENT


def portions(payloads: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """As many payloads at a time as a connection may send that are no frames."""
    for start in range(0, len(payloads), NONSENSE_MAX - 1):
        yield payloads[start : start + NONSENSE_MAX - 1]


async def fire(client: Client, payloads: Sequence[bytes]) -> list[dict[str, Any]]:
    """Send `payloads` as messages of the client's kind; everything that was answered."""
    for payload in payloads:
        await client.socket.send(payload, text=not client.binary)
    await client.send({"type": "balance", "id": END})
    answers = []
    while (frame := await client.receive()).get("id") != END:
        answers.append(frame)
    return answers


async def fire_all(hub: Hub, token: str, codec: str, payloads: Sequence[bytes]) -> list[Any]:
    """As `fire`, over as many connections as it takes; `payloads` are all no frames."""
    answers: list[Any] = []
    for portion in portions(payloads):
        client = await hub.hello(token, {}, binary=codec == "msgpack")
        found = await fire(client, portion)
        assert len(found) == len(portion), "one answer to each"
        answers += found
        await client.close()
    return answers
