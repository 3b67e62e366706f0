"""Payloads that are no frames, over real sockets: each is refused by name, and nothing moves."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from protocol.errors import RETRY, Code
from protocol.frames import FRAME_BYTES_MAX
from tests.protocol.refusals import REFUSALS

from .battery import CODECS, fire, fire_all, pack, samples
from .conftest import Scene
from .untouched import balances, untouched

EVERY_CODEC = pytest.mark.parametrize("codec", CODECS)
FORM = {code.value for code in list(Code)[: list(Code).index(Code.UNAUTHENTICATED)]}
WRONG: list[Any] = [None, True, -1, 2**63, 1.5, 5.0, "", "x" * 70_000, [], [1], {}, {"from": 1}]


def check_refusals(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["type"] == "error"
        assert answer["code"] in FORM
        assert answer["retry"] == RETRY[Code(answer["code"])].value == "never"


@EVERY_CODEC
async def test_every_frame_cut_at_every_byte(scene: Scene, codec: str) -> None:
    payloads = []
    for _, wire in samples():
        whole = pack(codec, wire)
        cuts = [whole[:end] for end in range(len(whole))]
        payloads += [cut for cut in cuts if codec == "msgpack" or is_utf8(cut)]
    async with untouched(scene.hub, scene.bob):
        check_refusals(await fire_all(scene.hub, scene.token, codec, payloads))


@EVERY_CODEC
async def test_every_field_of_another_type(scene: Scene, codec: str) -> None:
    payloads = [
        pack(codec, {**wire, field: wrong})
        for _, wire in samples()
        for field, right in wire.items()
        for wrong in WRONG
        if type(wrong) is not type(right)
    ]
    async with untouched(scene.hub, scene.bob):
        check_refusals(await fire_all(scene.hub, scene.token, codec, payloads))


@EVERY_CODEC
async def test_what_is_known_to_be_wrong_is_called_by_its_name(scene: Scene, codec: str) -> None:
    """Duplicate keys, floats, strings, NaN, huge and tiny numbers: see tests/protocol."""
    mine = [one for one in REFUSALS if (one.codec, one.direction) == (codec, "client")]
    mine = [one for one in mine if codec == "msgpack" or is_utf8(one.payload)]
    fitting = [one for one in mine if len(one.payload) <= FRAME_BYTES_MAX]
    async with untouched(scene.hub, scene.bob):
        answers = await fire_all(scene.hub, scene.token, codec, [one.payload for one in fitting])
    pairs = zip(fitting, answers, strict=True)
    found = {one.name: (got["code"], got.get("id")) for one, got in pairs}
    assert found == {one.name: (one.code.value, one.id) for one in fitting}


@EVERY_CODEC
async def test_deep_nests(scene: Scene, codec: str) -> None:
    """As deep as the frame limit lets them be, alone and in place of every field's value."""
    opening, closing = (b"[", b"]") if codec == "json" else (b"\x91", b"")
    depth = 60_000
    nest = opening * depth + (closing * depth if closing else b"\x00")
    payloads = [nest]
    for field in ("type", "id", "to", "text", "ref", "amount", "cursors", "surprise"):
        wire = {"type": "message", "id": "m", "to": "@bob", "text": "hi", field: "NEST"}
        payloads.append(pack(codec, wire).replace(pack(codec, "NEST"), nest))  # type: ignore[arg-type]
    async with untouched(scene.hub, scene.bob):
        check_refusals(await fire_all(scene.hub, scene.token, codec, payloads))


@EVERY_CODEC
async def test_flipped_bits(scene: Scene, codec: str) -> None:
    """A flipped bit may leave a frame, even a payment; it is answered as one, and sums hold."""
    dice = random.Random(20_260_102)
    types: Counter[str] = Counter()
    total = sum((await balances(scene.hub)).values())
    for _, wire in samples():
        if wire["type"] == "logout":
            continue  # a flip in its id leaves it whole, and the connection ends
        client = await scene.hub.hello(scene.token, {}, binary=codec == "msgpack")
        whole = pack(codec, wire)
        flipped = []
        for place in dice.sample(range(len(whole) * 8), k=19):
            one = bytearray(whole)
            one[place // 8] ^= 1 << place % 8
            if codec == "msgpack" or is_utf8(bytes(one)):
                flipped.append(bytes(one))
        answers = [one for one in await fire(client, flipped) if "from" not in one]
        assert len(answers) <= len(flipped)
        types.update(answer["type"] for answer in answers)
        for answer in answers:
            assert answer["type"] != "error" or answer["code"] in set(Code)
            assert answer.get("code") != "internal"
        await client.close()
    assert (await scene.bob.ask("balance"))["type"] == "balance"
    assert types["error"] > 300
    assert sum((await balances(scene.hub)).values()) == total == 0


async def test_the_other_kind_of_message(scene: Scene) -> None:
    payload = pack("json", {"type": "balance", "id": "b"})
    async with untouched(scene.hub, scene.bob):
        for binary in (False, True):
            client = await scene.hub.hello(scene.token, {}, binary)
            await client.socket.send(payload, text=binary)
            answer = await client.receive()
            assert (answer["type"], answer["code"]) == ("error", "malformed")


@pytest.mark.parametrize("escaped", ["\\ud800", "\\u0000", "\\u2028", "é" * 30, "{p1}", ":x", "*"])
async def test_odd_characters_in_names_ids_and_tokens(scene: Scene, escaped: str) -> None:
    """They may be accepted as an id or refused, but never make the hub stumble."""
    frames = [
        '{"type":"status","id":"odd","of":"x"}',
        '{"type":"status","id":"x0","of":"odd"}',
        '{"type":"message","id":"x1","to":"@odd","text":"hi"}',
        '{"type":"history","id":"x2","box":"@odd"}',
        '{"type":"members","id":"x3","room":"#general","after":"@odd"}',
        '{"type":"typing","to":"@odd"}',
    ]
    client = await scene.hub.hello(scene.token, {})
    stranger = await scene.hub.connect()
    async with untouched(scene.hub, scene.bob):
        answers = await fire(client, [one.replace("odd", escaped).encode() for one in frames])
        assert "internal" not in {answer.get("code") for answer in answers}
        hello = '{"type":"hello","id":"h","token":"@odd.x"}'
        await stranger.send_raw(hello.replace("odd", escaped))
        assert (await stranger.receive())["code"] in {"token_invalid", *FORM}


async def test_nonsense_has_a_limit(scene: Scene) -> None:
    client = await scene.hub.hello(scene.token, {})
    async with untouched(scene.hub, scene.bob):
        for _ in range(20):
            await client.send_raw("{")
        answers = [await client.receive() for _ in range(21)]
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
    assert [answer["type"] for answer in answers] == ["error"] * 20 + ["goodbye"]
    assert answers[-1]["cursors"]["@alice"] >= 1
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4501


def is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
