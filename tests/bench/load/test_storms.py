from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.load import crowd
from bench.load.dial import PER_ADDRESS, source_of
from bench.load.driver import Generator
from bench.load.histogram import merge
from bench.load.worker import Worker

from .conftest import Enter
from .fake_hub import GAP_MAX, Planted, fake_hub
from .test_gate import found


async def test_all_drop_and_come_back_with_what_they_missed(entered: Enter) -> None:
    async with entered(6, room=True) as (_, worker):
        await worker.load(to="room", seconds=0.1, warm_up=0.0)
        for messages in (0, 12, 5):
            assert await worker.drop(messages=messages) == {"sent": messages}
            result: dict[str, Any] = await worker.resume(at_once=3)
            assert (result["connected"], result["missed"]) == (6, messages)
            assert merge([result["connect"]]).get_total_count() == 6
            assert not found(result)
        assert not found(await worker.load(to="room", seconds=0.1, warm_up=0.0))


async def test_a_long_gap_is_fetched_page_by_page(entered: Enter) -> None:
    async with entered(2) as (_, worker):
        missed = 3 * GAP_MAX + 7
        await worker.drop(messages=missed)
        result = await worker.resume()
        assert result["missed"] == missed
        assert not found(result)


@pytest.mark.parametrize(
    ("planted", "fault"),
    [(Planted(lose_missed=2), "lost"), (Planted(double_missed=2), "doubled")],
)
async def test_resume_catches_a_planted_fault(
    entered: Enter, planted: Planted, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MISSED_SECONDS", 0.2)
    async with entered(2, planted) as (_, worker):
        await worker.drop(messages=3)
        result: dict[str, Any] = await worker.resume()
        assert found(result) == {fault}
        assert result["faults"][fault] == 1


async def test_without_cursors_nothing_is_asked_for(entered: Enter) -> None:
    async with entered(2) as (_, worker):
        await worker.drop(messages=3)
        result: dict[str, Any] = await worker.resume(cursors=False)
        assert (result["connected"], result["missed"]) == (2, 0)
        assert not found(result)


@pytest.mark.parametrize("tokens", [True, False])
async def test_a_storm_comes_and_goes(entered: Enter, tokens: bool) -> None:
    async with entered(4) as (_, worker):
        for _ in range(2):
            result: dict[str, Any] = await worker.storm(number=4, tokens=tokens, at_once=2)
            assert result["connected"] == 4
            assert merge([result["connect"]]).get_total_count() == 4
            assert result["seconds"] > 0
        with pytest.raises(ValueError, match="4 accounts"):
            await worker.storm(number=5)


async def test_who_does_not_get_in_is_counted(entered: Enter) -> None:
    async with entered(2) as (_, worker):
        await worker.drop()
        worker._addresses = [("127.0.0.1", 1)]
        result: dict[str, Any] = await worker.resume()
        assert (result["connected"], found(result)) == (0, {"refused"})
        assert len(result["errors"]) == 2


async def test_accounts_can_be_kept_without_their_connections(entered: Enter) -> None:
    async with entered(2) as (_, worker):
        names = (await worker.enter(3, keep=False))["names"]
        assert len(set(names)) == 3
        result = await worker.resume()
        assert result["connected"] == 3
        assert len(worker._connections()) == 5


def test_sockets_are_spread_over_local_addresses() -> None:
    numbers = (0, PER_ADDRESS - 1, PER_ADDRESS, 3 * PER_ADDRESS)
    sources = [source_of(number, "127.0.0.1") for number in numbers]
    assert sources == ["", "", "127.0.0.2", "127.0.0.4"]
    assert source_of(PER_ADDRESS, "10.0.0.1") == ""


async def test_a_connection_comes_from_its_address(entered: Enter) -> None:
    async with entered(1) as (hub, _):
        beyond = Worker([("127.0.0.1", hub.port)], "json", offset=PER_ADDRESS)
        await beyond.enter(1)
        (connection,) = beyond._connections()
        assert connection.transport.get_extra_info("sockname")[0] == "127.0.0.2"
        beyond.close()


@pytest.mark.parametrize(("paired", "places"), [(False, [0, 1, 0, 1]), (True, [0, 0, 1, 1])])
async def test_several_hubs_are_dialled_in_turn_or_two_and_two(
    paired: bool, places: list[int]
) -> None:
    async with fake_hub(Planted()) as one, fake_hub(Planted()) as other:
        ports = [one.port, other.port]
        worker = Worker([("127.0.0.1", port) for port in ports], "json")
        await worker.enter(4, paired=paired)
        await worker.drop()
        await worker.resume()  # to the same hub again, which knows them
        peers = [one.transport.get_extra_info("peername")[1] for one in worker._connections()]
        assert [ports.index(port) for port in peers] == places
        worker.close()


async def test_accounts_may_be_given_their_names(entered: Enter) -> None:
    async with entered(2) as (_, worker):
        assert await worker.enter(names=["anna", "otto"]) == {"names": ["anna", "otto"]}
        assert [connection.name for connection in worker._connections()][2:] == ["anna", "otto"]


ECHO = """
import asyncio
import sys
from bench.load.lines import obey
class Echo:
    async def enter(self, number):
        return {"names": [f"{sys.argv[1:]} {n}" for n in range(number)]}
    async def storm(self, number):
        return {"connected": number, "seconds": float(number), "faults": {"refused": 1}}
    async def fail(self):
        raise ValueError("too much")
    async def end(self):
        sys.exit(1)
asyncio.run(obey(Echo()))
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that answers what it was asked."""
    (tmp_path / "echo_lines.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "echo_lines"


def test_several_processes_count_as_one(echo: str) -> None:
    with Generator(echo, "a", processes=3) as generator:
        assert len(generator.pids) == 3
        assert generator.call("enter", number=4)["names"] == [
            *("['a'] 0", "['a'] 1", "['a', '1'] 0", "['a', '2'] 0")
        ]
        answer = generator.call("storm", number=5)
        assert answer == {"connected": 5, "seconds": 2.0, "faults": {"refused": 3}}
        with pytest.raises(BenchError, match="not for 3"):
            generator.call("load")


def test_what_goes_wrong_in_the_process_is_told(echo: str) -> None:
    with Generator(echo) as generator:
        with pytest.raises(BenchError, match="ValueError: too much"):
            generator.call("fail")
        with pytest.raises(BenchError, match="ended during 'end'"):
            generator.call("end")
