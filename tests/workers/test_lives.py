"""Workers are killed, replaced, stopped and orphaned; clients resume, and nobody is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import socket
import sys
from asyncio import FIRST_COMPLETED
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bench.systems import free_port
from protocol.errors import Close
from server.config import Settings, SettingsError
from server.store.endpoint import StoreError
from server.workers import fleet as fleet_module
from server.workers.fleet import Fleet
from tests.crash.hub_process import ROOT, START_S
from tests.support import PATIENCE_S, Client, until
from tests.workers.crew import Crew, children, running

Frame = dict[str, Any]


def notes(who: str, start: int = 0) -> Iterator[Frame]:
    """Words and money without end, in turn."""
    number = start
    while True:
        id = f"n{number}"
        yield {"type": "message", "id": id, "to": f"@{who}", "text": id}
        yield {"type": "payment", "id": f"p{number}", "to": "@bob", "amount": 1, "currency": "USD"}
        number += 1


async def talk(
    client: Client, frames: Iterator[Frame], sent: list[Frame], acks: list[Frame]
) -> None:
    """Post without waiting for answers, until the connection ends."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            for _ in range(8):
                sent.append(next(frames))
                await client.send(sent[-1])
            while len(acks) < len(sent) - 16:
                acks.append(await client.receive())


async def test_a_killed_worker_is_started_again_and_its_clients_lose_nothing(crew: Crew) -> None:
    await crew.start()
    bob = await crew.register("bob", at="2")
    await bob.close()
    alice = await crew.register("alice", at="1")
    carol = await crew.register("carol", at="2")
    sent: list[Frame] = []
    acks: list[Frame] = []
    talking = asyncio.create_task(talk(alice, notes("alice"), sent, acks))
    await until(lambda: len(acks) > 40)
    victim = crew.worker("1")
    crew.signal_worker("1", signal.SIGKILL)
    await talking
    assert all(ack["type"] == "ack" for ack in acks)
    known = max(ack["seq"] for ack in acks)
    alice = await crew.hello(alice, {"@alice": known})
    missed = alice.welcome["boxes"]["@alice"]["seq"] - known
    later = [await alice.receive() for _ in range(missed)]
    assert [entry["seq"] for entry in later] == list(range(known + 1, known + missed + 1))
    answered = {ack["id"]: ack["seq"] for ack in acks} | {one["id"]: one["seq"] for one in later}
    again = [await alice.ask(**frame) for frame in sent]  # type: ignore[arg-type]
    for frame, ack in zip(sent, again, strict=True):
        assert ack["type"] == "ack", ack
        assert ack["seq"] == answered.get(frame["id"], ack["seq"])
    assert [ack["seq"] for ack in again] == list(range(2, len(sent) + 2))
    paid = sum(frame["type"] == "payment" for frame in sent)
    sheet = await alice.ask("balance")
    assert sheet["balances"]["USD"]["available"] == 10_000 - paid
    await crew.replaced("1", victim)
    assert (await carol.ask("balance"))["type"] == "balance", "the other worker was untouched"
    await until(lambda: _has(crew, "teller_worker_restarts_total/1", 1))


async def test_who_waits_for_a_worker_that_dies_comes_in_at_the_next(crew: Crew) -> None:
    await crew.start()
    victim = crew.worker("1")
    crew.signal_worker("1", signal.SIGSTOP)
    coming = [asyncio.create_task(Client.connect(crew.url)) for _ in range(16)]
    done, _ = await asyncio.wait(coming, timeout=PATIENCE_S, return_when=FIRST_COMPLETED)
    assert done, "the other worker takes its own"
    _, waiting = await asyncio.wait(coming, timeout=0.5)
    assert waiting, "some wait for the one that is stopped"
    os.kill(victim, signal.SIGKILL)
    for one in coming:
        await (await one).close()


async def _misses(crew: Crew, name: str) -> bool:
    """Whether one worker is missing and the hub serves; another may be late for once."""
    status, health = await crew.health()
    return (status, health["status"], health["missing"]) == (200, "degraded", [name])


