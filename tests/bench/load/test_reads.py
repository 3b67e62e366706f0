"""What one read brings, in a window: without a network, cut wherever a network may cut."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.frames import Opcode

from bench.load.connection import TAIL, Connection
from bench.load.dialects import DIALECTS
from bench.load.plan import Plan
from bench.load.routes import Router
from bench.load.window import Window
from bench.load.wire import PONG, masked

from .test_wire import server_frame

NAMES = [f"c{n}" for n in range(4)]


class Socket:
    """A transport that remembers what was written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False


@pytest.fixture
async def room() -> list[Connection]:
    """Four members of a room in a window; the first one sends."""
    dialect = DIALECTS["json"]
    members = [Connection(dialect, "127.0.0.1", 1, name) for name in NAMES]
    plan = Plan(first=1, kinds={"room": 1}, to="room", senders=1, rate=1.0)
    router = Router(dialect, NAMES, "r", plan.kinds, plan.to, 10, 1)
    revive: Any = None
    window = Window(members, plan, router, revive)
    for number, member in enumerate(members):
        socket: Any = Socket()
        member.transport = socket
        member.upgraded.set_result(None)
        member.start(window, number, number == 0)
    return members


def entry(op: int, text: str = "x" * 60) -> bytes:
    payload = f'{{"type":"message","id":"{op:012d}","from":"@c0","to":"#r","text":"{text}"}}'
    return server_frame(Opcode.TEXT, payload.encode())


def ack(op: int) -> bytes:
    return server_frame(Opcode.TEXT, f'{{"type":"ack","id":"{op:012d}","at":1}}'.encode())


def entries(*ops: int) -> bytes:
    return b"".join(map(entry, ops))


async def test_the_same_bytes_count_for_everyone_who_gets_them(room: list[Connection]) -> None:
    for member in room[1:]:
        for _ in range(2):
            member.data_received(entries(1, 2, 3))
    assert [member.deliveries.ops() for member in room[1:]] == [[1, 2, 3, 1, 2, 3]] * 3


async def test_bytes_that_only_end_alike_are_not_the_same(room: list[Connection]) -> None:
    assert entries(1, 2)[-TAIL:] == entries(7, 8, 9)[-TAIL:]
    for data in (entries(1, 2), entries(7, 8, 9), entries(1, 2)):
        room[1].data_received(data)
    assert room[1].deliveries.ops() == [1, 2, 7, 8, 9, 1, 2]


async def test_a_cut_anywhere_changes_nothing(room: list[Connection]) -> None:
    data = entries(1, 2) + ack(3) + entries(4) + server_frame(Opcode.PING, b"hm") + entries(5)
    for cut in range(1, len(data)):
        room[0].acks, room[0].deliveries = type(room[0].acks)(), type(room[0].acks)()
        room[0].data_received(data[:cut])
        room[0].data_received(data[cut:])
        assert (room[0].deliveries.ops(), room[0].acks.ops()) == ([1, 2, 4, 5], [3])
    assert room[0].transport.written == [masked(PONG, b"hm")] * (len(data) - 1)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (server_frame(Opcode.TEXT, b'{"type":"error","code":"busy"}'), "busy"),
        (server_frame(Opcode.TEXT, b'{"type":"goodbye","reason":"slow"}'), "goodbye"),
        (ack(7), "sent nothing"),
    ],
)
async def test_what_is_odd_is_told_each_time(
    room: list[Connection], odd: bytes, words: str
) -> None:
    window = room[1].window
    assert window is not None
    for number, member in enumerate(room[1:], 1):
        member.data_received(entries(1, 2) + odd + entries(3))
        assert member.deliveries.ops() == [1, 2, 3]
        assert len(window.errors) == number
        assert words in window.errors[-1]
