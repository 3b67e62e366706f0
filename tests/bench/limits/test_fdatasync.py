"""Appends that are made durable, one after another."""

import os
import time
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.limits import fdatasync
from bench.load.histogram import merge


def test_every_append_is_synced_and_the_file_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sizes: list[int] = []
    real = os.fdatasync

    def watched(descriptor: int) -> None:
        real(descriptor)
        sizes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", watched)
    result = fdatasync.measure(tmp_path, size=200, seconds=0.1)
    assert sizes == [200 * n for n in range(1, result["acked"] + 1)]
    assert merge([result["ack"]]).get_total_count() == result["acked"] > 0
    assert result["kinds"]["sync"]["acked"] == result["acked"]
    assert not list(tmp_path.iterdir())


def test_a_slow_disk_shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "fdatasync", lambda _: time.sleep(0.02))
    result = fdatasync.measure(tmp_path, size=200, seconds=0.1)
    assert merge([result["ack"]]).get_min_value() >= 20_000
    assert result["acked"] <= 6


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="nowhere"):
        fdatasync.measure(tmp_path / "nowhere", size=200, seconds=0.1)
