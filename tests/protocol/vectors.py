"""The golden vectors: built from the samples by `orjson` and `msgpack`, never by our codec."""

from pathlib import Path
from typing import Any

import msgpack
import orjson

from .refusals import REFUSALS, VARIANTS
from .samples import CLIENT, HUB, Wire

FOLDER = Path(__file__).parents[2] / "protocol" / "vectors"


def _valid(direction: str, samples: list[tuple[str, Wire]]) -> list[Wire]:
    return [
        {
            "name": name,
            "direction": direction,
            "frame": frame,
            "json": orjson.dumps(frame).decode(),
            "msgpack": msgpack.packb(frame).hex(),
        }
        for name, frame in samples
    ]


def _bytes(vector: Any) -> Wire:
    """A vector that is told by its bytes; fields in the order in which they are declared."""
    fields = vector._asdict()
    return {**fields, "payload": vector.payload.hex()}


def build() -> dict[str, list[Wire]]:
    """The content of each vector file, by the file's name."""
    return {
        "client.json": _valid("client", CLIENT),
        "hub.json": _valid("hub", HUB),
        "variants.json": [_bytes(variant) for variant in VARIANTS],
        "invalid.json": [_bytes(refusal) for refusal in REFUSALS],
    }


def render(vectors: list[Wire]) -> bytes:
    """A vector file: JSON, one vector a line."""
    return b"[\n" + b",\n".join(orjson.dumps(vector) for vector in vectors) + b"\n]\n"


def write() -> None:
    """Write every vector file anew."""
    for name, vectors in build().items():
        (FOLDER / name).write_bytes(render(vectors))
