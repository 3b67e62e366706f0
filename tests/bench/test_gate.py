from dataclasses import asdict

import pytest

from bench.load.gate import Faults, check_acks, check_deliveries, check_pairs, check_room
from bench.load.window import Plan, Window

from .fake_hub import Planted, clients, fake_hub

TO_EXPECT = {1: 0, 2: 1, 3: 0, 4: 1}


@pytest.mark.parametrize(
    ("delivered", "faults"),
    [
        ([1, 2, 3, 4], Faults()),
        ([2, 1, 4, 3], Faults()),  # another sender's place is free
        ([1, 2, 4], Faults(lost=1)),
        ([1, 2, 2, 3, 4], Faults(doubled=1)),
        ([3, 2, 1, 4], Faults(reordered=1)),
        ([1, 2, 3, 4, 9], Faults(unexpected=1)),
        ([], Faults(lost=4)),
    ],
)
def test_deliveries(delivered: list[int], faults: Faults) -> None:
    assert check_deliveries(TO_EXPECT, delivered) == faults


@pytest.mark.parametrize(
    ("acked", "faults"),
    [
        ([2, 1], Faults()),
        ([1], Faults(unacknowledged=1)),
        ([1, 2, 2], Faults(acknowledged_twice=1)),
        ([1, 2, 3], Faults(unexpected=1)),
    ],
)
def test_acks(acked: list[int], faults: Faults) -> None:
    assert check_acks([1, 2], acked) == faults


PLANTED = [
    (Planted(), ""),
    (Planted(lose_at=7), "lost"),
    (Planted(double_at=7), "doubled"),
    (Planted(swap_at=7), "reordered"),
    (Planted(forget_ack_at=7), "unacknowledged"),
]


@pytest.mark.parametrize(("planted", "fault"), PLANTED)
@pytest.mark.parametrize("kind", ["pairs", "room"])
async def test_a_planted_fault_is_caught(planted: Planted, fault: str, kind: str) -> None:
    async with fake_hub(planted) as hub:
        connections = await clients(hub, 4)
        template = connections[0].dialect.template
        for n, connection in enumerate(connections):
            to = "#r" if kind == "room" else f"@c{n ^ 1}"
            await connection.request("join", room="#r")
            if n < 2 or kind == "pairs":
                connection.templates = [template({"type": "message", "to": to, "text": "a"})]
        window = Window(connections, Plan(first=1, seconds=0.15, warm_up=0.0, depth=3, drain=0.3))
        result = await window.run(copies=3 if kind == "room" else 1)
        check = check_room if kind == "room" else check_pairs
        found = {name for name, number in asdict(check(window, connections)).items() if number}
        assert found == ({fault} if fault else set())
        assert result["sent"] == hub.messages > 20


async def test_a_refusal_and_a_stray_id_are_told() -> None:
    for planted, words in ((Planted(refuse_at=5), "error"), (Planted(stray_at=5), "nobody sent")):
        async with fake_hub(planted) as hub:
            connections = await clients(hub, 2)
            template = connections[0].dialect.template
            frame = {"type": "message", "to": "@c1", "text": "a"}
            connections[0].templates = [template(frame)]
            plan = Plan(first=1, seconds=0.1, warm_up=0.0, depth=8, drain=0.2)
            window = Window(connections, plan)
            result = await window.run(copies=1)
            assert words in str(result["errors"])