async def _has(crew: Crew, name: str, value: float) -> bool:
    return (await crew.metrics()).get(name) == value


async def test_sigterm_drains_every_worker_and_leaves_nobody(crew: Crew) -> None:
    await crew.start()
    for name in ("1", "2"):
        assert os.getsid(crew.worker(name)) != os.getsid(crew.pid), "a terminal's Ctrl-C passes by"
    people = [await crew.register("alice", at="1"), await crew.register("bob", at="2")]
    everybody = list(children(crew.pid))
    assert len(everybody) == 3, "two workers and the store"
    crew.signal(signal.SIGTERM)
    for one in people:
        goodbye = await one.until(lambda frame: frame["type"] == "goodbye")
        assert goodbye["retry_after_ms"] >= 0
        with pytest.raises(ConnectionClosed):
            await one.receive()
        assert one.socket.close_code == Close.GOING_AWAY
    assert await crew.ended() == 0
    assert crew.said[-1].startswith("Stopped.")
    await crew.all_gone(everybody)
    assert crew.directory.server_lock.holder() is None


async def test_a_killed_parent_leaves_nobody_not_even_a_stopped_worker(crew: Crew) -> None:
    await crew.start()
    everybody = list(children(crew.pid))
    crew.signal_worker("2", signal.SIGSTOP)
    crew.signal(signal.SIGKILL)
    await crew.ended()
    await crew.all_gone(everybody)
    await crew.start()  # port and data are free


async def test_a_stuck_worker_holds_up_neither_a_restart_nor_the_end(crew: Crew) -> None:
    crew.options += ("--drain-timeout-s", "0.2")
    await crew.start()
    before = {name: crew.worker(name) for name in ("1", "2")}
    crew.signal_worker("1", signal.SIGSTOP)
    crew.signal(signal.SIGHUP)
    for name, pid in before.items():
        await crew.replaced(name, pid)
    everybody = list(children(crew.pid))
    crew.signal_worker("2", signal.SIGSTOP)
    crew.signal(signal.SIGTERM)
    assert await crew.ended() == 0
    await crew.all_gone(everybody)
    assert any("does not end by SIGTERM" in line for line in crew.said)


async def come_and_go(crew: Crew, visits: list[str]) -> None:
    """Connect and leave without pause. To be asked to try again is fine; to be cut off is not."""
    while True:
        try:
            client = await Client.connect(crew.url)
            visits.append("in")
            client.socket.transport.abort()
        except InvalidStatus as refusal:
            visits.append("later" if refusal.response.headers["Retry-After"] else "refused")
        except (OSError, ConnectionClosed, EOFError) as error:
            visits.append(repr(error))
        await asyncio.sleep(0.005)


async def test_a_rolling_restart_replaces_all_and_the_port_never_closes(crew: Crew) -> None:
    await crew.start()
    alice, bob = await crew.register("alice", at="1"), await crew.register("bob", at="2")
    ack = await alice.ask("message", to="@alice", text="before")
    before = {name: crew.worker(name) for name in ("1", "2")}
    counted = (await crew.metrics())["teller_posts_total"]
    visits: list[str] = []
    visiting = asyncio.create_task(come_and_go(crew, visits))
    crew.signal(signal.SIGHUP)
    goodbye = await alice.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["cursors"] == {"@alice": ack["seq"]}
    await bob.until(lambda frame: frame["type"] == "goodbye")
    assert not running(before["1"]), "one after the other"
    for name, pid in before.items():
        await crew.replaced(name, pid)
    await until(lambda: any("all workers were replaced" in line for line in crew.said))
    visiting.cancel()
    assert set(visits) <= {"in", "later"}, set(visits)
    assert visits.count("in") > 10
    alice = await crew.hello(alice, goodbye["cursors"])
    assert (await alice.ask("message", "after", to="@alice", text="after"))["seq"] == ack["seq"] + 1
    figures = await crew.metrics()
    assert figures["teller_posts_total"] == counted + 1, "what ended workers counted stays"
    assert figures["teller_worker_restarts_total/1"] == 0
    assert not any("a worker ended" in line for line in crew.said), "it was meant"


