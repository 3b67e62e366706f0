from pathlib import Path

import pytest

from bench.load.dialects import DIALECTS
from bench.peers import PEERS, Peer

SCENARIOS = {"dm", "room", "idle", "connect", "pay"}
DURABILITIES = {"none", "memory", "async", "disk"}


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
def test_a_peer_can_be_asked_what_it_says(peer: Peer, tmp_path: Path) -> None:
    assert PEERS[peer.name] is peer
    assert peer.scenarios
    assert peer.scenarios <= SCENARIOS
    assert peer.durability in DURABILITIES
    assert peer.title
    assert "\n" not in peer.title
    driven = peer.scenarios != {"pay"}
    assert (peer.dialect in DIALECTS) == driven
    reason = peer.missing(tmp_path / peer.name)
    assert reason is None or len(reason.split()) > 2
