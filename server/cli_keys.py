"""The part of the command line that is about the keys of people's words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

DEFAULT_DATA = Path("data")
Data = Annotated[Path, Parameter(env_var="TELLER_DATA")]
Keys = Annotated[str | None, Parameter(env_var="TELLER_KEYS")]
StoreUrl = Annotated[str | None, Parameter(env_var="TELLER_STORE")]


def backup_keys(
    copy: Path,
    *,
    data: Data = DEFAULT_DATA,
    keys: Keys = None,
) -> int:
    """Copy the keys of people's words, which no other backup holds, to a new file.

    Keep it apart from the data, and only the newest: an older one opens what was erased since.

    Parameters
    ----------
    copy
        Where to; must not be there yet.
    data
        The hub's data directory.
    keys
        Directory or URL of the keys, if the hub has --keys.
    """
    from .commands.keyring import backup_keys as run

    return run(data, keys, copy)


def restore_keys(
    copy: Path,
    *,
    data: Data = DEFAULT_DATA,
    keys: Keys = None,
) -> int:
    """Bring back keys that are missing from a file that backup-keys made.

    Keys that were destroyed do not come back.

    Parameters
    ----------
    copy
        The file.
    data
        The hub's data directory.
    keys
        Directory or URL of the keys, if the hub has --keys.
    """
    from .commands.keyring import restore_keys as run

    return run(data, keys, copy)


def lost_keys(
    *,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
) -> int:
    """Say that the keys are lost, with no backup: words from before stay closed, money is whole.

    Parameters
    ----------
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    """
    from .commands.keyring import lost_keys as run

    return run(data, store)
