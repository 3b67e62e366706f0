"""One port for all workers, and for nobody else."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from bench.systems import free_port
from server.config import SettingsError
from server.workers import port as port_module
from server.workers.port import Port
from tests.crash.hub_process import ROOT, START_S
from tests.workers.crew import Crew, children


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is refused is refused at once."""
    monkeypatch.setattr(port_module, "PATIENCE_S", 0.0)


def test_all_places_listen_on_a_free_port() -> None:
    port = Port("127.0.0.1", 0, 3)
    numbers = {one.getsockname()[1] for place in range(3) for one in port.sockets(place)}
    assert numbers == {port.number} != {0}
    with socket.create_connection(("127.0.0.1", port.number)):
        pass
    port.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number))


def test_a_name_with_several_addresses_is_listened_on_everywhere() -> None:
    port = Port("", 0, 2)
    families = {one.family for one in port.sockets(1)}
    port.close()
    assert socket.AF_INET in families


def test_a_dropped_place_gets_no_connections_until_it_listens_again() -> None:
    port = Port("127.0.0.1", 0, 1)
    port.drop(0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number))
    (again,) = port.sockets(0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number))
    again.listen()
    with socket.create_connection(("127.0.0.1", port.number)):
        pass
    port.close()


def test_a_port_that_others_share_is_refused() -> None:
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        with pytest.raises(SettingsError, match="cannot listen on"):
            Port("127.0.0.1", stranger.getsockname()[1], 2)


def test_two_that_start_at_the_same_moment_do_not_share_a_port() -> None:
    """Neither listens yet when the other looks: only the lock keeps them apart."""
    number = free_port()
    first = Port.__new__(Port)
    first.number, first._locks = number, []
    first._addresses = port_module._resolve("127.0.0.1", number)
    first._lock()
    with pytest.raises(SettingsError, match="cannot listen on"):
        Port("127.0.0.1", number, 2)
    first._locks.pop().close()
    Port("127.0.0.1", number, 2).close()


def test_it_says_where_it_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SettingsError, match="needs Linux"):
        Port("127.0.0.1", 0, 2)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_second_server_on_the_port_is_refused_and_leaves_nothing(
    crew: Crew, workers: str
) -> None:
    await crew.start()
    everybody = children(crew.pid)
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--data", str(crew.data.with_name("other"))),
        *("--port", str(crew.port), "--workers", workers),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(second.communicate(), START_S)
    assert (second.returncode, out) == (1, b"")
    assert err.decode().startswith(f"teller: cannot listen on 127.0.0.1:{crew.port}: ")
    assert "address already in use" in err.decode().lower()
    assert children(crew.pid) == everybody
    assert (await crew.register("alice")).welcome["type"] == "welcome"


async def test_what_keeps_a_worker_from_starting_is_said_once(crew: Crew) -> None:
    crew.options += ("--tls-cert", "none.pem", "--tls-key", "none.pem")
    with pytest.raises(AssertionError, match="cannot be used"):
        await crew.start()
    assert await crew.ended() == 1
    assert crew.directory.server_lock.holder() is None, "the store ended too"
    (said,) = crew.said
    assert said.startswith("teller: the TLS certificate cannot be used: ")
