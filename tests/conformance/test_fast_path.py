"""The hub's own frame reader and the library's agree, however the bytes are cut into reads."""

from __future__ import annotations

import itertools
import random

import pytest

from .wire import BINARY_OP, CLOSE, CONT, HANDSHAKE, PING, PONG, TEXT_OP, Wired, frame, outcome

WORDS = "hé — 😀".encode()
BAD = b"\xed\xa0\x80"
M1, M2 = frame(TEXT_OP, b"one"), frame(BINARY_OP, b"\x00\xff\x80two")
START, MIDDLE, END = (
    frame(TEXT_OP, WORDS[:2], fin=False),
    frame(CONT, WORDS[2:7], fin=False),
    frame(CONT, WORDS[7:]),
)
PINGED = frame(PING, b"are you there")

Sent = list[bytes]
STREAMS: dict[str, tuple[list[bytes], Sent, int | None]] = {
    # name: frames, the messages they carry, the code of the close (None: stays open)
    "one": ([M1], [b"one"], None),
    "many": ([M1, M2] * 5, [b"one", b"\x00\xff\x80two"] * 5, None),
    "empty messages": ([frame(TEXT_OP), frame(BINARY_OP)] * 2, [b""] * 4, None),
    "not ASCII": ([frame(TEXT_OP, WORDS)] * 2, [WORDS] * 2, None),
    "pings and pongs between": (
        [M1, PINGED, M1, frame(PONG), frame(PONG, b"x"), M1],
        [b"one"] * 3,
        None,
    ),
    "fragments": ([M1, START, MIDDLE, END, M1], [b"one", WORDS, b"one"], None),
    "control frames between fragments": (
        [START, PINGED, MIDDLE, frame(PONG), PINGED, END, M2, PINGED],
        [WORDS, b"\x00\xff\x80two"],
        None,
    ),
    "empty fragments": (
        [frame(TEXT_OP, fin=False), frame(CONT, fin=False), frame(CONT, b"x"), M1],
        [b"x", b"one"],
        None,
    ),
    "a length in more bytes than it needs": (
        [M1, frame(TEXT_OP, b"five!", width=2), M1, frame(TEXT_OP, b"five!", width=8), M1, PINGED],
        [b"one", b"five!", b"one", b"five!", b"one"],
        None,
    ),
    "a close": ([M1, frame(CLOSE, b"\x03\xe8bye"), M1], [b"one"], 1000),
    "a close without a code": ([M1, frame(CLOSE), M1], [b"one"], None),
    "a close within a message": ([M1, START, frame(CLOSE, b"\x03\xe8")], [b"one"], 1002),
    "bad UTF-8": ([M1, frame(TEXT_OP, BAD), M1], [b"one"], 1007),
    "bad UTF-8 in fragments, then a close": (
        [M1, START, frame(CONT, BAD), PINGED, frame(CLOSE, b"\x03\xe8")],
        [b"one"],
        1007,
    ),
    "half a character": ([frame(TEXT_OP, WORDS[:2])], [], 1007),
    "bytes that are no text are fine in binary": ([frame(BINARY_OP, BAD)], [BAD], None),
    "not masked": ([M1, frame(TEXT_OP, b"no", key=None)], [b"one"], 1002),
    "a ping that is not masked": ([M1, frame(PING, b"no", key=None)], [b"one"], 1002),
    "RSV1": ([M1, frame(TEXT_OP, b"no", rsv=4)], [b"one"], 1002),
    "RSV2": ([M1, frame(BINARY_OP, b"no", rsv=2)], [b"one"], 1002),
    "RSV3 on a pong": ([M1, frame(PONG, b"no", rsv=1)], [b"one"], 1002),
    **{
        f"reserved opcode {opcode}": ([M1, frame(opcode, b"no"), M1], [b"one"], 1002)
        for opcode in (*range(3, 8), *range(11, 16))
    },
    "a continuation of nothing": ([M1, END], [b"one"], 1002),
    "a new message within a message": ([M1, START, M1], [b"one"], 1002),
    "a fragmented ping": ([M1, frame(PING, fin=False)], [b"one"], 1002),
    "a ping of 126 bytes": ([M1, frame(PING, b"x" * 126)], [b"one"], 1002),
    "a pong of 126 bytes": ([M1, frame(PONG, b"x" * 126)], [b"one"], 1002),
    "a close of one byte": ([M1, frame(CLOSE, b"\x03")], [b"one"], 1002),
    "a close with bad UTF-8": ([M1, frame(CLOSE, b"\x03\xe8" + BAD)], [b"one"], 1007),
}
EVERY_STREAM = pytest.mark.parametrize("name", STREAMS)


@EVERY_STREAM
async def test_a_stream_carries_its_messages_and_closes_as_it_should(name: str) -> None:
    frames, messages, code = STREAMS[name]
    found, written, closed = await outcome([b"".join(frames)])
    assert [payload for payload, _ in found] == messages
    if code is None:
        assert closed == (name == "a close without a code")
    else:
        assert closed
        assert code.to_bytes(2, "big") in written[-125:]


@EVERY_STREAM
async def test_how_the_bytes_are_cut_makes_no_difference(name: str) -> None:
    stream = b"".join(STREAMS[name][0])
    whole = await outcome([stream])
    assert await outcome(STREAMS[name][0]) == whole, "frame by frame"
    for size in (1, 2, 3, 5, 7):
        reads = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert await outcome(reads) == whole, f"{size} bytes at a time"
    for cut in range(1, len(stream)):
        assert await outcome([stream[:cut], stream[cut:]]) == whole, f"cut at {cut}"


