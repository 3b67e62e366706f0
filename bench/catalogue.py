"""`teller bench list` and `setup`: what there is to run, and what must be fetched for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from . import limits
from .errors import BenchError
from .peers import PEERS, home
from .report.table import wide
from .scenarios import SCENARIOS


def show() -> None:
    """List the scenarios, the peers and whether each can run, and the limits."""
    out = wide()
    out.print(_table("Scenarios", [(one.name, one.help) for one in SCENARIOS.values()]))
    peers = [(one.name, _state(one.name), one.title) for one in PEERS.values()]
    out.print(_table("Peers", peers))
    out.print(_table("Limits", [(name, words) for name, words in limits.LIMITS.items()]))


def setup(*peer: str, all: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Fetch and install peers, each into a folder of its own; the network is needed.

    Without names, those that are missing are listed.

    Parameters
    ----------
    peer
        Their names; `teller bench list` has them.
    all
        Every peer that is missing.
    """
    talk = Console(stderr=True)
    if unknown := [name for name in peer if name not in PEERS]:
        talk.print(f"teller bench: no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
        return 1
    missing = [name for name in PEERS if PEERS[name].missing(home(name)) is not None]
    if not peer and not all:
        talk.print(f"missing: {', '.join(missing) or 'none'}; name them, or say --all")
        return 0
    wanted = [name for name in PEERS if name in (missing if all else peer)]
    return max([_install(name, talk) for name in wanted], default=0)


def _install(name: str, talk: Console) -> int:
    """Install one peer; 1 if it cannot run afterwards."""
    folder = home(name)
    try:
        with talk.status(f"installing {name}"):
            PEERS[name].install(folder)
        reason = PEERS[name].missing(folder)
    except BenchError as error:
        reason = str(error)
    talk.print(f"{name}: {reason or 'ready'}", markup=False)
    return 1 if reason else 0


def _state(name: str) -> str:
    return PEERS[name].missing(home(name)) or "ready"


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_header=False)
    for row in rows:
        table.add_row(*row)
    return table
