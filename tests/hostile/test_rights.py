"""Frames that are well-formed but not theirs to send: refused by name, and nothing moves."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from protocol.frames import AnyClientFrame
from tests.protocol.samples import CLIENT, Wire
from tests.support import Client

from .battery import END, fire, pack
from .conftest import Scene
from .untouched import untouched

ENTRANCES = {"register", "login", "hello"}
OPERATOR = {"deposit", "freeze", "suspend"}
BOTH = {"status", "logout"}


def frames_of(types: set[str]) -> list[Wire]:
    return [wire for _, wire in CLIENT if wire["type"] in types]


ALL_TYPES = {wire["type"] for _, wire in CLIENT}
PERSON = ALL_TYPES - ENTRANCES - OPERATOR - BOTH


def test_the_samples_have_every_type() -> None:
    assert {kind.__struct_config__.tag for kind in get_args(AnyClientFrame)} == ALL_TYPES


async def codes(client: Client, frames: list[Wire]) -> set[tuple[str, str]]:
    """Type and code of the answers to `frames`, one each."""
    codec = "msgpack" if client.binary else "json"
    answers = await fire(client, [pack(codec, one) for one in frames])
    answers = [one for one in answers if "from" not in one]
    assert [one.get("id") for one in answers] == [one.get("id") for one in frames]
    return {(one["type"], one.get("code", "")) for one in answers}


@pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])
async def test_before_login_only_the_entrances_are_open(scene: Scene, binary: bool) -> None:
    stranger = await scene.hub.connect(binary)
    frames = frames_of(ALL_TYPES - ENTRANCES)
    async with untouched(scene.hub, scene.bob):
        for wire in frames:
            await stranger.send(wire)
            answer = await stranger.receive()
            found = (answer["type"], answer.get("id"), answer["code"], answer["retry"])
            assert found == ("error", wire.get("id"), "unauthenticated", "same_id")


async def test_while_somebody_comes_in_nothing_else_is_taken(scene: Scene) -> None:
    stranger = await scene.hub.connect()
    await stranger.send({"type": "login", "id": "l", "handle": "bob", "password": "not this"})
    await stranger.send({"type": "message", "id": "m", "to": "@bob", "text": "hi"})
    await stranger.send({"type": "hello", "id": "h", "token": scene.token})
    answers = {one["id"]: one["code"] for one in [await stranger.receive() for _ in range(3)]}
    assert answers == {"m": "unauthenticated", "h": "unauthenticated", "l": "login_failed"}
    assert (await stranger.ask("hello", token=scene.token))["type"] == "welcome"


async def test_a_person_is_not_the_operator_and_does_not_enter_twice(scene: Scene) -> None:
    async with untouched(scene.hub, scene.bob):
        assert await codes(scene.alice, frames_of(OPERATOR)) == {("error", "forbidden")}
        found = await codes(scene.alice, frames_of(ENTRANCES))
        assert found == {("error", "already_authenticated")}


async def test_the_operator_is_not_a_person(scene: Scene) -> None:
    operator = await scene.hub.operator()
    assert operator.welcome["handle"] == "$world"
    async with untouched(scene.hub, scene.bob):
        for wire in frames_of(PERSON | ENTRANCES):
            await operator.send(wire)
            answer = await operator.receive()
            wanted = "already_authenticated" if wire["type"] in ENTRANCES else "forbidden"
            assert (answer["type"], answer["code"]) == ("error", wanted), wire


PAY = {"type": "payment", "amount": 1, "currency": "USD"}
REFUSED: list[tuple[Wire, str]] = [
    ({"type": "history", "box": "@bob"}, "forbidden"),
    ({"type": "history", "box": "$world"}, "forbidden"),
    ({"type": "history", "box": "@nobody"}, "forbidden"),
    ({"type": "history", "box": "#secret"}, "not_a_member"),
    ({"type": "history", "box": "#nowhere"}, "not_a_member"),
    ({"type": "members", "room": "#secret"}, "not_a_member"),
    ({"type": "members", "room": "#nowhere"}, "not_a_member"),
    ({"type": "message", "to": "#secret", "text": "hi"}, "not_a_member"),
    ({"type": "message", "to": "#nowhere", "text": "hi"}, "unknown_room"),
    ({"type": "message", "to": "@nobody", "text": "hi"}, "unknown_account"),
    ({"type": "message", "to": "$world", "text": "hi"}, "name_invalid"),
    ({"type": "message", "to": "@$world", "text": "hi"}, "unknown_account"),
    ({"type": "message", "to": "bob", "text": "hi"}, "name_invalid"),
    ({"type": "message", "to": "@bob", "text": "hi", "from": "@bob"}, "malformed"),
    ({"type": "message", "to": "@bob", "text": "hi", "seq": 1}, "malformed"),
    ({"type": "read", "to": "#secret", "up_to": "m-2"}, "not_a_member"),
    ({"type": "read", "to": "$world", "up_to": "m-2"}, "name_invalid"),
    ({"type": "leave", "room": "#secret"}, "not_a_member"),
    ({"type": "join", "room": "#nowhere"}, "unknown_room"),
    ({"type": "join", "room": "#general"}, "already_a_member"),
    ({"type": "create", "room": "#secret"}, "name_taken"),
    ({**PAY, "to": "$world"}, "name_invalid"),
    ({**PAY, "to": "@$world"}, "name_invalid"),
    ({**PAY, "to": "#general"}, "name_invalid"),
    ({**PAY, "to": "@alice"}, "same_account"),
    ({**PAY, "to": "@nobody"}, "unknown_account"),
    ({**PAY, "to": "@bob", "room": "#secret"}, "not_a_member"),
    ({**PAY, "to": "@bob", "from": "@bob"}, "malformed"),
    ({**PAY, "to": "@bob", "balance": 5}, "malformed"),
    ({**PAY, "to": "@bob", "state": "settled"}, "malformed"),
    ({**PAY, "to": "@bob", "currency": "XXX"}, "currency_unknown"),
    ({**PAY, "to": "@bob", "currency": "usd"}, "currency_unknown"),
    ({**PAY, "to": "@bob", "currency": "EUR"}, "insufficient_funds"),
    ({**PAY, "to": "@bob", "amount": 10_001}, "insufficient_funds"),
    ({**PAY, "to": "@bob", "amount": 2**53 - 1}, "balance_overflow"),
]


async def test_what_belongs_to_others(scene: Scene) -> None:
    frames = [{**wire, "id": f"r{place}"} for place, (wire, _) in enumerate(REFUSED)]
    async with untouched(scene.hub, scene.bob):
        for wire, (_, wanted) in zip(frames, REFUSED, strict=True):
            await scene.alice.send(wire)
            answer = await scene.alice.answer(wire["id"])
            assert (answer["type"], answer["code"]) == ("error", wanted), wire


async def test_what_others_did_is_not_told(scene: Scene) -> None:
    """Another's outcome, box or typing stay theirs."""
    report = await scene.alice.ask("status", of="m-2")
    assert report["outcome"] == "unknown"
    spy = await scene.hub.hello(scene.token, {"@bob": 0, "#secret": 0, "$world": 0, "#nowhere": 0})
    assert set(spy.welcome["boxes"]) == {"@alice", "#general"}
    await scene.alice.send({"type": "typing", "to": "#secret"})
    await scene.bob.ask("message", to="#secret", text="still secret")
    assert [one async for one in _until_end(spy)] == []
    assert "typing" not in {one["type"] for one in scene.bob.pushed}


async def _until_end(client: Client) -> Any:
    await client.send({"type": "balance", "id": END})
    while (frame := await client.receive()).get("id") != END:
        yield frame


async def test_who_leaves_hears_nothing_more(scene: Scene) -> None:
    await scene.alice.ask("leave", room="#general")
    await scene.bob.ask("message", to="#general", text="is she gone?")
    heard = [one.get("text") async for one in _until_end(scene.alice)]
    assert heard == ["welcome"]
    assert (await scene.alice.ask("history", box="#general"))["code"] == "not_a_member"
