"""The quick way of a request against the library's: the same answer, or none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.edge.edge import Edge
from server.edge.handshake import answer, expect_request
from server.edge.outbox import Flusher
from server.edge.upgrade import read_common

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
COMMON = (b"Host: x", b"Upgrade: websocket", b"Connection: Upgrade", KEY)
VERSION = b"Sec-WebSocket-Version: 13"
_DATE = re.compile(rb"Date: [^\r]*\r\n")


def request(*fields: bytes, line: bytes = b"GET /ws HTTP/1.1") -> bytes:
    """A request with these header fields."""
    return b"\r\n".join((line, *fields)) + b"\r\n\r\n"


def of_library(data: bytes, origins: list[str] | None = None) -> tuple[bytes, str, bool]:
    """What the library answers, which subprotocol it chose, and whether somebody is in."""
    edge = Edge(Flusher(None), None, lambda path, reply: None, origins)  # type: ignore[arg-type]
    library = expect_request(edge)
    library.receive_data(data)
    guest = None
    for one in library.events_received():
        guest = answer(edge, library, one, lambda *page: None, "192.0.2.1")  # type: ignore[arg-type]
    said = b"".join(library.data_to_send())
    return _DATE.sub(b"", said), library.subprotocol or "", guest is not None


def agree(data: bytes) -> bool:
    """Whether the quick way knows `data`; then it must say what the library says."""
    found = read_common(data)
    if found is None:
        return False
    said, subprotocol, is_in = of_library(data[: found.length])
    assert is_in, data
    assert (_DATE.sub(b"", found.response), found.subprotocol) == (said, subprotocol)
    return True


COMMON_KINDS = {
    "the bench's": request(*COMMON, VERSION),
    "json": request(*COMMON, VERSION, b"Sec-WebSocket-Protocol: teller.v1.json"),
    "msgpack": request(*COMMON, VERSION, b"Sec-WebSocket-Protocol: teller.v1.msgpack"),
    "with a question": request(*COMMON, VERSION, line=b"GET /ws?a=b HTTP/1.1"),
    "Firefox's": request(
        *(b"Host: x", b"Upgrade: WebSocket", b"Connection: keep-alive, Upgrade", KEY, VERSION),
        *(
            b"Origin: https://x",
            b"Sec-WebSocket-Extensions: permessage-deflate",
            b"Pragma:no-cache",
        ),
    ),
    "padded": request(*COMMON, b"sec-websocket-version:\t 13 \t"),
}


@pytest.mark.parametrize("kind", COMMON_KINDS)
def test_the_common_kinds_take_the_quick_way(kind: str) -> None:
    data = COMMON_KINDS[kind]
    assert agree(data)
    found = read_common(data + b"\x81\x80abcd")
    assert found is not None
    assert found.length == len(data)


STRANGE = {
    "half of one": request(*COMMON, VERSION)[:-1],
    "of another page": request(*COMMON, VERSION, line=b"GET /metrics HTTP/1.1"),
    "of a region": request(*COMMON, VERSION, b"Sec-WebSocket-Protocol: teller.region.v1"),
    "two offers": request(*COMMON, VERSION, b"Sec-WebSocket-Protocol: soap, teller.v1.json"),
    "an offer that is no text": request(*COMMON, VERSION, b"Sec-WebSocket-Protocol: \xff"),
    "a POST": request(*COMMON, VERSION, line=b"POST /ws HTTP/1.1"),
    "HTTP/1.0": request(*COMMON, VERSION, line=b"GET /ws HTTP/1.0"),
    "no version": request(*COMMON, b"Accept: */*"),
    "two versions": request(*COMMON, VERSION, VERSION),
    "a short key": request(*COMMON[:3], b"Sec-WebSocket-Key: AAAA", VERSION),
    "a body": request(*COMMON, VERSION, b"Content-Length: 2"),
    "chunks": request(*COMMON, VERSION, b"Transfer-Encoding: chunked"),
    "no upgrade": request(b"Host: x", b"Connection: Upgrade", KEY, VERSION),
    "another connection": request(*COMMON[:2], b"Connection: close", KEY, VERSION),
    "a folded field": request(*COMMON, VERSION, b"X: a\r\n b"),
    "a field without a name": request(*COMMON, VERSION, b": a"),
    "very long": request(*COMMON, VERSION, b"Cookie: " + b"a" * 2_048),
    "very many": request(*COMMON, VERSION, *(b"X%d: y" % n for n in range(60))),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_every_other_request_is_the_librarys(kind: str) -> None:
    assert read_common(STRANGE[kind]) is None


def test_who_must_be_looked_at_is_the_librarys() -> None:
    data = request(*COMMON, VERSION, b"Origin: https://evil.example")
    assert read_common(data) is not None
    assert read_common(data, (b"origin",)) is None
    data = request(*COMMON, VERSION, b"x-Forwarded-for: 192.0.2.7")
    assert read_common(data, (b"origin", b"x-forwarded-for")) is None


FIELDS = [
    *(*COMMON, VERSION, b"Upgrade: h2c", b"Upgrade: WEBSOCKET", b"Connection: upgrade"),
    *(b"Connection: close", b"Sec-WebSocket-Version: 8", b"Origin: null", b"Content-Length: 0"),
    *(b"Sec-WebSocket-Protocol: teller.v1.json", b"Sec-WebSocket-Protocol: mqtt"),
    *(b"Sec-WebSocket-Extensions: x", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB==", b"A: \xe4"),
    *(b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=", b"Expect: 100-continue", b"Bad", b"B : c"),
]


@given(
    st.lists(st.sampled_from(FIELDS), max_size=4),
    st.sets(st.sampled_from((*COMMON, VERSION)), max_size=1),
    st.binary(max_size=6),
    st.integers(0, 300),
)
def test_what_it_knows_the_library_knows(
    more: list[bytes], less: set[bytes], noise: bytes, place: int
) -> None:
    fields = [one for one in (*COMMON, VERSION) if one not in less] + more
    data = request(*fields)
    agree(data)
    agree(data[:place] + noise + data[place:])
    agree(data[:place] + noise + data[place + len(noise) :])
