"""The part of the command line that is about the lanes between partitions."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .cli_keys import DEFAULT_DATA, Data, StoreUrl


def lanes(
    *,
    every: Annotated[bool, Parameter(name="--all", negative=())] = False,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
) -> int:
    """Say which lanes between partitions are not in order, and why. 0 if all are.

    Works while the hub runs; if it does not, starts the embedded store for the time being.

    Parameters
    ----------
    every
        Show the others, too.
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    """
    from .commands.lanes import show as run

    return run(data, store, every)


def mend_lane(
    source: int,
    dest: int,
    *,
    yes: Annotated[bool, Parameter(negative=())] = False,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
) -> int:
    """Bring the two ends of a lane together again, after one has lost its last moments.

    Says what would be written. What is lost is booked against a system account, by name; hubs that
    run go on by themselves. May be interrupted and repeated.

    Parameters
    ----------
    source
        The partition where the lane begins.
    dest
        The one where it ends.
    yes
        Write it.
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    """
    from .commands.lanes import mend as run

    return run(data, store, source, dest, yes)
