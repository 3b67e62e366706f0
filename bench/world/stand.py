"""A world to measure: hubs of several regions, the line between them, and clients everywhere."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BenchError
from ..load.driver import Generator
from ..systems import DATA_HOME, GENERATOR_NICE
from .audits import wrong_in
from .clients import clients
from .hubs import Hub
from .line import line
from .netns import lacks, ping, places
from .ops import Pair
from .planet import Planet, planet
from .probe import echo, errors
from .stores import store
from .two_phase import two_phase

PEOPLE = 4
"""Accounts in each region."""
ACCOUNTS = 254
"""The same for two-phase commit, where an account takes part in one payment at a time. Half of
them is a prime, so that each pair of regions goes through all."""
REGIONS = "regions.toml"
SECRET = "region.secret"


@dataclass
class World:
    """Regions that run, with clients in each."""

    planet: Planet
    hubs: dict[str, Hub]
    line: Generator
    """What carries between them: `line.Line`, or `packets.Router` where they are in namespaces."""
    clients: Generator

    @property
    def pairs(self) -> list[Pair]:
        """Who speaks to whom: each region to itself, and each to each other."""
        names = list(self.hubs)
        return [(name, name) for name in names] + self.planet.pairs(names)

    def probe(self, number: int) -> list[float]:
        """How exact the distance is: of so many round trips of a few bytes between the first two
        regions, how many seconds each took longer than twice the delay."""
        one, other = list(self.hubs.values())[:2]
        delay = self.planet.one_way(one.name, other.name)
        if one.place is not None and other.place is not None:
            return [took - 2 * delay for took in ping(one.place, other.place, number)]
        link = {"source": "probe", "dest": "echo", "host": "127.0.0.1"}
        weather = {"delay": delay}
        with echo() as port:
            told = {**link, "port": port, "there": weather, "back": weather}
            opened = self.line.call("open", links=[told])
            return errors(opened["ports"]["probe>echo"], 2 * delay, number)

    def audit(self) -> list[str]:
        """What the regions' own audits find wrong, while nothing is on its way."""
        return wrong_in({name: hub.store_socket for name, hub in self.hubs.items()})

    def lose(self, region: str) -> None:
        """A region is gone from one moment to the other."""
        self.line.call("lose", region=region)
        self.hubs[region].kill()

    def restore(self, region: str) -> None:
        """It is back, with the data that it had on its disk."""
        self.hubs[region].start()
        self.line.call("restore", region=region)


@contextmanager
def world(
    names: Sequence[str], durability: str, data: str | None, *, namespaces: bool = False
) -> Iterator[World]:
    """Hubs of these regions, as far from each other as `delays.toml` says: with a line between
    them, or in `namespaces`.

    Raises:
        BenchError: if one does not start, or there can be no namespaces.
    """
    earth = planet()
    with ExitStack() as stack:
        home = Path(stack.enter_context(_folder(data)))
        lay = _in_namespaces if namespaces else _on_a_line
        between, hubs, addresses = lay(stack, earth, names, home, durability)
        (home / SECRET).write_text(secrets.token_hex(32))
        for name, hub in hubs.items():
            _write_regions(home / name / REGIONS, name, hub, addresses)
            stack.enter_context(hub)
        for hub in hubs.values():
            hub.await_links(len(hubs) - 1)
        people = _first(stack.enter_context(clients()))
        dialled = {name: (hub.url, hub.namespace) for name, hub in hubs.items()}
        people.call("enter", regions=dialled, each=PEOPLE)
        yield World(earth, hubs, between, people)


Laid = tuple[Generator, dict[str, Hub], dict[str, str]]
"""What carries between regions, the hubs, and by ``source>dest`` the address to dial."""


def _on_a_line(
    stack: ExitStack, earth: Planet, names: Sequence[str], home: Path, durability: str
) -> Laid:
    hubs = {name: Hub(name, *_own(home, name, durability)) for name in names}
    delays = _first(stack.enter_context(line()))
    ports = _links(delays, earth, {name: hub.port for name, hub in hubs.items()})
    return delays, hubs, {pair: f"127.0.0.1:{port}" for pair, port in ports.items()}


def _in_namespaces(
    stack: ExitStack, earth: Planet, names: Sequence[str], home: Path, durability: str
) -> Laid:
    if (reason := lacks()) is not None:
        raise BenchError(reason)
    laid = stack.enter_context(places(names, earth))
    hubs = {
        name: Hub(name, *_own(home, name, durability), place=place)
        for name, place in laid.by_name.items()
    }
    addresses = {
        f"{a}>{b}": f"{laid.by_name[b].address}:{hubs[b].port}" for a, b in earth.pairs(names)
    }
    return _first(laid.router), hubs, addresses


@contextmanager
def strawman(
    names: Sequence[str], durability: str, data: str | None
) -> Iterator[tuple[Generator, Generator]]:
    """Two-phase commit between the stores of these regions: its coordinators, and the line.

    Raises:
        BenchError: if a store does not start.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(_folder(data)))
        own = {}
        for name in names:
            (home / name).mkdir()
            own[name] = stack.enter_context(store(home / name, durability))
        delays = _first(stack.enter_context(line()))
        ports = _links(delays, planet(), own) | {f"{name}>{name}": own[name] for name in names}
        payers = _first(stack.enter_context(two_phase()))
        payers.call("open", ports=ports, accounts=ACCOUNTS)
        yield payers, delays


def _first(generator: Generator) -> Generator:
    """The instrument would have machines of its own: it does not queue behind what it measures, if
    we may say so."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, generator.pid, GENERATOR_NICE)
    return generator


def _folder(data: str | None) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="teller-bench-", dir=data or DATA_HOME)


def _own(home: Path, name: str, durability: str) -> list[Any]:
    """What a hub is started with: its folder, its durability, its options."""
    (home / name).mkdir()
    return [home / name, durability, "--region", name, "--regions", str(home / name / REGIONS)]


def _links(delays: Generator, earth: Planet, ports: dict[str, int]) -> dict[str, int]:
    """A link for each ordered pair of regions, to the port of the second: the ports to dial."""
    links = []
    for source, dest in earth.pairs(list(ports)):
        weather = {"delay": earth.one_way(source, dest)}
        told = {"source": source, "dest": dest, "host": "127.0.0.1", "port": ports[dest]}
        links.append({**told, "there": weather, "back": weather})
    opened: dict[str, int] = delays.call("open", links=links)["ports"]
    return opened


def _write_regions(file: Path, own: str, hub: Hub, addresses: dict[str, str]) -> None:
    """What the hub of region `own` is told: where each region's link is, seen from there."""
    seen = {own: f"127.0.0.1:{hub.port}"}
    for pair, address in addresses.items():
        source, _, dest = pair.partition(">")
        if source == own:
            seen[dest] = address
    lines = [f'secret_file = "../{SECRET}"\n']
    for name, address in seen.items():
        lines.append(f'[regions.{name}]\nlink = "ws://{address}/region"\npartitions = 1\n')
    file.write_text("\n".join(lines))
