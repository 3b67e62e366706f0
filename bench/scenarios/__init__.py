"""The scenarios, one module each."""

from __future__ import annotations

from . import (
    capacity,
    connect,
    crossing,
    dm,
    durability,
    hall,
    idle,
    limits,
    mix,
    pay,
    payload,
    presence,
    primaries,
    relay,
    resume,
    room,
    slow,
    soak,
    spike,
    workers,
    world,
)
from .base import Scenario

_ALL = (
    *(dm, room, pay, durability, mix, idle, connect),
    *(resume, presence, slow, spike, soak, hall, capacity, payload),
    *(workers, primaries, relay, crossing, world, limits),
)

SCENARIOS: dict[str, Scenario] = {one.SCENARIO.name: one.SCENARIO for one in _ALL}

__all__ = ["SCENARIOS", "Scenario"]