async def test_random_streams_in_random_cuts() -> None:
    dice = random.Random(20_260_101)
    valid = [M1, M2, frame(TEXT_OP, WORDS), PINGED, frame(PONG), START + MIDDLE + PINGED + END]
    valid += [frame(BINARY_OP, bytes(size)) for size in (0, 125, 126, 127, 300)]
    wrong = [STREAMS[name][0][-1] for name in ("RSV1", "not masked", "a close", "bad UTF-8")]
    for _ in range(150):
        stream = b"".join(dice.choices(valid, k=dice.randint(1, 12)) + dice.choices(wrong, k=1))
        cuts = sorted(dice.sample(range(len(stream)), k=min(len(stream), dice.randint(1, 9))))
        reads = [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])]
        assert await outcome(reads) == await outcome([stream]), reads


LENGTHS = (0, 1, 125, 126, 127, 4095, 4096, 4097, 65_535, 65_536, 65_537)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("opcode", [TEXT_OP, BINARY_OP], ids=["text", "binary"])
async def test_lengths_at_the_borders_of_the_header(length: int, opcode: int) -> None:
    payload = bytes(33 + place % 90 for place in range(length))
    stream = M1 + frame(opcode, payload) + M1
    expected = [(b"one", True), (payload, opcode == TEXT_OP), (b"one", True)]
    whole = await outcome([stream])
    assert whole[0] == expected
    ends = {len(M1) + place for place in range(1, 16)} | {len(stream) - len(M1) - 1}
    for cut in (end for end in ends if end < len(stream)):
        assert await outcome([stream[:cut], stream[cut:]]) == whole, cut


@pytest.mark.parametrize("key", [bytes(4), b"\xff" * 4, b"\x00\x01\x02\x03", b"\x80\x00\x00\x7f"])
async def test_every_kind_of_mask(key: bytes) -> None:
    for length in (0, 1, 3, 4, 5, 125, 126, 1000):
        payload = bytes(33 + place % 90 for place in range(length))
        found, _, _ = await outcome([frame(TEXT_OP, payload, key=key)])
        assert found == [(payload, True)]


@pytest.mark.parametrize("limit", [100, 1_000, 4_096, 5_000, 70_000])
async def test_the_frame_limit_holds_on_every_path(limit: int) -> None:
    fits, over = b"a" * limit, b"a" * (limit + 1)
    halves = [frame(TEXT_OP, over[: limit // 2], fin=False), frame(CONT, over[limit // 2 :])]
    assert (await outcome([frame(TEXT_OP, fits)], limit))[0] == [(fits, True)]
    for reads in ([frame(TEXT_OP, over)], [frame(BINARY_OP, over)], halves):
        found, written, closed = await outcome(reads, limit)
        assert (found, closed) == ([], True)
        assert b"\x03\xf1" in written[:4], "1009, message too big"


async def test_a_frame_is_refused_by_its_header_before_its_body_comes() -> None:
    """The limit bounds what the hub has to keep, so the length alone is enough."""
    head = frame(BINARY_OP, b"a" * 200_000)[:14]
    found, written, closed = await outcome([head])
    assert (found, closed, b"\x03\xf1" in written) == ([], True, True)


async def test_the_library_is_kept_only_while_it_is_needed() -> None:
    wired = await Wired().open()
    assert not wired.holds_library
    steps = [
        (M1, False),
        (M1[:3], False),  # half a common frame is kept as bytes
        (M1[3:] + PINGED[:3], True),
        (PINGED[3:], False),
        (START, True),
        (PINGED, True),
        (MIDDLE + END, False),
        (frame(BINARY_OP, b"x" * 5_000)[:3_000], True),
        (frame(BINARY_OP, b"x" * 5_000)[3_000:] + M1[:2], True),
        (M1[2:], False),
    ]
    for data, held in steps:
        await wired.feed([data])
        assert wired.holds_library is held, data[:20]
    wired.hang_up()


async def test_empty_fragments_do_not_pile_up() -> None:
    wired = await Wired().open()
    await wired.feed([frame(TEXT_OP, fin=False) + frame(CONT, fin=False) * 5_000])
    assert len(wired.connection._fragments or ()) == 1
    wired.hang_up()


async def test_frames_that_come_with_the_request_are_read_after_it() -> None:
    stream = HANDSHAKE + M1 + PINGED + START + MIDDLE + END + M1
    for reads in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        wired = Wired()
        await wired.feed(reads)
        assert wired.guest is not None
        assert [payload for payload, _ in wired.guest.messages] == [b"one", WORDS, b"one"]
        assert not wired.holds_library
        wired.hang_up()


async def test_a_close_of_ours_lets_the_frame_that_is_half_read_end() -> None:
    """The client's answer to our close comes after the rest of the frame it was sending."""
    wired = await Wired().open()
    await wired.feed([M1[:4]])
    wired.connection.close(4002, "idle")
    await wired.feed([M1[4:] + frame(CLOSE, b"\x0f\xa2")])
    assert wired.line.closed
    assert wired.line.written == b"\x88\x06\x0f\xa2idle"
    wired.hang_up()


async def test_the_answer_to_our_close_may_stand_in_the_same_read() -> None:
    quit = frame(TEXT_OP, b"quit")
    for reads in ([quit + frame(CLOSE, b"\x11\x94")], [quit + M1 + frame(CLOSE, b"\x11\x94")]):
        messages, written, closed = await outcome(reads)
        assert (messages, written, closed) == ([(b"quit", True)], b"\x88\x02\x11\x94", True)
        assert await outcome([reads[0][at : at + 1] for at in range(len(reads[0]))]) == (
            messages,
            written,
            closed,
        )
