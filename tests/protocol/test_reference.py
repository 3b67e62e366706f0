"""docs/protocol.md says what the code does."""

import re

import orjson

from protocol.codec import JSON
from protocol.errors import Code
from protocol.frames import Hello, Login, Logout, Register
from protocol.session import LEGAL, Phase, Session

from .reference import DOC, PARTS, refreshed

PAGE = DOC.read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^([→←]) (\{.*\})$", PAGE, re.MULTILINE)


def test_every_generated_part_is_on_the_page_once() -> None:
    assert sorted(re.findall(r"<!-- generated: ([a-z-]+) -->", PAGE)) == sorted(PARTS)
    assert PAGE.count("<!-- end -->") == len(PARTS)


def test_generated_parts_are_fresh() -> None:
    assert refreshed(PAGE) == PAGE, "refresh them with: python -m tests.protocol"


def test_every_code_that_the_page_speaks_of_exists() -> None:
    spoken = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE))
    fields = set(re.findall(r'"([a-z_]+)":', PAGE)) | set(re.findall(r"`([a-z_]+)\??` ", PAGE))
    assert spoken <= {code.value for code in Code} | fields


def test_the_example_is_valid_and_canonical() -> None:
    assert len(EXAMPLE) > 15
    for arrow, text in EXAMPLE:
        decode = JSON.decode_client_frame if arrow == "→" else JSON.decode_hub_frame
        assert JSON.encode(decode(text.encode())) == text.encode()
        assert orjson.dumps(orjson.loads(text)) == text.encode()


def test_the_example_obeys_the_session() -> None:
    """Each frame is legal in its phase, and in the end every frame has its answer."""
    phase, session = Phase.NEW, Session()
    for arrow, text in EXAMPLE:
        if arrow == "←":
            frame = JSON.decode_hub_frame(text.encode())
            session.received(frame)
            phase = Phase.READY
            continue
        sent = JSON.decode_client_frame(text.encode())
        if isinstance(sent, Hello):
            phase = Phase.NEW
            assert sent.token == session.token
            assert sent.cursors == session.hello_cursors()
        assert type(sent) in LEGAL[phase]
        session.sent(sent)
        if isinstance(sent, (Register, Login, Hello)):
            phase = Phase.ENTERING
    assert isinstance(sent, Logout)
    assert session.unanswered == []
    assert session.cursors == {"@alice": 6, "#cake": 1}
