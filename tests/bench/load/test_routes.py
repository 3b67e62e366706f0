import itertools
from collections import Counter

import pytest

from bench.load.dialects.nats import Nats
from bench.load.dialects.teller import Json
from bench.load.pace import due_times
from bench.load.routes import ROOM, Route, Router

NAMES = [f"b_{n:05d}" for n in range(20)]


def routes(to: str, kinds: dict[str, int], number: int = 5_000) -> list[Route]:
    """What a router picks for all senders in turn."""
    router = Router(Json(), NAMES, "r", kinds, to, 10, seed=1)
    picked = [router.picks(n % len(NAMES), 1)[0] for n in range(number)]
    return [router.routes[one] for one in picked]


@pytest.mark.parametrize("to", ["uniform", "zipf", "hot", "pair"])
def test_nobody_writes_to_himself(to: str) -> None:
    assert all(route.sender != route.to for route in routes(to, {"message": 1}))


def test_receivers_follow_their_distribution() -> None:
    got = {
        to: Counter(route.to for route in routes(to, {"payment": 1}))
        for to in ("uniform", "zipf", "hot")
    }
    assert got["hot"][0] >= 4_750  # all but its own
    assert 0.2 * 5_000 < got["zipf"][0] < 0.4 * 5_000  # Zipf's first of 20 has 28 %
    assert got["zipf"][0] > got["zipf"][4] > got["zipf"][19] > 0
    assert all(150 < got["uniform"][n] < 350 for n in range(20))


def test_kinds_follow_their_weights() -> None:
    kinds = Counter(route.kind for route in routes("pair", {"message": 95, "payment": 5}))
    assert 150 < kinds["payment"] < 350
    assert kinds["message"] + kinds["payment"] == 5_000


def test_a_message_in_a_room_is_the_rooms() -> None:
    got = set(routes("room", {"message": 9, "payment": 1}))
    assert {route.to == ROOM for route in got if route.kind == "room"} == {True}
    assert {route.to == ROOM for route in got if route.kind == "payment"} == {False}


@pytest.mark.parametrize("dialect", [Json(), Nats()])
def test_every_route_has_a_frame_of_its_own_receiver(dialect: Json | Nats) -> None:
    router = Router(dialect, NAMES, "r", {"message": 1}, "uniform", 10, seed=1)
    for sender in range(20):
        for picked in router.picks(sender, 50):
            route, frame = router.routes[picked], router.frames[picked] % 7
            assert NAMES[route.to].encode() in frame
            if isinstance(dialect, Nats):  # whose frames name the sender
                assert NAMES[sender].encode() in frame


@pytest.mark.parametrize("to", ["pair", "room", "everyone"])
def test_what_makes_no_sense_is_refused(to: str) -> None:
    names = NAMES[:3] if to == "pair" else NAMES[:1] if to == "room" else NAMES
    with pytest.raises(ValueError, match=r"not enough|nobody knows"):
        Router(Json(), names, "r", {"message": 1}, to, 10, seed=1)


def test_due_times_are_even_within_a_stretch() -> None:
    times = list(due_times(100, [(0.1, 1), (0.1, 10), (0.1, 0.5)]))
    assert len(times) == 10 + 100 + 5
    gaps = [round((b - a) / 1e6, 3) for a, b in itertools.pairwise(times)]
    assert gaps == [10] * 10 + [1] * 100 + [20] * 4
