"""NATS JetStream: a stream in files over the subjects of all accounts and rooms."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.systems import System

from . import nats
from .peer import Peer

STORAGE = 'jetstream { store_dir: "HERE/store", sync_interval: always }'
STREAM = {"name": "chat", "subjects": ["p.>", "r.>"], "storage": "file"}
ANSWER_SECONDS = 10


def request(port: int, api: str, body: object) -> dict[str, object]:
    """What JetStream answers to `body` on the subject `api`, over NATS on `port` of this machine.

    Raises:
        BenchError: if it refuses, or does not answer.
    """
    payload = json.dumps(body).encode()
    ask = b"CONNECT {}\r\nSUB _I.setup 1\r\nPUB $JS.API.%b _I.setup %d\r\n%b\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as server:
            server.sendall(ask % (api.encode(), len(payload), payload))
            with server.makefile("rb") as lines:
                found = next((line for line in lines if line.startswith(b"{")), b"{}")
    except OSError as error:
        raise BenchError(f"JetStream did not answer {api}: {error}") from error
    answer: dict[str, object] = json.loads(found)
    if "type" not in answer or "error" in answer:
        raise BenchError(f"JetStream refused {api}: {answer}")
    return answer


@contextmanager
def _start(folder: Path) -> Iterator[System]:
    with nats.serving(PEER, folder.with_name(nats.PEER.name), STORAGE) as (system, port):
        request(port, f"STREAM.CREATE.{STREAM['name']}", STREAM)
        yield system


PEER = Peer(
    "jetstream",
    "NATS JetStream in files: the ack says that it is on disk (sync always, one fsync a message); "
    "the recipient's copy does not wait for that",
    "jetstream",
    "disk",
    frozenset({"dm", "room"}),
    # It is the same software, in the same folder.
    missing=lambda folder: nats.PEER.missing(folder.with_name(nats.PEER.name)),
    install=lambda folder: nats.PEER.install(folder.with_name(nats.PEER.name)),
    start=_start,
)
