"""When the whole memory is searched for garbage: not while many are coming in.

Python frees nearly everything at once, by counting references. What refers to itself is found by a
search, and the search through everything that lives long takes milliseconds for every thousand
connections. It is due when much is new, so it would come again and again in the middle of a storm.
"""

from __future__ import annotations

import gc

YOUNG = 700, 10
"""Python's own settings for the searches through what is young, which take less than a
millisecond."""
NEVER = 1_000_000
DUE = 20
"""Searches of the second kind, each after 7,000 new objects, until a whole one is due; with many
connections more."""
CONNECTIONS_PER_SEARCH = 400
OVERDUE = 10
"""So many times as many, and it is done even in a storm."""


def hold_back() -> None:
    """From now on the whole memory is only searched by `search`."""
    gc.set_threshold(*YOUNG, NEVER)


def search(connections: int, busy: bool) -> bool:
    """Search now if it is due; whether it was done. To be called every second. `busy`: many come
    in now."""
    due = DUE + connections // CONNECTIONS_PER_SEARCH
    if gc.get_count()[2] < (due * OVERDUE if busy else due):
        return False
    gc.collect()
    return True
