"""ejabberd: what is said, what is found in its answers (taken down from it), and for real."""

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.load.dialects.base import BLANK
from bench.load.dialects.xmpp import Xmpp
from bench.peers import home
from bench.peers.ejabberd import PEER, environment

from .load import passes

COPY = (
    b"<message xmlns='jabber:client' xml:lang='en' to='bo@localhost/bench'"
    b" from='al@localhost/bench' type='chat' id='000000000017'><body>xxx</body></message>"
)
BOUNCE = (
    b"<message xmlns='jabber:client' xml:lang='en' to='al@localhost/bench'"
    b" from='bo@localhost/bench' type='error' id='000000000017'><error code='503' type='cancel'>"
)
ARRIVAL = (
    b"<presence xmlns='jabber:client' to='al@localhost/bench' from='r@conference.localhost'"
    b" id='2096831455214981465'><c node='http://www.process-one.net/en/ejabberd/'/></presence>"
)


def test_a_message_goes_to_one_address_or_to_a_room() -> None:
    chat, room = (Xmpp().operation(kind, "al", "bo", 7) for kind in ("message", "room"))
    assert b" to='bo@localhost/bench' type='chat'" in chat
    assert b" to='bo@conference.localhost' type='groupchat'" in room
    for one in (chat, room):
        assert one.count(BLANK.encode()) == 1
        assert b"<body>xxxxxxx</body></message>" in one


def test_copies_counts_and_other_stanzas_are_told_apart() -> None:
    assert Xmpp.delivery.findall(ARRIVAL + COPY + COPY) == [b"000000000017"] * 2
    assert Xmpp.ack is not None
    assert Xmpp.ack.findall(COPY + b"<a h='42' xmlns='urn:xmpp:sm:3'/>") == [b"42"]
    assert not Xmpp.refusal.search(COPY)
    assert not Xmpp.refusal.search(BOUNCE)
    assert Xmpp.delivery.search(BOUNCE)
    assert not Xmpp.refusal.search(ARRIVAL)


@pytest.mark.parametrize(
    "answer",
    [
        b"<iq xmlns='jabber:client' type='error' id='bind'><error type='cancel'>",
        b"<presence from='r@conference.localhost/al' to='al@localhost/bench' type='error'><error>",
        b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
        b"<failed xmlns='urn:xmpp:sm:3'/>",
        b"<stream:error xmlns:stream='http://etherx.jabber.org/streams'><conflict/>",
        b"<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
    ],
)
def test_refusals_are_seen(answer: bytes) -> None:
    assert Xmpp.refusal.search(answer)


def test_a_folder_without_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(BenchError, match="there is no ejabberd"):
        environment(tmp_path, "/nowhere")


def test_it_passes_on_what_it_gets_and_ends() -> None:
    folder = home(PEER.name)
    if reason := PEER.missing(folder):
        pytest.skip(f"ejabberd: {reason}")
    with PEER.start(folder) as system:
        passes(system, echoes=True)
        here = Path(f"/proc/{system.pids['server']}")
        assert "beam" in (here / "comm").read_text()
    assert not here.exists()