async def test_alone_a_hub_takes_a_hang_up_for_the_end(crew: Crew) -> None:
    crew.options = ("--workers", "1")
    await crew.start()
    assert crew.workers() == {}
    crew.signal(signal.SIGHUP)
    assert await crew.ended() == 0
    assert crew.said[-1].startswith("Stopped.")


async def test_workers_whose_terminal_is_gone_stop(tmp_path: Path) -> None:
    """The terminal's end sends SIGHUP too, but nobody wants a restart by closing a window."""
    ours, theirs = pty.openpty()
    decoy = tmp_path / "server"  # workers run the parent's code, not what lies about
    decoy.mkdir()
    (decoy / "__init__.py").write_text("raise SystemExit('the wrong code')")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "server", "serve", "--workers", "2", "--port", "0"),
        *("--data", str(tmp_path / "data")),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=asyncio.subprocess.PIPE,
    )
    os.close(theirs)
    assert process.stdout is not None
    try:
        await asyncio.wait_for(process.stdout.readuntil(b"Ctrl-C"), START_S)
        everybody = list(children(process.pid))
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, b"Stopped." in said) == (0, True)
    assert len(everybody) == 3
    assert not any(map(running, everybody))


@pytest.mark.parametrize("wrong", [{"tls": True}, {"data": True}], ids=["certificate", "data"])
async def test_a_start_that_fails_leaves_nothing(tmp_path: Path, wrong: dict[str, bool]) -> None:
    before = children(os.getpid())
    nothing = tmp_path / "nothing.pem" if "tls" in wrong else None
    data = tmp_path / "data"
    if "data" in wrong:
        data.write_text("a file is no directory")
    port = free_port()
    fleet = Fleet(Settings(data=data, port=port, workers=2, tls_cert=nothing, tls_key=nothing))
    with pytest.raises((SettingsError, StoreError)):
        await fleet.start()
    assert children(os.getpid()).keys() <= before.keys()
    with socket.socket() as heir:
        heir.bind(("127.0.0.1", port))


async def test_a_worker_that_hangs_is_killed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children(os.getpid())
    monkeypatch.setattr(fleet_module, "HEARTBEAT_S", 0.5)
    monkeypatch.setattr(fleet_module, "SILENT_MAX", 4)
    fleet = Fleet(Settings(data=tmp_path / "data", port=0, workers=2, connects_per_s=100))
    await fleet.start()
    try:
        first, second = fleet._slots
        hung, other = first.process, second.process
        assert hung is not None
        assert hung._settings.connects_per_s == 50
        os.kill(hung.pid, signal.SIGSTOP)
        await until(lambda: first.restarts == 1, 30.0)
        assert not running(hung.pid)
        assert second.process is other
    finally:
        await fleet.stop()
    assert children(os.getpid()).keys() <= before.keys()


async def test_a_new_worker_that_cannot_start_leaves_the_old_ones(crew: Crew) -> None:
    await crew.start()
    before = crew.workers()
    token = crew.data / "operator.token"
    token.unlink()
    token.mkdir()
    crew.signal(signal.SIGHUP)
    await until(lambda: any("a new worker does not start" in line for line in crew.said))
    assert crew.workers() == before
    assert (await crew.register("alice")).welcome["type"] == "welcome"


async def test_a_worker_that_crashes_at_every_start_does_not_hold_up_clients(crew: Crew) -> None:
    await crew.start()
    token = crew.data / "operator.token"
    kept = token.read_text()
    token.unlink()
    token.mkdir()
    crew.signal_worker("1", signal.SIGKILL)
    await until(lambda: any("a worker cannot be started" in line for line in crew.said))
    for number in range(8):
        client = await crew.register(f"alice{number}")
        assert crew.holder(client) == "2"
    await until(lambda: _misses(crew, "1"))
    token.rmdir()
    token.write_text(kept)
    await until(lambda: "1" in crew.workers() and _has(crew, "teller_worker_up/1", 1), 30.0)
    assert crew.holder(await crew.connect(at="1")) == "1"
