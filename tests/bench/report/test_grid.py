from bench.report.grid import Grid, family, grids

from .runs import a_row, rows


def of(title: str) -> Grid:
    return next(grid for grid in grids(rows()) if grid.title == title)


def test_teller_comes_first_and_each_contender_has_a_column() -> None:
    shuffled = sorted(rows(), key=lambda row: row.system != "ejabberd")
    (grid,) = [grid for grid in grids(shuffled) if grid.title == "dm"]
    assert [column.title for column in grid.columns] == ["teller", "ejabberd", "ws"]


def test_a_ratio_stands_in_the_column_of_the_system_it_is_held_against() -> None:
    grid = of("dm")
    line = grid.line("operations ÷ ")
    assert line is not None
    values = {grid.columns[place].title: row.value for place, row in line.cells.items()}
    assert values == {"ws": 0.5, "ejabberd": 5}


def test_a_ratio_to_what_has_no_column_stays_in_its_own() -> None:
    (grid,) = grids([a_row("mix", "teller", "payment ack p99 ÷ alone", 1.5, unit="×")])
    assert [line.figure for line in grid.lines] == ["payment ack p99 ÷ alone"]
    assert grid.lines[0].cells.keys() == {0}


def test_variations_that_one_system_plays_are_columns_of_one_grid() -> None:
    assert [column.title for column in of("payload").columns] == ["16", "256", "4096"]
    assert [grid.title for grid in grids(rows())] == ["dm", "room 100", "payload", "capacity"]


def test_variations_that_only_a_peer_plays_keep_its_name() -> None:
    found = grids([a_row(f"payload {size}", "uws", "operations", 1) for size in (16, 256)])
    told = [(grid.title, grid.columns[0].title) for grid in found]
    assert told == [("payload 16", "uws"), ("payload 256", "uws")]


def test_one_system_of_two_durabilities_has_two_columns() -> None:
    both = [a_row("dm", "teller", "operations", 1, durability=kept) for kept in ("disk", "memory")]
    (grid,) = grids(both)
    assert [column.durability for column in grid.columns] == ["disk", "memory"]


def test_throughput_comes_before_cost_and_the_instrument_last() -> None:
    figures = [line.figure for line in of("dm").lines]
    assert figures[0] == "operations"
    assert figures.index("server CPU per op") < figures.index("ack p50")
    assert figures[-1] == "generator CPU"


def test_families() -> None:
    names = ("room 100", "dm", "dm at half", "mix, payments alone")
    assert [family(name) for name in names] == ["room", "dm", "dm", "mix"]


def test_rounds_are_counted_in_words() -> None:
    def told(*numbers: int) -> str:
        found = [a_row("dm", "teller", f"ack p{n}", 1, rounds=n) for n in numbers]
        return grids(found)[0].rounds

    assert [told(1), told(5, 5), told(3, 5, 4)] == ["1 round", "5 rounds", "3–5 rounds"]
