from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.peers import PEERS
from bench.report import check, exit_code, read_aims
from bench.report.aims import AIMS, Aim, Aims, State, summary
from bench.report.grid import ORDER, family
from bench.report.rows import RATIO
from bench.scenarios import SCENARIOS

from .runs import a_row, a_run

BESIDE_PEERS = frozenset(
    {"store", "dm", "uniform", "alone", "bare", "no stall", "cut", "loss"}
    | {"1 worker", "1 primary", "within"}
)
"""What else a ratio of an aim is held against."""


def an_aim(**bound: float) -> Aims:
    return Aims([Aim("dm", "operations ÷ ws", "as fast as ws", **bound)])


@pytest.mark.parametrize(
    ("bound", "state", "code"),
    [
        ({"at_least": 0.4}, State.REACHED, 0),
        ({"at_least": 0.5}, State.REACHED, 0),
        ({"at_least": 0.6}, State.SHORT, 1),
        ({"at_most": 0.6}, State.REACHED, 0),
        ({"at_most": 0.4}, State.SHORT, 1),
    ],
)
def test_the_median_is_held_against_the_bound(
    bound: dict[str, float], state: State, code: int
) -> None:
    verdicts = check(a_run(), an_aim(**bound))
    assert verdicts[0].state is state
    assert exit_code(a_run(), verdicts) == code


def test_the_bad_end_of_the_interval_is_known() -> None:
    (least,) = check(a_run(), an_aim(at_least=0.4))
    (most,) = check(a_run(), an_aim(at_most=0.6))
    (narrow,) = check(a_run(), an_aim(at_least=0.495))
    assert least.bad_end == pytest.approx(0.49)
    assert most.bad_end == pytest.approx(0.51)
    assert (least.told, narrow.told) == ("reached", "reached, not surely")
    assert narrow.state is State.REACHED


def test_what_was_not_measured_passes_and_is_counted() -> None:
    verdicts = check(a_run(rows=[]), an_aim(at_least=1))
    assert verdicts[0].state is State.UNKNOWN
    assert exit_code(a_run(rows=[]), verdicts) == 0
    assert summary(verdicts) == "0 of 1 aims reached, 0 short, 1 not measured"


def test_another_durability_does_not_reach_an_aim() -> None:
    rows = [a_row("dm", "teller", "operations ÷ ws", 9, durability="memory")]
    assert check(a_run(rows=rows), an_aim(at_least=1))[0].state is State.UNKNOWN


def test_a_run_whose_gate_failed_reaches_nothing() -> None:
    run = a_run(held=False)
    verdicts = check(run, an_aim(at_least=0.1))
    assert verdicts[0].state is State.UNKNOWN
    assert exit_code(run, verdicts) == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[[aim]", "does not hold aims"),
        ('[[aim]]\nscenario = "dm"\nfigure = "operations"\nat_least = 1', "`why`"),
        ('[[aim]]\nscenario = "dm"\nfigure = "operations"\nwhy = "speed"', "at_most or at_least"),
        (
            '[[aim]]\nscenario = "dm"\nfigure = "operations"\nwhy = "speed"\natleast = 1',
            "unknown field `atleast`",
        ),
        (
            '[[aim]]\nscenario = "dm"\nfigure = "x"\nwhy = "y"\nat_least = 1\nat_most = 2',
            "at_most or at_least",
        ),
    ],
)
def test_broken_aims_are_refused_in_words(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "aims.toml"
    path.write_text(content)
    with pytest.raises(BenchError) as refused:
        read_aims(path)
    assert complaint in str(refused.value)
    with pytest.raises(BenchError, match="No such file"):
        read_aims(tmp_path / "absent.toml")


def test_the_aims_name_only_what_exists() -> None:
    aims = read_aims(AIMS)
    assert len({(aim.scenario, aim.figure) for aim in aims.aim}) == len(aims.aim)
    for aim in aims.aim:
        assert family(aim.scenario) in SCENARIOS, aim
        figure, _, other = aim.figure.partition(RATIO)
        assert figure.removeprefix("payment ").startswith(ORDER), aim
        assert not other or other in PEERS or other in BESIDE_PEERS, aim
