"""The scenarios, one module each."""

from __future__ import annotations

from . import (
    capacity,
    connect,
    dm,
    durability,
    idle,
    limits,
    mix,
    pay,
    payload,
    resume,
    room,
    slow,
    soak,
    spike,
)
from .base import Scenario

_ALL = (
    *(dm, room, pay, durability, mix, idle, connect),
    *(resume, slow, spike, soak, capacity, payload, limits),
)

SCENARIOS: dict[str, Scenario] = {one.SCENARIO.name: one.SCENARIO for one in _ALL}

__all__ = ["SCENARIOS", "Scenario"]
