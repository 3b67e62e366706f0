"""What the command line asked for, as scenarios, peers and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import BenchError
from .log import Log
from .options import DEFAULT, FULL, QUICK, QUICK_PEERS, Load, Sizes
from .peers import PEERS, Peer, home
from .scenarios import SCENARIOS, Scenario


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for."""

    scenarios: Sequence[str] = ()
    """Names; none means all of the preset."""
    quick: bool = False
    full: bool = False
    peers: str | None = None
    """Names with commas between, ``all`` or ``none``; without it, the preset's."""
    load: Load = field(default_factory=Load)

    @property
    def preset(self) -> Sizes:
        """How big the run is.

        Raises:
            BenchError: if it is to be quick and full.
        """
        if self.quick and self.full:
            raise BenchError("--quick or --full, not both")
        return QUICK if self.quick else FULL if self.full else DEFAULT

    @property
    def peer_names(self) -> list[str]:
        """The peers that are meant, whether they can run or not."""
        if self.peers is None:
            return list(QUICK_PEERS if self.quick else PEERS)
        some = [name.strip() for name in self.peers.split(",") if name.strip()]
        return {"all": list(PEERS), "none": []}.get(self.peers, some)


def chosen_scenarios(names: Sequence[str], sizes: Sizes, ours: bool = True) -> list[Scenario]:
    """The scenarios of these names, in the suite's order; without names, all of the preset that
    can be run, which some cannot on a hub that is not `ours`.

    Raises:
        BenchError: if there is none of that name, or it cannot be run.
    """
    if unknown := [name for name in names if name not in SCENARIOS]:
        raise BenchError(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    able = [name for name, one in SCENARIOS.items() if ours or not one.needs_own_hub]
    if unable := [name for name in names if name not in able]:
        raise BenchError(f"{', '.join(unable)} needs a hub of its own; leave --url out")
    wanted = names or [name for name in able if name not in sizes.left_out]
    return [one for name, one in SCENARIOS.items() if name in wanted]


def chosen_peers(names: Sequence[str], log: Log) -> list[Peer]:
    """Of the peers of these names those that can run now; `log` hears of the others.

    Raises:
        BenchError: if there is none of that name.
    """
    if unknown := [name for name in names if name not in PEERS]:
        raise BenchError(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    ready = []
    for name in names:
        reason = PEERS[name].missing(home(name))
        if reason is None:
            ready.append(PEERS[name])
        else:
            log.skip(name, reason)
    return ready
