"""When bytes leave, as a calculation."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.world.planet import planet
from bench.world.weather import RTO_MIN, SEGMENT_BYTES, Way, Weather

WEATHER = st.builds(
    Weather,
    delay=st.floats(0, 0.2),
    jitter=st.floats(0, 0.1),
    loss=st.floats(0, 0.5),
    rate=st.sampled_from([0.0, 1e3, 1e6]),
)
PIECES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5_000)), max_size=30)


@given(weathers=st.lists(WEATHER, min_size=1, max_size=3), pieces=PIECES, seed=st.integers())
def test_nothing_overtakes_and_nothing_is_early(
    weathers: list[Weather], pieces: list[tuple[float, int]], seed: int
) -> None:
    way, now, last = Way(weathers[0], 0.1, 0.0, Random(seed)), 0.0, 0.0
    for number, (pause, size) in enumerate(pieces):
        now += pause
        way.weather = weathers[number % len(weathers)]
        due = way.due(now, size)
        assert due >= max(last, now + way.weather.delay)
        last = due


def test_clear_weather_is_the_delay_and_no_more() -> None:
    way = Way(Weather(0.05), 0.1, 0.0, Random(1))
    assert [way.due(now, 1_000) for now in (1.0, 1.0, 2.0)] == [1.05, 1.05, 2.05]


def test_nothing_enters_before_the_handshake_is_through() -> None:
    assert Way(Weather(0.05), 0.1, 7.0, Random(1)).due(6.0, 1) == 7.05


def test_a_narrow_way_takes_one_piece_after_the_other() -> None:
    way = Way(Weather(0.5, rate=1_000), 1.0, 0.0, Random(1))
    assert [way.due(0.0, 500), way.due(0.0, 500), way.due(3.0, 500)] == [1.0, 1.5, 4.0]


def test_jitter_only_adds() -> None:
    way = Way(Weather(0.05, jitter=0.01), 0.1, 0.0, Random(1))
    extra = [way.due(now, 1) - now - 0.05 for now in range(1_000)]
    assert min(extra) >= -1e-9
    assert sum(extra) / len(extra) == pytest.approx(0.01, rel=0.2)


def test_a_lost_packet_stalls_the_stream_for_a_time_out() -> None:
    way = Way(Weather(0.05, loss=0.2), 0.1, 0.0, Random(1))
    stalls = [round(way.due(now, 1) - now - 0.05, 6) for now in range(0, 20_000, 20)]
    timeout = 0.1 + RTO_MIN
    once, twice = round(timeout, 6), round(3 * timeout, 6)  # the second time-out is double
    assert set(stalls) >= {0.0, once, twice}
    assert round(2 * timeout, 6) not in stalls
    assert 0.15 < sum(map(bool, stalls)) / len(stalls) < 0.25


def test_of_more_packets_more_are_lost() -> None:
    def stalled(size: int) -> int:
        way = Way(Weather(0.0, loss=0.01), 0.1, 0.0, Random(1))
        return sum(way.due(now, size) > now for now in range(0, 100_000, 100))

    assert stalled(50 * SEGMENT_BYTES) > 5 * stalled(1)


@pytest.mark.parametrize(
    "odd", [{"delay": -1}, {"delay": 0, "loss": 1.0}, {"delay": 0, "rate": -1}]
)
def test_odd_weather_is_refused(odd: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no such weather"):
        Weather(**odd)


def test_the_planet_is_whole_and_the_same_both_ways() -> None:
    world = planet()
    pairs = world.pairs(list(world.city))
    assert len(pairs) == 90
    assert all(0.013 <= world.one_way(*pair) <= 0.206 for pair in pairs)
    assert all(world.one_way(a, b) == world.one_way(b, a) for a, b in pairs)
    assert world.one_way("DUB", "FRA") == 0.013
    assert world.one_way("FRA", "FRA") == 0


def test_a_place_elsewhere_is_refused() -> None:
    with pytest.raises(BenchError, match="no region MARS"):
        planet().one_way("FRA", "MARS")
