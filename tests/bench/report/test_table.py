from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from bench.report import check, read_aims, show, show_changes, show_verdicts
from bench.report.aims import Aim, Aims

from .runs import a_row, a_run, rows


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.fixture
def console() -> Console:
    return Console(width=100, file=StringIO())


def test_contenders_stand_side_by_side(console: Console) -> None:
    show(a_run(), console)
    lines = printed(console).splitlines()
    heading = next(line for line in lines if "teller" in line)
    assert heading.split() == ["teller", "ws", "ejabberd"]
    assert "on disk" in lines[lines.index(heading) + 1]
    operations = next(line for line in lines if "operations,\u20091/s" in line)
    assert operations.split()[-3:] == ["10,000", "20,000", "2,000"]
    ratios = next(n for n, line in enumerate(lines) if "operations, Teller ÷ it" in line)
    assert lines[ratios].split()[-2:] == ["0.50", "5.00"]
    assert "0.49–0.51" in lines[ratios + 1]


def test_more_systems_than_fit_go_on_in_a_second_table_beside_teller(console: Console) -> None:
    many = [a_row("dm", f"peer{n}", "operations", n) for n in range(9)]
    show(a_run(rows=[a_row("dm", "teller", "operations", 7_777), *many]), console)
    text = printed(console)
    assert text.count("7,777") > 1
    assert all(text.count(f"peer{n}") == 1 for n in range(9))
    assert max(map(len, text.splitlines())) <= 100


def test_a_pipe_gets_every_figure_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show(a_run())
    text = capsys.readouterr().out
    assert "…" not in text
    assert all(row.figure.partition(" ÷ ")[0] in text for row in rows())


def test_what_is_missing_is_said(console: Console) -> None:
    voids = [f"round {n}, dm on ws: generator CPU 90%" for n in range(1, 9)]
    show(a_run(void=voids, held=False, partial=True), console)
    text = printed(console)
    assert "skipped: tigerbeetle: nothing points to it" in text
    assert "8 rounds were void" in text
    assert "and 3 more" in text
    assert "dm on uws: the generator was the limit" in text
    assert "broken off" in text
    assert "THE GATE FAILED" in text


def test_a_clean_run_has_no_remarks(console: Console) -> None:
    show(a_run(skipped={}, void=[]), console)
    text = printed(console)
    assert not any(word in text for word in ("skipped", "void", "GATE", "broken"))


def test_changes_are_shown_and_noise_is_counted(console: Console) -> None:
    first = rows()[0]
    faster = replace(first, value=20_000, low=19_000, high=21_000)
    show_changes(a_run(), a_run(rows=[faster, *rows()[1:]]), console)
    text = printed(console)
    assert "better" in text
    assert "2.00" in text
    assert "figures moved no further than the noise" in text


def test_verdicts_are_shown_beside_their_aims(console: Console) -> None:
    aims = Aims(
        [
            Aim("dm", "operations ÷ ws", "speed", at_least=1.0),
            Aim("dm", "operations ÷ ejabberd", "speed", at_least=3.0),
            Aim("slow", "delivery p99 ÷ no stall", "calm", at_most=1.2),
        ]
    )
    show_verdicts(a_run(), check(a_run(), aims), console)
    text = printed(console)
    assert text.index("SHORT") < text.index("operations ÷ ws")
    assert "1 of 3 aims reached, 1 short, 1 not measured" in text


def test_the_aims_of_the_house_can_be_shown(console: Console) -> None:
    aims = read_aims()
    show_verdicts(a_run(), check(a_run(), aims), console)
    assert f"of {len(aims.aim)} aims" in printed(console)
