"""The proof itself, in miniature: a real cluster, real hubs, real faults; and every planted bug."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench import procfs
from bench.prove.verdict import PROMISES
from bench.prove.wanted import PLANTS
from bench.systems import TELLER_PROGRAM
from tests.support import until

ENDS_S = 240


def prove(out: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run it; the exit code, the verdict, and what was printed."""
    command = [str(TELLER_PROGRAM), "prove", "--out", str(out), *options]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=ENDS_S,
        check=False,
        text=True,
        env={**os.environ, "COLUMNS": "160"},
    )
    file = out / "verdict.json"
    verdict = orjson.loads(file.read_bytes()) if file.exists() else {}
    return done.returncode, verdict, done.stdout


def test_every_promise_is_kept_while_hubs_die_and_clients_flap(tmp_path: Path) -> None:
    options = ["--seconds", "9", "--clients", "16", "--hubs", "2", "--durability", "disk"]
    code, verdict, said = prove(tmp_path, *options, "--faults", "hub-kill,failover,flap")
    assert (code, verdict["broken"]) == (0, {}), said
    tally = verdict["crowd"]["tally"]
    assert tally["acked"] > 16
    assert verdict["crowd"]["entries"] > tally["acked"]
    assert {fault["kind"] for fault in verdict["faults"]} & {"hub-kill", "flap", "failover"}
    assert "The books balance." in verdict["audit"]
    assert set(PROMISES) >= set(verdict["counts"])
    page = (tmp_path / "timeline.html").read_text()
    assert page.count("<svg") == 4
    assert page.count('class="band') == 4 * len(verdict["faults"])
    assert "http" not in page


CAUGHT = {
    "drop-credit": ({"money lost", "books"}, "20", "none"),
    "double-credit": ({"money created"}, "20", "none"),
    "swap-entries": ({"reorders"}, "20", "none"),
    "refund-on-timeout": ({"money created"}, "100", "primary-pause,primary-kill"),
    "skip-fsync": ({"undeclared"}, "20", "power"),
    "lose-relay": ({"missed live"}, "20", "none"),
}
"""What must be named, with how many clients, under which faults."""
QUICK = ("double-credit",)


def test_every_plant_is_tried_here() -> None:
    assert set(CAUGHT) == set(PLANTS)


@pytest.mark.parametrize(
    "plant",
    [one if one in QUICK else pytest.param(one, marks=pytest.mark.long) for one in CAUGHT],
)
def test_a_planted_bug_is_found_and_named(plant: str, tmp_path: Path) -> None:
    kinds, clients, faults = CAUGHT[plant]
    seconds = {"refund-on-timeout": "20"}.get(plant, "8")
    load = ["--seconds", seconds, "--clients", clients]
    options = [*load, "--hubs", "2", "--durability", "disk", "--faults", faults]
    code, verdict, said = prove(tmp_path, *options, "--plant", plant)
    assert code == 1, said
    assert kinds <= set(verdict["broken"]), said
    assert all(f"BROKEN: {kind}" in said for kind in kinds)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--faults", "earthquake"), "there is no fault 'earthquake'"),
        (("--clients", "1"), "at least two clients"),
        (("--primaries", "2"), "at least 3 primaries"),
    ],
)
def test_what_cannot_be_tried_is_said(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    code, _, said = prove(tmp_path, *options)
    assert code == 2
    assert words in said


async def test_when_it_is_stopped_nothing_of_it_is_left(tmp_path: Path) -> None:
    few = ["--clients", "4", "--hubs", "1"]
    command = [str(TELLER_PROGRAM), "prove", "--out", str(tmp_path), *few]
    process = await asyncio.create_subprocess_exec(
        *command, stderr=asyncio.subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert process.stderr is not None
    async with asyncio.timeout(ENDS_S):
        while b"people register" not in await process.stderr.readline():
            assert process.returncode is None
        below = procfs.descendants(process.pid)
        assert {"valkey-server", "teller"} & set(below.values()), below
        process.terminate()
        assert await process.wait() == 130
    await until(lambda: not [pid for pid in below if Path(f"/proc/{pid}").exists()])
