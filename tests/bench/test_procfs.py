import os
import time
from pathlib import Path

from bench import procfs
from bench.peers import PEERS


def test_processes_are_found_and_measured(tmp_path: Path) -> None:
    with PEERS["relay"].start(tmp_path) as relay:
        server = relay.pids["server"]
        assert server in procfs.descendants(os.getpid())
        assert procfs.cpu_ns(server) > 0
        assert procfs.resident_bytes(server) > 1_000_000
    assert server not in procfs.descendants(os.getpid())


def test_the_cpu_time_of_a_process_is_what_it_used() -> None:
    before, own = procfs.cpu_ns(os.getpid()), time.process_time_ns()
    while time.process_time_ns() - own < 20_000_000:
        pass
    assert procfs.cpu_ns(os.getpid()) - before >= 20_000_000
