"""`regions.toml`: which regions there are, how to reach them, and what they all know."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

import msgspec

from ..config import PARTITIONS_MAX, SettingsError
from ..edge.handshake import LINK_PATH

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,15}")
SECRET_BYTES_MIN = 32


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    link: str
    partitions: int
    url: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    secret_file: str
    regions: dict[str, _Entry]


@dataclass(frozen=True)
class Region:
    """One region, as the others see it."""

    name: str
    link: str
    """Where hubs of other regions connect: ``wss://…/region``."""
    url: str
    """Where clients connect: ``wss://…/ws``."""
    partitions: int
    """Of its store."""

    def label_of(self, name: str) -> str:
        """The label of the partition where `name` would live there."""
        return f"{self.name}.{crc32(name.encode()) % self.partitions}"


@dataclass(frozen=True)
class Places:
    """All regions."""

    own: str
    """The name of ours."""
    secret: bytes
    """Whoever knows it is believed to be a hub of one of them."""
    regions: dict[str, Region]

    @property
    def here(self) -> Region:
        """Our own region."""
        return self.regions[self.own]

    @property
    def others(self) -> list[Region]:
        """All regions but ours."""
        return [one for name, one in self.regions.items() if name != self.own]


def read_places(file: Path, own: str) -> Places:
    """The regions in `file`, seen from the region `own`.

    Raises:
        SettingsError: if the file, or the secret's, cannot be read or makes no sense.
    """
    try:
        told = msgspec.convert(tomllib.loads(file.read_text()), _File)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except (ValueError, msgspec.ValidationError) as error:
        raise SettingsError(f"{file} does not tell regions: {error}") from None
    regions = {name: _region(file, name, entry) for name, entry in told.regions.items()}
    if own not in regions:
        raise SettingsError(f"{file}: no region {own!r}; there are {', '.join(regions) or 'none'}")
    return Places(own, _secret(file.parent / told.secret_file), regions)


def _region(file: Path, name: str, entry: _Entry) -> Region:
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"{file}: {name!r} is no name of a region; take up to 16 of letters, digits and -, "
            "beginning with a letter"
        )
    if not 1 <= entry.partitions <= PARTITIONS_MAX:
        raise SettingsError(
            f"{file}: region {name} must have from 1 to {PARTITIONS_MAX} partitions"
        )
    parts = urlsplit(entry.link)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.path != LINK_PATH:
        raise SettingsError(
            f"{file}: the link of region {name} must be like ws://host:port{LINK_PATH}, "
            f"not {entry.link!r}"
        )
    url = entry.url or parts._replace(path="/ws").geturl()
    if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
        raise SettingsError(f"{file}: the url of region {name} must be like wss://host/ws")
    return Region(name, entry.link, url, entry.partitions)


def _secret(file: Path) -> bytes:
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"the regions' secret: {file}: {error.strerror}") from None
    if len(secret) < SECRET_BYTES_MIN:
        raise SettingsError(
            f"{file} must hold at least {SECRET_BYTES_MIN} bytes of secret; "
            f"make it with: openssl rand -hex 32 > {file}"
        )
    return secret
