"""Set-up steps for real, with packages made here: nothing is fetched."""

import os
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from bench.errors import BenchError
from bench.peers import PEERS, home, install


def test_a_home_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TELLER_BENCH_HOME", raising=False)
    assert home("ws") == Path.home() / ".cache" / "teller-bench" / "ws"
    monkeypatch.setenv("TELLER_BENCH_HOME", str(tmp_path))
    assert home("ws") == tmp_path / "ws"


def test_what_is_not_there_or_of_another_version_is_told(tmp_path: Path) -> None:
    assert "not installed" in str(PEERS["channels"].missing(tmp_path / "channels"))
    (tmp_path / install.RECEIPT).write_text("orjson==1\nuvloop==2\n")
    assert install.lacks(tmp_path, "orjson==1", "uvloop==2") is None
    for others in (("orjson==1",), ("orjson==1", "uvloop==3")):
        assert "other versions" in str(install.lacks(tmp_path, *others))


def test_tools_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="node is not on the PATH"):
        install.npm(tmp_path / "some", "ws@8.23.0")
    with pytest.raises(BenchError, match="apt-get is not there"):
        install.debian(tmp_path / "some", "sl")
    assert PEERS["ws"].missing(tmp_path) == "node is not on the PATH"
    assert not (tmp_path / "some").exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on the PATH")
def test_npm_installs_into_the_folder(tmp_path: Path) -> None:
    made, folder = tmp_path / "made", tmp_path / "home"
    made.mkdir()
    (made / "package.json").write_text('{"name": "made-here", "version": "1.0.0"}')
    (made / "index.js").write_text("module.exports = 42;")
    install.npm(folder, str(made))
    assert install.lacks(folder, str(made)) is None
    said = subprocess.run(
        ["node", "-p", "require('made-here')"], cwd=folder, capture_output=True, check=True
    )
    assert said.stdout == b"42\n"
    with pytest.raises(BenchError, match="npm install"):
        install.npm(folder, str(tmp_path / "nowhere"))
    assert "not installed" in str(install.lacks(folder, str(made)))


@pytest.mark.long
def test_pypi_packages_get_an_environment_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    info = "made_here-1.0.dist-info"
    with ZipFile(tmp_path / "made_here-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("made_here.py", "answer = 42")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: made-here\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    folder = tmp_path / "home"
    install.venv(folder, "made-here==1.0")
    assert install.lacks(folder, "made-here==1.0") is None
    asked = [str(install.python_of(folder)), "-c", "import made_here; print(made_here.answer)"]
    assert subprocess.run(asked, capture_output=True, check=True).stdout == b"42\n"


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="this is no Debian")
def test_what_debian_has_installed_is_not_fetched_again(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    install.debian(folder, "dpkg")
    assert os.listdir(folder) == [install.RECEIPT]
    with pytest.raises(BenchError, match="Unable to locate"):
        install.debian(folder, "no-such-package-anywhere")
    assert "not installed" in str(install.lacks(folder, "dpkg"))
