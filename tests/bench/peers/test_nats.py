"""NATS core and JetStream: what is said, what is found in answers, and both for real."""

import re
from collections.abc import Iterator

import pytest

from bench.errors import BenchError
from bench.load.dialects.base import BLANK, Dialect
from bench.load.dialects.nats import JetStream, Nats
from bench.load.driver import Generator
from bench.peers import home, jetstream, nats
from bench.peers.peer import Peer

from .load import passes

ID = b"000000000017"
ANSWER = b'MSG _I.a.000000000017 2 26\r\n{"stream":"chat","seq":12}\r\n'
REFUSED = (
    b'MSG _I.a.000000000017 2 92\r\n{"error":{"code":503,"description":"x"},"stream":"chat"}\r\n'
)
COPY = b'MSG p.b 1 _I.a.000000000017 45\r\n{"id":"000000000017","from":"a","text":"xxxxx"}\r\n'


@pytest.mark.parametrize("dialect", [Nats(), JetStream()])
@pytest.mark.parametrize(("kind", "subject"), [("message", b"p.bo"), ("room", b"r.bo")])
@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_publication_tells_its_size(
    dialect: Dialect, kind: str, subject: bytes, size: int
) -> None:
    line, body, rest = dialect.operation(kind, "al", "bo", size).split(b"\r\n")
    verb, to, *_, length = line.split(b" ")
    assert (verb, to, rest) == (b"PUB", subject, b"")
    assert int(length) == len(body)
    assert body.endswith(b'"text":"%b"}' % (b"x" * size))
    assert BLANK.encode() in body


def test_a_publication_asks_for_an_answer_only_where_there_is_one() -> None:
    assert Nats().operation("message", "al", "bo", 5).count(BLANK.encode()) == 1
    assert b" _I.al.%b " % BLANK.encode() in JetStream().operation("message", "al", "bo", 5)


def test_answers_and_copies_are_told_apart() -> None:
    ack = JetStream.ack
    assert ack is not None
    assert ack.findall(ANSWER + COPY + ANSWER) == [ID, ID]
    assert JetStream.delivery.findall(COPY + ANSWER + COPY) == [ID, ID]
    assert not JetStream.refusal.search(ANSWER + COPY)


def test_a_refusal_by_the_stream_is_no_acknowledgement() -> None:
    ack = JetStream.ack
    assert ack is not None
    assert not ack.search(REFUSED)
    assert JetStream.refusal.search(REFUSED)
    assert Nats.refusal.search(b"-ERR 'Maximum Payload Violation'\r\n")


@pytest.fixture(params=[nats.PEER, jetstream.PEER], ids=lambda peer: peer.name)
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    if reason := request.param.missing(home(request.param.name)):
        pytest.skip(f"{request.param.name}: {reason}")
    return request.param


def test_it_passes_on_what_it_gets(peer: Peer) -> None:
    with peer.start(home(peer.name)) as system:
        passes(system)


def test_the_stream_has_what_it_acknowledged() -> None:
    folder = home(nats.PEER.name)
    if reason := nats.PEER.missing(folder):
        pytest.skip(f"nats: {reason}")
    serving = nats.serving(jetstream.PEER, folder, jetstream.STORAGE)
    with serving as (system, port):
        jetstream.request(port, "STREAM.CREATE.chat", jetstream.STREAM)
        with Generator.of_clients(system.addresses, system.dialect) as generator:
            generator.call("enter", number=4)
            plan = {"kinds": {"message": 1}, "to": "pair", "seconds": 0.2, "warm_up": 0, "size": 9}
            sent = generator.call("load", **plan)["sent"]
        answer = jetstream.request(port, "STREAM.INFO.chat", {})
        found = re.search(r"'messages': (\d+)", str(answer["state"]))
        assert found is not None
        assert int(found[1]) == sent > 0
        with pytest.raises(BenchError, match=r"refused STREAM\.INFO\.other: .*not found"):
            jetstream.request(port, "STREAM.INFO.other", {})


def test_a_server_that_does_not_start_says_why(peer: Peer) -> None:
    with (
        pytest.raises(BenchError, match=r"(?s)did not start.*unknown field \"nonsense\""),
        nats.serving(peer, home(nats.PEER.name), "nonsense: 1"),
    ):
        pass


def test_a_server_that_is_gone_does_not_answer() -> None:
    with pytest.raises(BenchError, match="did not answer"):
        jetstream.request(1, "INFO", {})
