"""Set-up of peers, each into a folder of its own: from npm, from PyPI, or from Debian.

Nothing is installed system-wide and nobody needs to be root. What was installed is written down in
the folder, so that a peer of other versions than those named here counts as missing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.errors import BenchError

RECEIPT = "installed.txt"
"""In a peer's folder: the packages and versions that are there, one a line."""
MINUTES_MAX = 15
LAST_WORDS = 800
"""Characters of a failed command's output that are shown."""


def lacks(folder: Path, *packages: str) -> str | None:
    """Why `packages`, named with their versions, are not to be had from `folder`, or None."""
    receipt = folder / RECEIPT
    if not receipt.is_file():
        return f"not installed: teller bench setup {folder.name}"
    if receipt.read_text().split() != list(packages):
        return f"other versions are installed: teller bench setup {folder.name}"
    return None


def npm(folder: Path, *packages: str) -> None:
    """Install npm `packages`, like ``ws@8.23.0``, into ``folder/node_modules``.

    Raises:
        BenchError: if Node.js is not there, or npm refuses.
    """
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise BenchError(f"{tool} is not on the PATH; Node.js 18 or newer brings it")
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    exact = ["--ignore-scripts", "--save-exact"]  # what ships no binary is not built here
    _afresh(folder)
    _run(["npm", "install", f"--prefix={folder}", *exact, *quiet, *packages], folder)
    _receipt(folder, packages)


def venv(folder: Path, *packages: str) -> None:
    """Install PyPI `packages`, like ``uvicorn==0.54.0``, into ``folder/venv``.

    Raises:
        BenchError: if the environment cannot be made, or pip refuses.
    """
    _afresh(folder)
    _run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
    quiet = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    _run([str(python_of(folder)), "-m", "pip", "install", *quiet, *packages], folder)
    _receipt(folder, packages)


def python_of(folder: Path) -> Path:
    """The interpreter of the environment that `venv` made."""
    return folder / "venv" / "bin" / "python"


def debian(folder: Path, *packages: str) -> None:
    """Unpack Debian `packages`, and all that they need and this system lacks, into ``folder/root``.

    The versions are those of the system's release; the maintainers' scripts do not run.

    Raises:
        BenchError: if this is no Debian, a package is unknown, or apt refuses.
    """
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise BenchError(f"{tool} is not there; this step is for Debian and its kin")
    _afresh(folder)
    spare = ["--no-install-recommends", "--no-upgrade"]
    dry = ["apt-get", "install", "--simulate", *spare, *packages]
    wanted = re.findall(r"^Inst (\S+) (?:\[.*?\] )?\((\S+)", _run(dry, folder), re.MULTILINE)
    archives = folder / "archives"
    archives.mkdir()
    if wanted:
        _run(["apt-get", "download", *(f"{name}={version}" for name, version in wanted)], archives)
    for archive in sorted(archives.glob("*.deb")):
        _run(["dpkg", "-x", str(archive), str(folder / "root")], folder)
    shutil.rmtree(archives)
    _receipt(folder, packages)


def _afresh(folder: Path) -> None:
    """Empty the folder, so that nothing of an earlier or a broken set-up stays."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _receipt(folder: Path, packages: tuple[str, ...]) -> None:
    (folder / RECEIPT).write_text("\n".join(packages) + "\n")


def _run(command: list[str], folder: Path) -> str:
    """What `command` prints, run in `folder`; it cannot ask anything."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60 * MINUTES_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{command[0]} took longer than {MINUTES_MAX} minutes") from error
    if done.returncode:
        said = done.stdout.strip()[-LAST_WORDS:]
        raise BenchError(f"{' '.join(command[:3])} … failed:\n{said}")
    return done.stdout
