"""The file that tells all regions, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import SettingsError
from server.regions.places import read_places

SECRET = "s" * 32
GOOD = """
secret_file = "region.secret"
[regions.eu]
link = "wss://eu.example:8765/region"
partitions = 16
[regions.us]
link = "ws://10.0.0.2:8765/region"
url = "wss://us.example/ws"
partitions = 4
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "region.secret").write_text(SECRET + "\n")
    return tmp_path / "regions.toml"


def test_a_good_file(file: Path) -> None:
    file.write_text(GOOD)
    places = read_places(file, "eu")
    assert places.secret == SECRET.encode()
    assert places.here.url == "wss://eu.example:8765/ws"
    (us,) = places.others
    assert (us.name, us.link, us.url) == ("us", "ws://10.0.0.2:8765/region", "wss://us.example/ws")
    assert us.label_of("@bob") in {f"us.{n}" for n in range(4)}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[regions.eu]", "[regions.e_u]", "no name of a region"),
        ("[regions.eu]", "[regions.1]", "no name of a region"),
        ("[regions.eu]", '[regions."eu.1"]', "no name of a region"),
        ("partitions = 16", "partitions = 0", "from 1 to 1024"),
        ("partitions = 16", "", "partitions"),
        ("partitions = 16", 'partitions = "16"', "Expected `int`"),
        ("partitions = 16", "partitions = 16\ncolour = 3", "colour"),
        ("/region", "/ws", "must be like ws://host:port/region"),
        ("wss://eu", "https://eu", "must be like ws://host:port/region"),
        ("wss://us.example/ws", "us.example", "must be like wss://host/ws"),
        ("region.secret", "other.secret", "No such file"),
        ("[regions.eu]", "[regions.eu", "does not tell regions"),
        ("[regions.eu]", "[regions.ap]", "no region 'eu'; there are ap, us"),
    ],
)
def test_what_is_wrong_is_said(file: Path, old: str, new: str, says: str) -> None:
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SettingsError, match=says):
        read_places(file, "eu")


def test_a_short_secret_is_none(file: Path) -> None:
    file.write_text(GOOD)
    (file.parent / "region.secret").write_text(SECRET[1:])
    with pytest.raises(SettingsError, match="at least 32 bytes"):
        read_places(file, "eu")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_places(tmp_path / "regions.toml", "eu")
