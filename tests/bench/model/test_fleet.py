"""From people to machines and money."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import msgspec
import pytest

from bench.model.anchors import anchors
from bench.model.bill import bill, unit_prices
from bench.model.demand import DAY, PING_SECONDS, demand, egress_bytes, month_of
from bench.model.fleet import GIB, Need, fleet, hub_cores, kept_bytes, store_cores
from bench.model.peaks import events, payees
from bench.model.settings import Habits, read_habits, read_prices
from bench.model.waiting import hot_shard, hub_wait, wait
from bench.model.walls import first_beyond, walls
from bench.model.wire import message, payment, silence
from server.config import Settings

from .figures import costs

HABITS, PRICES = read_habits(), read_prices()
PLAIN = msgspec.structs.replace(
    HABITS.people, messages_a_day=DAY, payments_a_day=0.0, room_share=0.0, logins_a_day=0.0,
    online_share=0.0, devices=1.0, peak_factor=1.0,
)  # fmt: skip
"""One direct message a second for each user, and nothing else."""


def with_people(**changes: float) -> Habits:
    people = msgspec.structs.replace(PLAIN, **changes)
    return msgspec.structs.replace(HABITS, people=people)


def test_what_people_ask_is_counted() -> None:
    asked = demand(1_000, HABITS.people)
    people = HABITS.people
    assert asked.direct + asked.room == pytest.approx(1_000 * people.messages_a_day / DAY)
    assert asked.payments == pytest.approx(1_000 * people.payments_a_day / DAY)
    assert asked.connections == pytest.approx(1_000 * people.online_share * people.devices)
    busy = asked.times(3)
    assert busy.posts == pytest.approx(3 * asked.posts)
    assert busy.connections == asked.connections
    assert month_of(1.0) == pytest.approx(365.25 * DAY / 12)


def test_a_room_message_reaches_every_member_who_is_there_but_its_sender() -> None:
    asked = demand(86_400, msgspec.structs.replace(
        PLAIN, messages_a_day=1.0, room_share=1.0, room_members=11, online_share=0.5))  # fmt: skip
    assert asked.copies == pytest.approx(1 * 10 * 0.5)
    assert asked.deliveries == pytest.approx(asked.copies)


def test_the_ping_interval_is_the_hubs() -> None:
    assert Settings().ping_interval_s == PING_SECONDS


def test_bytes_on_the_wire() -> None:
    json, packed = message("json", 100), message("msgpack", 100)
    assert packed.up < json.up
    assert packed.ack < json.ack
    assert packed.entry < json.entry
    longer = message("json", 1_100)
    assert longer.up == json.up + 1_000  # both lengths take two bytes, and fit a packet
    assert message("json", 2_000).up == json.up + 1_900 + 52  # one packet more
    assert payment("msgpack").ack < payment("json").ack
    assert silence() == 52 + 22 + 2 + 52


def test_egress_is_acks_entries_and_silence() -> None:
    habits = with_people(online_share=1.0)
    one = message("json", habits.people.text_bytes)
    sent = egress_bytes(demand(1, habits.people), habits.people, "json")
    assert sent == pytest.approx(one.ack + one.entry + silence() / PING_SECONDS)


def test_cores_follow_from_the_costs() -> None:
    known = costs()
    asked = demand(1_000, PLAIN)
    assert store_cores(asked, known, crossing=0.0) == pytest.approx(1_000 * 40e-6)
    assert store_cores(asked, known, crossing=1.0) == pytest.approx(1_000 * 80e-6)
    assert store_cores(asked, known, crossing=0.5) == pytest.approx(1_000 * 60e-6)
    assert hub_cores(asked, known, hubs=1) == pytest.approx(1_000 * 30e-6)
    there = demand(1_000, msgspec.structs.replace(PLAIN, online_share=1.0))
    relayed = hub_cores(there, known, hubs=2) - hub_cores(there, known, hubs=1)
    assert relayed == pytest.approx(1_000 * 10e-6 / 2)


def test_memory_grows_with_the_days_and_marks_only_for_a_week() -> None:
    known, mean = costs(), demand(1, PLAIN)
    week, two, three = (kept_bytes(mean, known, days) for days in (7, 14, 21))
    assert week == pytest.approx(1_000 + 7 * DAY * (400 + 7 / 7 * 120))
    assert two - week == pytest.approx(7 * DAY * 400)
    assert three - two == pytest.approx(two - week)


def test_a_fleet_has_what_it_needs_most_of() -> None:
    found = fleet(demand(1e8, HABITS.people), costs(), HABITS, PRICES.machine)
    for need in (found.hubs, found.primaries):
        assert need.processes == ceil(max(need.by.values()))
        assert need.by[need.decided_by] == max(need.by.values())
    assert found.hub_machines * PRICES.machine.cores >= found.hubs.processes
    rules = HABITS.fleet
    room = found.store_machines / rules.copies * rules.store_memory_gib * GIB * rules.store_fill
    assert found.store_memory <= room
    assert found.store_machines % rules.copies == 0


def test_by_cpu_where_little_is_kept_and_by_memory_where_much_is() -> None:
    brief = msgspec.structs.replace(HABITS, keeping=msgspec.structs.replace(
        HABITS.keeping, days=0.01))  # fmt: skip
    mean = demand(1e8, HABITS.people)
    assert fleet(mean, costs(), brief, PRICES.machine).primaries.decided_by == "CPU"
    assert fleet(mean, costs(), HABITS, PRICES.machine).primaries.decided_by == "memory"


def test_a_small_fleet_is_one_of_each_and_nothing_crosses() -> None:
    found = fleet(demand(1, HABITS.people), costs(), HABITS, PRICES.machine)
    assert (found.hubs.processes, found.primaries.processes, found.crossing) == (1, 1, 0.0)
    assert Need({"CPU": 0.0}).processes == 1


def test_the_bill_is_the_sum_of_its_machines_disk_and_egress() -> None:
    mean, known = demand(1e6, HABITS.people), costs()
    found = fleet(mean, known, HABITS, PRICES.machine)
    paid = bill(mean, found, known, HABITS, PRICES, "json")
    assert paid.hubs == pytest.approx(found.hub_machines * 59.57)
    assert paid.stores == pytest.approx(found.store_machines * 4 * 59.57)
    assert paid.total == pytest.approx(paid.hubs + paid.stores + paid.disk + paid.egress)
    assert paid.egress / paid.egress_hoster == pytest.approx(90)
    smaller = bill(mean, found, known, HABITS, PRICES, "msgpack")
    assert smaller.egress < paid.egress


def test_a_thousand_payments_cost_a_thousand_times_one() -> None:
    dear = unit_prices(costs(store_payment=120.0), HABITS, PRICES, "json")
    cheap = unit_prices(costs(), HABITS, PRICES, "json")
    core_second = 59.57 / 2 / (730 * 3_600)
    more = 60e-6 * 2 * 3 / 0.4 * 3 * 1_000 * core_second
    assert dear.thousand_payments_cpu - cheap.thousand_payments_cpu == pytest.approx(more)


def test_walls_stand_where_the_demand_meets_them() -> None:
    found = walls(costs(), HABITS, PRICES, "json")
    assert found == sorted(found, key=lambda wall: wall.users)
    by_name = {wall.name: wall.users for wall in found}
    people, rules = HABITS.people, HABITS.fleet
    per_user = people.online_share * people.devices
    assert by_name["connections of one hub process"] == pytest.approx(50_000 / per_user)
    at = demand(by_name["one store's core"], people).times(people.peak_factor)
    assert store_cores(at, costs(), 0) == pytest.approx(rules.store_use)
    first = found[0]
    assert first_beyond(found, 1) is first
    assert first_beyond(found, first.users) is found[1]
    assert first_beyond(found, 1e15) is None


def test_a_costlier_post_brings_a_wall_nearer() -> None:
    near, far = (
        {wall.name: wall.users for wall in walls(costs(store_message=cost), HABITS, PRICES, "json")}
        for cost in (80.0, 40.0)
    )
    assert near["one store's core"] < far["one store's core"]
    assert near["one disk's appends"] == far["one disk's appends"]


def test_events_say_what_is_missing() -> None:
    mean = demand(1e6, HABITS.people)
    found = fleet(mean, costs(), HABITS, PRICES.machine)
    new_year, packets = events(mean, found, costs(), HABITS, PRICES.machine)
    assert new_year.posts == pytest.approx(10 * mean.posts)
    assert new_year.hubs.holds
    assert not packets.hubs.holds
    tier = packets.hubs
    assert tier.behind == pytest.approx((tier.load - 1) * 60)
    assert tier.needed <= (tier.there + tier.more) * 0.9 + 1e-9
    assert tier.needed > (tier.there + tier.more - 1) * 0.9
    assert packets.extra_hour > 0 == new_year.extra_hour


def test_one_payee_is_one_core() -> None:
    assert payees(costs(), HABITS) == pytest.approx(1e6 * 60e-6 / 0.9)


def test_waiting_depends_on_the_use_only() -> None:
    found = fleet(demand(1e8, HABITS.people), costs(), HABITS, PRICES.machine)
    assert hub_wait(costs(), found, HABITS).use <= HABITS.fleet.hub_use
    assert wait(0.5, 30.0).p99 > wait(0.3, 30.0).p99 > wait(0.3, 15.0).p99


def test_a_hot_shard_recovers_and_a_hopeless_one_does_not() -> None:
    hot = hot_shard(costs(store_full=150.0, store_message=400.0), 0.1, 20)
    assert hot.p50 <= hot.p99 < hot.worst
    assert hot.calm_after is not None
    stuck = hot_shard(costs(store_full=400.0, store_message=400.0), 0.4, 20)
    assert stuck.calm_after is None
    assert stuck.worst > hot.worst


def test_the_loads_of_others_are_told_as_ratios() -> None:
    found = {one.name: one for one in anchors(costs(), HABITS, PRICES.machine)}
    assert set(found) == {"WhatsApp 2014", "WeChat 2015-17", "LINE 2018"}
    larger = replace(costs().memory, message=800.0)
    more = {one.name: one for one in anchors(costs(memory=larger), HABITS, PRICES.machine)}
    line, whatsapp = found["LINE 2018"], found["WhatsApp 2014"]
    assert line.ratio == pytest.approx(line.model / 60)
    assert line.ratio < more["LINE 2018"].ratio < 2 * line.ratio
    assert whatsapp.ratio == pytest.approx(whatsapp.model / 8_000)
