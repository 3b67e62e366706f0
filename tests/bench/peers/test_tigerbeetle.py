"""TigerBeetle: when it takes part, and for real where there is one."""

import shutil
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.peers.tigerbeetle import PEER, TRANSFERS, TigerBeetle


def test_without_a_program_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIGERBEETLE_BIN", raising=False)
    assert "TIGERBEETLE_BIN" in str(PEER.missing(tmp_path))
    monkeypatch.setenv("TIGERBEETLE_BIN", str(tmp_path / "nothing"))
    assert "TIGERBEETLE_BIN" in str(PEER.missing(tmp_path))
    with pytest.raises(BenchError, match="TIGERBEETLE_BIN"), PEER.start(tmp_path):
        pass
    with pytest.raises(BenchError, match="TIGERBEETLE_BIN"):
        PEER.install(tmp_path)


def test_a_program_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIGERBEETLE_BIN", str(shutil.which("false")))
    assert PEER.missing(tmp_path) is None
    with PEER.start(tmp_path) as system:
        assert isinstance(system, TigerBeetle)
        with pytest.raises(BenchError, match="format failed"):
            system.play(seconds=1, warm_up=0)
        with pytest.raises(BenchError, match="closed loop"):
            system.play(seconds=1, warm_up=0, rate=10)


def test_a_window_for_real(tmp_path: Path) -> None:
    if reason := PEER.missing(tmp_path):
        pytest.skip(reason)
    with PEER.start(tmp_path) as system:
        assert isinstance(system, TigerBeetle)
        result = system.play(seconds=1, warm_up=0)
    assert result["acked"] == TRANSFERS
    assert result["cpu_ns"]["server"] > 0
