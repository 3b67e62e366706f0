"""Broken WebSocket frames on a logged-in connection of the real hub."""

from __future__ import annotations

import random

import orjson
import pytest

from protocol.frames import FRAME_BYTES_MAX
from tests.conformance.wire import BINARY_OP, CLOSE, CONT, PING, PONG, TEXT_OP, frame

from .conftest import Scene
from .raw import raw_login
from .untouched import untouched

PAY = orjson.dumps({"type": "payment", "id": "p", "to": "@bob", "amount": 5, "currency": "USD"})
BIG = b"[" + b" " * FRAME_BYTES_MAX
CLOSES: dict[str, tuple[bytes, int]] = {
    "not masked": (frame(TEXT_OP, PAY, key=None), 1002),
    "RSV1": (frame(TEXT_OP, PAY, rsv=4), 1002),
    "RSV2": (frame(TEXT_OP, PAY, rsv=2), 1002),
    "RSV3": (frame(TEXT_OP, PAY, rsv=1), 1002),
    **{f"opcode {code}": (frame(code, PAY), 1002) for code in (*range(3, 8), *range(11, 16))},
    "too big": (frame(TEXT_OP, BIG), 1009),
    "too big, by its header": (frame(TEXT_OP, BIG)[:14], 1009),
    "too big, in fragments": (
        frame(TEXT_OP, BIG[:70_000], fin=False) + frame(CONT, BIG[70_000:]),
        1009,
    ),
    "a length of 2^63": (b"\x81\xff" + b"\x80" + bytes(7) + b"key!", 1009),
    "not UTF-8": (frame(TEXT_OP, PAY.replace(b"bob", b"b\xffb")), 1007),
    "not UTF-8, in fragments": (frame(TEXT_OP, PAY, fin=False) + frame(CONT, b"\xc3"), 1007),
    "a continuation of nothing": (frame(CONT, PAY), 1002),
    "a message within a message": (frame(TEXT_OP, PAY[:9], fin=False) + frame(TEXT_OP, PAY), 1002),
    "a fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with a reserved code": (frame(CLOSE, b"\x03\xed"), 1002),
}


async def test_every_broken_frame_closes_with_its_code(scene: Scene) -> None:
    found = {}
    async with untouched(scene.hub, scene.bob):
        for name, (data, _) in CLOSES.items():
            async with raw_login(scene.hub, scene.token) as client:
                client.send(data)
                code, frames = await client.closed()
                found[name] = code
                assert frames == []
    assert found == {name: code for name, (_, code) in CLOSES.items()}


async def test_whatever_follows_a_broken_frame_is_not_read(scene: Scene) -> None:
    async with untouched(scene.hub, scene.bob):
        for name, (data, code) in CLOSES.items():
            if name == "too big, by its header":
                continue  # what follows is its body
            async with raw_login(scene.hub, scene.token) as client:
                client.send(data + frame(TEXT_OP, PAY))
                assert await client.closed() == (code, []), name


async def test_flipped_bits_and_noise_on_the_wire(scene: Scene) -> None:
    """Headers, masks and lengths, too. The payment is to nobody, so that no flip makes it whole."""
    dice = random.Random(20_260_103)
    wire = frame(TEXT_OP, PAY.replace(b"@bob", b"@nobody"))
    noises = [dice.randbytes(dice.randint(1, 400)) for _ in range(60)]
    for place in range(14 * 8):  # the header and the first bytes, bit by bit
        flipped = bytearray(wire)
        flipped[place // 8] ^= 1 << place % 8
        noises.append(bytes(flipped))
    async with untouched(scene.hub, scene.bob):
        for noise in noises:
            async with raw_login(scene.hub, scene.token) as client:
                client.send(noise + wire)
                await client.finish()
    assert len(scene.hub.app.services.hub.parties) == 2


@pytest.mark.parametrize("size", [1, 7, 40])
async def test_a_payment_in_fragments_with_pings_between_is_one_payment(
    scene: Scene, size: int
) -> None:
    parts = [PAY[at : at + size] for at in range(0, len(PAY), size)]
    async with raw_login(scene.hub, scene.token) as client:
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            client.send(frame(CONT if place else TEXT_OP, part, fin=last))
            client.send(frame(PING, b"%d" % place) + frame(PONG))
        pongs = [await client.frame() for _ in parts[:-1]]
        assert pongs == [(PONG, b"%d" % place) for place in range(len(parts) - 1)]
        ack = await client.answer("p")
        assert (ack["state"], ack["balance"]["available"]) == ("settled", 9_995)
    paid = await scene.bob.until(lambda frame: frame["type"] == "payment")
    assert paid["amount"] == 5


async def test_a_payment_cut_off_in_the_middle_did_not_happen(scene: Scene) -> None:
    async with untouched(scene.hub, scene.bob):
        for end in range(1, len(frame(TEXT_OP, PAY)), 9):
            async with raw_login(scene.hub, scene.token) as client:
                client.send(frame(TEXT_OP, PAY)[:end])
        async with raw_login(scene.hub, scene.token) as client:
            client.send(frame(TEXT_OP, PAY, fin=False))


async def test_text_in_a_binary_frame_is_refused_and_the_connection_lives(scene: Scene) -> None:
    async with untouched(scene.hub, scene.bob), raw_login(scene.hub, scene.token) as client:
        client.send(frame(BINARY_OP, PAY))
        opcode, payload = await client.frame()
        assert (opcode, orjson.loads(payload)["code"]) == (TEXT_OP, "malformed")
        client.send_frame({"type": "balance", "id": "b"})
        assert (await client.answer("b"))["type"] == "balance"


async def test_an_idle_connection_keeps_no_object_of_the_library(scene: Scene) -> None:
    """Neither after the handshake, nor after pings, fragments and big frames."""
    async with raw_login(scene.hub, scene.token) as client:
        client.send(frame(PING) + frame(TEXT_OP, PAY[:9], fin=False) + frame(CONT, PAY[9:]))
        assert (await client.answer("p"))["type"] == "ack"
        big = orjson.dumps({"type": "message", "id": "m", "to": "@bob", "text": "w" * 50_000})
        client.send(frame(TEXT_OP, big))
        assert (await client.answer("m"))["type"] == "ack"
        connections = scene.hub.app.edge.connections
        assert len(connections) == 3
        assert all(one._library is None and one._tail == b"" for one in connections)
