"""PostgreSQL as a ledger, for real: its books, its load program, and what it is measured by."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.load.histogram import merge
from bench.peers import PEERS, home, pgbench
from bench.peers.pgbench import CLIENTS, read_log, script, tree_cpu_ns
from bench.peers.postgresql import ACCOUNTS, PostgreSQL

WINDOW = {"seconds": 0.8, "warm_up": 0.1}
SLEEP = """
CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
CREATE TRIGGER pause BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION pause();
"""
FORGET = """
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RETURN CASE WHEN NEW.id % 10 = 0 THEN NULL ELSE NEW END; END $$;
CREATE TRIGGER forget BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION forget();
"""

pytestmark = pytest.mark.xdist_group("postgresql")  # they share a server


@pytest.fixture(autouse=True)
def _connects_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine its clients take seconds to connect, which are in pgbench's time."""
    monkeypatch.setattr(pgbench, "MARGIN_SECONDS", 4.0)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    yield from _started("postgresql")


def _started(name: str) -> Iterator[PostgreSQL]:
    peer, folder = PEERS[name], home(name)
    if reason := peer.missing(folder):
        pytest.skip(reason)
    with peer.start(folder) as system:
        assert isinstance(system, PostgreSQL)
        yield system


def test_windows_to_all_few_and_one_keep_the_books(server: PostgreSQL) -> None:
    for to in ("uniform", "zipf", "hot"):
        before = _lines(server)
        result = server.play(to=to, kinds={"payment": 1}, depth=8, **WINDOW)
        _sound(result)
        assert result["kinds"]["payment"]["acked"] == result["acked"]
        merchant = server.ask(
            f"SELECT count(*) FROM journal WHERE id > {before} AND payee = {ACCOUNTS}"
        )
        assert (int(merchant) == result["sent"]) == (to == "hot")


def test_answers_may_come_before_the_disk() -> None:
    for server in _started("postgresql-async"):
        assert server.durability == "async"
        assert server.ask("SHOW synchronous_commit") == "off"
        _sound(server.play(**WINDOW))


def _sound(result: dict[str, Any]) -> None:
    assert result["faults"] == {"unbalanced": 0, "lost": 0, "doubled": 0}
    assert result["errors"] == []
    assert 0 < result["acked"] < result["sent"]  # the warm-up does not count
    assert merge([result["ack"]]).get_total_count() == result["acked"]
    assert result["cpu_ns"]["server"] > 0


def _lines(server: PostgreSQL) -> int:
    return int(server.ask("SELECT coalesce(max(id), 0) FROM journal"))


def test_it_stops_and_leaves_nothing_behind() -> None:
    for server in _started("postgresql"):
        process, folder = Path(f"/proc/{server.pids['server']}"), Path(server.host)
        assert process.stat().st_uid == folder.stat().st_uid != 0  # it refuses to run as root
    assert not process.exists()
    assert not folder.exists()


def test_open_loop_follows_its_rate(server: PostgreSQL) -> None:
    result = server.play(rate=20, **WINDOW)
    assert not any(result["faults"].values())
    assert 0 < result["sent"] < 200  # 20 in a second; a closed loop does thousands


def test_a_planted_delay_is_in_every_latency(server: PostgreSQL) -> None:
    server.ask(SLEEP)
    result = server.play(**WINDOW)
    server.ask("DROP TRIGGER pause ON journal")
    assert 0 < result["acked"] <= CLIENTS * (result["seconds"] / 0.05 + 1)
    assert merge([result["ack"]]).get_min_value() >= 49_900  # three digits are kept


def test_lines_that_were_lost_are_found() -> None:
    for server in _started("postgresql"):
        server.ask(FORGET)
        faults = server.play(**WINDOW)["faults"]
        assert faults["lost"] > 0
        assert faults["unbalanced"] > 0


def test_who_has_too_little_pays_nothing(server: PostgreSQL) -> None:
    before = server.audit()
    for payer, payee in ((1, 2), (2, 1)):
        with pytest.raises(BenchError, match="insufficient funds"):
            server.ask(f"SELECT transfer({payer}, {payee}, 2000000000)")
    assert server.audit() == before


def test_few_are_paid_most(server: PostgreSQL) -> None:
    before, payees = _lines(server), list[str]()
    while len(payees) < 500:
        server.play(to="zipf", **WINDOW)
        payees = server.ask(f"SELECT payee FROM journal WHERE id > {before}").splitlines()
    # Zipf 0.99 of 10,000: the first gets 9.8 %, the first ten 28 %.
    share = payees.count(str(ACCOUNTS)) / len(payees)
    assert 0.05 < share < 0.16
    ten = sum(int(one) > ACCOUNTS - 10 for one in payees) / len(payees)
    assert 0.2 < ten < 0.37


def test_a_spread_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BenchError, match="'room'"):
        script("room", 10)


def test_a_log_line_is_read_as_nanoseconds(tmp_path: Path) -> None:
    log = tmp_path / "log.1"
    log.write_text("26 4 1893 0 1795320126 312406 \n3 17 5021 0 1795320126 400000 120\n")
    first, second = read_log(log)
    assert (first.done, first.took) == (1795320126_312406_000, 1_893_000)
    assert (second.done, second.took) == (1795320126_400000_000, 5_021_000)


def test_cpu_of_children_that_ended_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    command = [sys.executable, "-c", f"{parent}; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        spent = tree_cpu_ns(process.pid)
        process.send_signal(signal.SIGKILL)
    assert spent > 150_000_000
