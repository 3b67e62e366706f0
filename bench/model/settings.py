"""Prices and habits: the two files of assumptions."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.errors import BenchError

HABITS = Path(str(files("bench") / "habits.toml"))
PRICES = Path(str(files("bench") / "prices.toml"))
T = TypeVar("T")
MONTH_DAYS = 365.25 / 12


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file; a name that is not known is a mistake. The files themselves tell what
    each name means, its unit and its reason."""


class People(Table, frozen=True):
    """What a user does."""

    messages_a_day: float
    payments_a_day: float
    room_share: float
    room_members: float
    text_bytes: int
    online_share: float
    devices: float
    logins_a_day: float
    peak_factor: float
    largest_payee_share: float
    busiest_room_share: float


class Keeping(Table, frozen=True):
    """How long things are kept."""

    days: float
    archive_months: float


class FleetRules(Table, frozen=True):
    """How the fleet is run."""

    hub_use: float
    store_use: float
    copies: int
    store_fill: float
    hub_fill: float
    store_cores: int
    store_memory_gib: float
    primary_gib: float
    connections_per_hub: int
    primaries_per_cluster: int
    clients_per_store: int
    network_gbit: float


class Events(Table, frozen=True):
    """What happens once a year."""

    new_year_factor: float
    new_year_seconds: float
    red_packets_a_second: float
    red_packet_seconds: float
    use: float


class Habits(Table, frozen=True):
    """`habits.toml`."""

    people: People
    keeping: Keeping
    fleet: FleetRules
    events: Events


class Machine(Table, frozen=True):
    """A rented machine."""

    month: float
    cores: int
    memory_gib: float


class Egress(Table, frozen=True):
    """What leaves for the internet."""

    cloud_gb: float
    hoster_gb: float


class Disk(Table, frozen=True):
    """A volume."""

    gb_month: float
    megabytes_a_second: float


class Archive(Table, frozen=True):
    """Object storage."""

    gb_month: float


class Compare(Table, frozen=True):
    """What others take or spend."""

    tips_per_1000: float
    visa_per_1000: float
    signal_per_user_month: float


class Prices(Table, frozen=True):
    """`prices.toml`."""

    date: str
    machine: Machine
    egress: Egress
    disk: Disk
    archive: Archive
    compare: Compare


def read_habits(path: Path = HABITS) -> Habits:
    """The habits.

    Raises:
        BenchError: if the file cannot be read, or a name, a type or a range in it is wrong.
    """
    habits = _read(path, Habits)
    for table in (habits.people, habits.keeping, habits.fleet, habits.events):
        for name in table.__struct_fields__:
            if getattr(table, name) < 0:
                raise BenchError(f"{path}: {name} is below zero")
    people, fleet, events = habits.people, habits.fleet, habits.events
    shares = {"room_share": people.room_share, "online_share": people.online_share}
    uses = {"hub_use": fleet.hub_use, "store_use": fleet.store_use, "use": events.use}
    uses |= {"store_fill": fleet.store_fill, "hub_fill": fleet.hub_fill}
    for name, share in {**shares, **uses}.items():
        if share > 1 or (name in uses and share in (0, 1)):
            raise BenchError(f"{path}: {name} is a share, below 1")
    return habits


def read_prices(path: Path = PRICES) -> Prices:
    """The prices.

    Raises:
        BenchError: if the file cannot be read, or a name or a type in it is wrong.
    """
    return _read(path, Prices)


def _read(path: Path, type: type[T]) -> T:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=type)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: {error}") from error
