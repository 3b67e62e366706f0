import pytest

from bench.search import CLOSE, highest


@pytest.mark.parametrize("knee", [130.0, 990.0, 1_000.0, 1_499.0, 3_333.0, 250_000.0])
def test_it_ends_just_below_the_knee(knee: float) -> None:
    asked: list[float] = []

    def passes(rate: float) -> bool:
        asked.append(rate)
        return rate <= knee

    found = highest(passes, 1_000.0)
    assert found is not None
    assert found <= knee < found * CLOSE
    assert found in asked  # it was seen to pass
    assert len(asked) == len(set(asked))


def test_where_nothing_passes_nothing_is_found() -> None:
    assert highest(lambda _: False, 1_000.0) is None
