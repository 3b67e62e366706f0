"""The vector files are complete and true, for our codec and for `orjson` and `msgpack` alike."""

from typing import Any

import msgpack
import orjson
import pytest

from protocol import frames
from protocol.codec import JSON, MSGPACK, Codec
from protocol.errors import FrameError

from .vectors import FOLDER, build, render

BY_NAME = {"json": JSON, "msgpack": MSGPACK}
FILES = {name: orjson.loads((FOLDER / name).read_bytes()) for name in build()}
VALID = FILES["client.json"] + FILES["hub.json"]


def label(vector: dict[str, Any]) -> str:
    return "-".join((vector["direction"], vector.get("codec", "both"), vector["name"]))


def decode(codec: Codec, direction: str, payload: bytes) -> Any:
    if direction == "client":
        return codec.decode_client_frame(payload)
    return codec.decode_hub_frame(payload)


@pytest.mark.parametrize("name", build())
def test_files_are_what_the_samples_make(name: str) -> None:
    assert (FOLDER / name).read_bytes() == render(build()[name])


@pytest.mark.parametrize(
    ("file", "union"),
    [("client.json", frames.AnyClientFrame), ("hub.json", frames.AnyHubFrame)],
)
def test_every_type_has_a_vector(file: str, union: Any) -> None:
    tags = {kind.__struct_config__.tag for kind in union.__args__}
    assert {vector["frame"]["type"] for vector in FILES[file]} == tags


@pytest.mark.parametrize("vector", VALID, ids=label)
def test_independent_libraries_read_the_vector(vector: dict[str, Any]) -> None:
    assert orjson.loads(vector["json"]) == vector["frame"]
    assert msgpack.unpackb(bytes.fromhex(vector["msgpack"])) == vector["frame"]


@pytest.mark.parametrize("vector", VALID, ids=label)
def test_codec_reads_and_writes_the_vector(vector: dict[str, Any]) -> None:
    json, binary = vector["json"].encode(), bytes.fromhex(vector["msgpack"])
    frame = decode(JSON, vector["direction"], json)
    assert decode(MSGPACK, vector["direction"], binary) == frame
    assert JSON.encode(frame) == json
    assert MSGPACK.encode(frame) == binary


@pytest.mark.parametrize("vector", FILES["variants.json"], ids=label)
def test_codec_reads_the_variant(vector: dict[str, Any]) -> None:
    frame = decode(BY_NAME[vector["codec"]], vector["direction"], bytes.fromhex(vector["payload"]))
    assert JSON.encode(frame) == orjson.dumps(vector["frame"])


@pytest.mark.parametrize("vector", FILES["invalid.json"], ids=label)
def test_codec_refuses_the_invalid(vector: dict[str, Any]) -> None:
    codec, payload = BY_NAME[vector["codec"]], bytes.fromhex(vector["payload"])
    with pytest.raises(FrameError) as refusal:
        decode(codec, vector["direction"], payload)
    assert (refusal.value.code, refusal.value.id) == (vector["code"], vector["id"])
