from bench.load.gate import check_pairs
from bench.load.histogram import merge
from bench.load.window import Plan, Window

from .fake_hub import FakeHub, Planted, clients, fake_hub

STALL_MS = 100


async def window_of(hub: FakeHub, plan: Plan) -> tuple[Window, dict[str, object]]:
    connections = await clients(hub, 2)
    for n, connection in enumerate(connections):
        frame = {"type": "message", "to": f"@c{1 - n}", "text": "a"}
        connection.templates = [connection.dialect.template(frame)]
    window = Window(connections, plan)
    result = await window.run(copies=1)
    assert not check_pairs(window, connections).any
    return window, result


async def test_a_stall_shows_in_the_open_loops_tail() -> None:
    """Coordinated omission: all that should have been sent in a stall counts as late, although
    the hub was slow to a few frames only, seen one by one."""
    planted = Planted(stall_at=200, stall_seconds=STALL_MS / 1_000)
    async with fake_hub(planted) as hub:
        plan = Plan(first=1, seconds=1.5, warm_up=0.0, rate=400)
        window, result = await window_of(hub, plan)
    histogram = merge([str(result["ack"])])
    assert histogram.get_value_at_percentile(99) > STALL_MS * 1_000 / 2
    assert histogram.get_max_value() >= STALL_MS * 1_000 * 0.9
    # Of the 40 that were due in the stall, half had to wait for at least half of it.
    assert sum(ns > STALL_MS * 1_000_000 / 2 for ns in window.ack_ns) >= 15


async def test_an_open_loop_sends_what_it_says_and_ids_go_on() -> None:
    async with fake_hub(Planted()) as hub:
        window, result = await window_of(hub, Plan(first=50, seconds=0.5, warm_up=0.1, rate=200))
    assert 100 <= len(window.sent_at) <= 130
    assert result["sent"] == hub.messages == len(window.sent_at)
    gaps = {b - a for a, b in zip(window.sent_at, window.sent_at[1:], strict=False)}
    assert gaps <= {4_999_999, 5_000_000, 5_000_001}  # intended times, not actual ones
    assert merge([str(result["lag"])]).get_total_count() > 0


async def test_a_closed_loop_keeps_its_depth() -> None:
    planted = Planted(stall_at=1, stall_seconds=0.3)
    async with fake_hub(planted) as hub:
        window, _ = await window_of(hub, Plan(first=1, seconds=0.2, warm_up=0.0, depth=5))
    assert len(window.sent_at) == 10  # the stall outlasts the window: two senders, five each
