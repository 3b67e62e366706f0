import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bench.load.wire import BINARY, PING, TEXT, WireError, handshake, masked, spans, whole

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536]


def server_frame(opcode: Opcode, payload: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=False)


def upgraded() -> ServerProtocol:
    server = ServerProtocol(subprotocols=["teller.v1.json"])
    server.receive_data(handshake("127.0.0.1", 1, "/ws", "teller.v1.json"))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    response = server.accept(request)
    assert response.status_code == 101
    server.send_response(response)
    return server


@pytest.mark.parametrize("size", SIZES)
def test_a_library_reads_our_frames(size: int) -> None:
    server, payload = upgraded(), os.urandom(size)
    server.receive_data(masked(BINARY, payload))
    (frame,) = server.events_received()
    assert (frame.opcode, frame.data) == (Opcode.BINARY, payload)


@pytest.mark.parametrize("size", SIZES)
def test_we_find_a_librarys_frames(size: int) -> None:
    payload = os.urandom(size)
    data = server_frame(Opcode.TEXT, payload) + server_frame(Opcode.PING, b"now")
    (first, second), used = spans(data)
    assert (first[0], data[first[1] : first[2]]) == (TEXT, payload)
    assert (second[0], data[second[1] : second[2]]) == (PING, b"now")
    assert used == len(data)


def test_a_cut_anywhere_leaves_whole_frames_and_a_rest() -> None:
    payloads = [b"a", b"b" * 130, b"", b"c" * 70_000]
    frames = [server_frame(Opcode.TEXT, payload) for payload in payloads]
    data = b"".join(frames)
    ends = [sum(map(len, frames[: n + 1])) for n in range(len(frames))]
    for cut in [*range(160), len(data) - 1, len(data)]:
        found, used = spans(data[:cut])
        whole = sum(end <= cut for end in ends)
        assert [data[start:end] for _, start, end in found] == payloads[:whole]
        assert used == (ends[whole - 1] if whole else 0)


@pytest.mark.parametrize(
    "data", [server_frame(Opcode.TEXT, b"a", fin=False), masked(TEXT, b"a" * 3)]
)
def test_what_no_server_may_send_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        spans(data)


@settings(max_examples=300, deadline=None)
@given(
    lengths=st.lists(
        st.tuples(st.sampled_from([0, 1, 100, 125, 126, 300, 65_536]), st.integers(1, 9)),
        max_size=6,
    ),
    pinged=st.booleans(),
    cut=st.integers(0, 300),
)
def test_whole_frames_are_counted_as_spans_finds_them(
    lengths: list[tuple[int, int]], pinged: bool, cut: int
) -> None:
    """Runs of frames of one length are counted by comparing their headers; it must not matter."""
    data = b"".join(
        server_frame(Opcode.TEXT, os.urandom(length)) * times for length, times in lengths
    )
    if pinged:
        data += server_frame(Opcode.PING, b"now")
    data = data[: max(0, len(data) - cut)]
    frames, used = spans(data)
    plain = all(opcode == TEXT for opcode, _, _ in frames)
    assert whole(data) == (used, len(frames), plain)


@pytest.mark.parametrize(
    "odd", [server_frame(Opcode.TEXT, b"a", fin=False), masked(TEXT, b"a" * 3)]
)
@pytest.mark.parametrize("before", [0, 1, 8])
def test_what_is_not_a_whole_message_is_not_plain(odd: bytes, before: int) -> None:
    assert not whole(server_frame(Opcode.TEXT, b"abcdef") * before + odd * 6)[2]
