"""What makes a measuring run worthless ends it, in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import BenchError
from bench.log import Log
from bench.model import measure, store
from bench.model.store import Taken
from bench.outcome import Outcome
from bench.systems import System

from .test_measure import Silent, stage

FAULTLESS = {"sent": 10, "faults": {"lost": 0}, "errors": []}


def stand(answer: dict[str, Any], path: Path | None = Path("/nonexistent")) -> Any:
    """A stand whose generator answers each load so."""
    system = System("teller", "127.0.0.1", 0, "disk", store_socket=path)
    generator = SimpleNamespace(call=lambda do, **_: answer)
    return SimpleNamespace(system=system, generator=generator, enter=lambda *_, **__: None)


def logs(monkeypatch: pytest.MonkeyPatch, *sizes: int) -> None:
    """The store's file has these sizes, look by look."""
    looks = iter([Taken(1_000 * n, 100 * n, size) for n, size in enumerate(sizes)])
    monkeypatch.setattr(store, "_taken", lambda _: next(looks))


def test_a_store_that_rewrote_its_file_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    logs(monkeypatch, 0, 10, 20, 5_000, 100)
    with pytest.raises(BenchError, match="rewrote its file"):
        store.memory_of(stand(FAULTLESS))
    logs(monkeypatch, 0, 10, 20, 5_020, 9_020)
    found = store.memory_of(stand(FAULTLESS))
    assert (found.message_log, found.payment_log) == (500, 400)
    assert (found.message, found.mark, found.payment) == (10, 90, 100)


def test_somebody_elses_store_cannot_be_looked_into() -> None:
    with pytest.raises(BenchError, match="someone else"):
        store.memory_of(stand(FAULTLESS, path=None))


@pytest.mark.parametrize(
    "answer",
    [
        {**FAULTLESS, "faults": {"lost": 1}},
        {**FAULTLESS, "errors": ["refused"]},
        {**FAULTLESS, "sent": 0},
    ],
)
def test_posts_that_went_wrong_are_not_counted(
    answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs(monkeypatch, 0, 10, 20, 30, 40)
    with pytest.raises(BenchError, match="memory"):
        store.memory_of(stand(answer))


@contextmanager
def page(text: str) -> Iterator[System]:
    """Something that answers any GET so."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield System("teller", "127.0.0.1", server.server_port, "disk")
        finally:
            server.shutdown()
            thread.join()


def test_a_hub_that_does_not_count_is_of_no_use() -> None:
    with page("teller_posts_total 7.0\nteller_store_calls_total 3.0\n") as system:
        assert measure.posted(system) == (7.0, 3.0)
    with page("teller_posts_total 7.0\n") as system, pytest.raises(BenchError, match="metrics"):
        measure.posted(system)


@pytest.mark.parametrize(("held", "words"), [(False, "gate"), (True, "no round counts")])
def test_what_was_lost_or_void_gives_no_costs(
    held: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "play", lambda *_: held)
    with pytest.raises(BenchError, match=words):
        measure.alone(stage(), _beside(monkeypatch))


def _beside(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand with a store that nobody starts."""

    @contextmanager
    def client(_: Path) -> Iterator[Any]:
        yield SimpleNamespace(pid=0, call=print)

    monkeypatch.setattr(measure.store, "client", client)
    monkeypatch.setattr(measure.systems, "pin", lambda *_: None)
    found = stand({"names": []})
    found.system.pids = {"store": 0}
    return found


@pytest.mark.parametrize(("held", "stopping"), [(False, False), (True, True)])
def test_a_run_that_did_not_end_well_gives_no_costs(
    held: bool, stopping: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(Silent(), stopping=stopping)
    where: Any = SimpleNamespace(hub=lambda: _open(stand(FAULTLESS)), sizes=measure.SIZES)
    for name in ("memory_of", "alone", "_half"):
        monkeypatch.setattr(measure, name, lambda *_: {})
    monkeypatch.setattr(measure, "_curve", lambda *_: (1.0, []))
    for name in ("room", "connect", "idle"):
        scenario = SimpleNamespace(SCENARIO=SimpleNamespace(run=lambda _: Outcome([], held)))
        monkeypatch.setattr(measure, name, scenario)
    with pytest.raises(BenchError, match="not everything"):
        measure.measured(where, log)


@contextmanager
def _open(one: Any) -> Iterator[Any]:
    yield one
