"""Who sends what to whom, where no client asks."""

from collections import Counter

import pytest

from bench.limits.traffic import Traffic

PEOPLE = [f"@p{n}" for n in range(100)]
NUMBER = 20_000


def _drawn(to: str, depth: int = 1, **kinds: int) -> list[tuple[str, str, str]]:
    traffic = Traffic(PEOPLE, kinds or {"payment": 1}, to, depth)
    return [traffic.draw(n) for n in range(NUMBER)]


@pytest.mark.parametrize("to", ["pair", "uniform", "zipf", "hot"])
def test_nobody_sends_to_himself(to: str) -> None:
    assert all(sender != receiver for _, sender, receiver in _drawn(to))


def test_neighbours_are_pairs_and_send_in_turn() -> None:
    drawn = _drawn("pair", depth=3)
    assert [sender for _, sender, _ in drawn[:7]] == ["@p0"] * 3 + ["@p1"] * 3 + ["@p2"]
    assert {(a, b) for _, a, b in drawn} == {(b, a) for _, a, b in drawn}


def test_everyone_is_paid_alike_or_few_most_or_one_all() -> None:
    uniform, zipf, hot = (
        Counter(to for _, _, to in _drawn(spread)) for spread in ("uniform", "zipf", "hot")
    )
    assert len(uniform) == 100
    assert max(uniform.values()) < 2 * min(uniform.values())
    assert 0.15 < zipf["@p0"] / NUMBER < 0.23  # 19 % for the first of 100
    assert zipf["@p0"] > zipf["@p1"] > zipf["@p9"]
    assert hot == {"@p0": NUMBER}


def test_the_merchant_sends_nothing() -> None:
    assert "@p0" not in {sender for _, sender, _ in _drawn("hot")}


def test_kinds_come_by_their_weights() -> None:
    kinds = Counter(kind for kind, _, _ in _drawn("uniform", message=3, payment=1))
    assert 0.22 < kinds["payment"] / NUMBER < 0.28
    assert kinds.total() == NUMBER


def test_a_spread_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        Traffic(PEOPLE, {"payment": 1}, "room", 1)
