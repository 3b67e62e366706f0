import asyncio
from pathlib import Path

import pytest

from bench import systems
from bench.scaled import Shape, _cluster, scaled
from server.ledger.keys import SLOTS


@pytest.mark.parametrize("primaries", [1, 2])
def test_some_servers_share_all_slots_and_the_others_have_none(
    tmp_path: Path, primaries: int
) -> None:
    with _cluster(tmp_path, primaries) as cluster:
        shards = asyncio.run(cluster.shards())
    assert [shard.replicas for shard in shards] == [()] * 3  # whoever has none copies nobody
    sizes = [sum(last - first + 1 for first, last in shard.slots) for shard in shards]
    assert sizes == [SLOTS // primaries] * primaries + [0] * (3 - primaries)


@pytest.mark.long  # the scenarios of both start them, too
def test_each_process_of_workers_and_of_hubs_is_known() -> None:
    for shape, servers, ports in ((Shape(workers=2), 3, 1), (Shape(hubs=2), 2, 2)):
        with scaled(shape, "memory") as system:
            parts = [name.partition(" ")[0] for name in system.pids]
            assert (parts.count("server"), parts.count("store")) == (servers, 1)
            assert len(set(system.pids.values())) == len(parts)
            assert len(set(system.addresses)) == ports
            assert not systems.audit(system)
