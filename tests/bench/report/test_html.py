import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from bench.report import write_html
from bench.report.aims import read_aims
from bench.report.html import page

from .runs import a_row, a_run, rows

VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})


class Reader(HTMLParser):
    """Checks that elements nest, and keeps what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_names_everything(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(a_run(), path)
    found = read(path.read_text(encoding="utf-8"))
    for row in rows():
        assert row.scenario.removeprefix("payload ").removeprefix("capacity ") in found.text
        assert row.system in found.text
    for told in (
        "direct messages",
        "nothing points to it",
        "generator CPU 90%",
        "was the limit",
        "a processor",
    ):
        assert told in found.text
    assert all(aim.why in found.text for aim in read_aims().aim)


def test_it_needs_nothing_from_outside_and_no_script() -> None:
    text = page(a_run())
    found = read(text)
    assert not found.tags & {"script", "link", "img", "iframe", "object"}
    outward = [
        value for name, value in found.attributes if name in ("src", "href", "style", "data")
    ]
    assert all("//" not in (value or "") and "url(" not in (value or "") for value in outward)
    assert not re.search(r"@import|url\(|https?://", text)
    links = {value for name, value in found.attributes if name == "href"}
    ids = {f"#{value}" for name, value in found.attributes if name == "id"}
    assert links <= ids


def test_texts_are_escaped() -> None:
    text = page(a_run(scenarios={"dm": "<script>alert('&')</script>"}))
    assert "<script>" not in text
    assert "acknowledges <nothing> & goes on" not in text
    assert "acknowledges <nothing> & goes on" in read(text).text


def test_both_schemes_are_served_and_texts_are_large_enough() -> None:
    text = page(a_run())
    assert "@media (prefers-color-scheme: dark)" in text
    assert 'name="viewport"' in text
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", text)]
    assert min(sizes) >= 14


def test_every_colour_that_is_used_is_defined() -> None:
    many = [a_row("dm", f"peer{n}", "operations", n + 1) for n in range(30)]
    text = page(a_run(rows=many))
    used = set(re.findall(r'class="(?:track )?(c\d+|own)"', text))
    assert len(used) == 12
    assert all(f".{name} {{" in text for name in used)


def test_bars_show_the_store_behind_the_hub_and_what_teller_is_to_each() -> None:
    text = page(a_run())
    assert "24 + 30" in text
    first = re.search(r"Operations per second.*?</figure>", text, re.S)
    assert first is not None
    assert re.findall(r'class="name">([\w-]+)', first[0]) == ["ws", "teller", "ejabberd"]
    assert ">0.50<" in first[0]
    assert ">5.00<" in first[0]


def test_latency_is_drawn_by_percentile_and_by_share_of_the_capacity() -> None:
    text = page(a_run())
    captions = re.findall(r"<figcaption>([^<]+)", text)
    assert captions.count("Ack latency, ms") == 2  # dm and payload
    assert captions.count("Ack p99, ms, at % of capacity") == 1
    curve = text[text.index("at % of capacity") :]
    points = re.findall(r'polyline points="([^"]+)"', curve)[:3]
    for line in points:
        heights = [float(point.split(",")[1]) for point in line.split()]
        assert heights == sorted(heights, reverse=True)  # latency rises with the load
        assert len(heights) == 3


def test_a_failed_or_broken_run_says_so_first() -> None:
    text = read(page(a_run(held=False, partial=True))).text
    assert text.index("gate failed") < text.index("aims reached")
    assert "broken off" in text
    assert "gate failed" not in read(page(a_run())).text


def test_an_empty_run_still_makes_a_page() -> None:
    assert "Aims" in read(page(a_run(rows=[], machine={}, options={}))).text


def test_figures_of_zero_do_not_break_the_plots() -> None:
    zero = [replace(row, value=0.0, low=0.0, high=0.0) for row in rows()]
    read(page(a_run(rows=zero)))


def test_changes_since_an_older_run_are_told() -> None:
    slower = [replace(row, value=row.value * 3, low=None, high=None) for row in rows()[:3]]
    first = replace(rows()[1], value=2.4, low=2.3, high=2.5)
    text = read(page(a_run(), a_run(rows=[slower[0], first]))).text
    assert "Since the older run" in text
    assert "1 figures moved further than the noise" in text
    assert "2.4 → 24" in text
    assert "worse" in text
    assert "Since the older run" not in read(page(a_run())).text


def test_an_axis_has_round_numbers_enough_to_read_and_not_more() -> None:
    for least, most in ((250.0, 600.0), (2.0, 90.0), (0.05, 20_000.0), (9.0, 9.5)):
        found = [a_row("dm", "teller", f"ack p{n}", 0, unit="ms") for n in (50, 90, 99)]
        values = (least, least, most)
        given = [replace(row, value=value) for row, value in zip(found, values, strict=True)]
        text = page(a_run(rows=given))
        levels = re.findall(r'class="level"><line[^>]*></line><text[^>]*>([\d.,]+)', text)
        assert 3 <= len(levels) <= 8
        numbers = [float(level.replace(",", "")) for level in levels]
        assert numbers == sorted(set(numbers))
        assert least / 3 <= numbers[0]
        assert numbers[-1] <= most * 3
