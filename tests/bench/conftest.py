"""What tests of the bench share."""

from __future__ import annotations

from itertools import count

import pytest


@pytest.fixture
def nothing_stolen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is stolen, whatever else runs beside the machine of the tests."""
    ticks = count(1)
    monkeypatch.setattr("bench.procfs.stolen", lambda: (0, next(ticks)))
