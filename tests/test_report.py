"""The report: its numbers, its page and its folder."""

from __future__ import annotations

import csv
import html
import io
import math
import os
import re
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from executors import process_pool

import relufast
from relufast import report
from relufast._cpus import available_cpus
from relufast.report import EFFORTS, Settings, verdict, write_report
from relufast.report.certification import Certification
from relufast.report.chapter import Chapter, Claim, Column, Figure, Reference, Section, Table
from relufast.report.chapters.one_dimensional import image_pairs, law, positions
from relufast.report.digits import load_digits
from relufast.report.estimate import Estimate, mean, means, ratio
from relufast.report.page import render_page, render_tables
from relufast.report.progress import Progress
from relufast.report.prose import prose

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

SEEDLESS_TABLES = {  # of what is given, or exact
    "hidden-ranks-digits.csv",
    "fisher-shares.csv",
    "injectivity-capacities.csv",
    "injectivity-second-layer.csv",
    "injectivity-digits.csv",
}
TINY = Settings(seed=3, effort=0.01, largest_width=10, command="relufast report --seed 3")


class Page(HTMLParser):
    """What a browser would see of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attributes]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[-1][-1][-1] += data

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.attributes if name == attribute]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def chapters(folder: Path) -> list[Chapter]:
    return write_report(folder, TINY)


@pytest.fixture(scope="module")
def text(folder: Path, chapters: list[Chapter]) -> str:
    return (folder / report.PAGE_NAME).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def small_chapter(settings: Settings, progress: Progress) -> Chapter:
    def draw(layout: Layout) -> Drawing:
        from relufast.report import figures

        figure, (axes,) = figures.panels(layout, [1.0])
        figures.points(axes, [1.0], [Estimate(2.0, 0.1)], *figures.series(1)[0])
        return figure

    section = Section(
        title="A question",
        text=["Some <b>text</b>."],
        figures=[Figure('A "figure"', draw, "A caption.", "a command")],
        tables=[
            Table(
                "small", "A table", [Column("x", "x")], [[Estimate(2.0, 0.1)], [settings.seed]][:1]
            )
        ],
        findings=["It is 2.0 ± 0.1.", "A detail."],
    )
    paper = Reference("An author", "A paper", "2512.08091")
    return Chapter("small", "A chapter", paper, ["An intro."], [section])


def failing_chapter(settings: Settings, progress: Progress) -> Chapter:
    raise KeyboardInterrupt


# The page


def test_the_page_needs_nothing_else(text: str, page: Page, chapters: list[Chapter]) -> None:
    assert not page.tags.keys() & {"script", "link", "img", "iframe", "object", "embed"}
    links = [*page.values("href"), *page.values("xlink:href"), *page.values("src")]
    assert {link for link in links if not link.startswith(("#", "data:"))} == {
        chapter.reference.url for chapter in chapters
    }
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}


def test_no_id_is_on_the_page_twice(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = [*page.values("xlink:href"), *page.values("href")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_the_contents_list_names_every_chapter(page: Page, chapters: list[Chapter]) -> None:
    links = [link for link in page.values("href") if link.startswith("#chapter-")]
    assert links == [f"#chapter-{number}" for number in range(1, len(chapters) + 1)]
    n_sections = sum(len(chapter.sections) for chapter in chapters)
    assert sum(link.startswith("#section-") for link in page.values("href")) == n_sections


def test_figures_are_drawn_for_wide_and_for_narrow_screens(
    page: Page, chapters: list[Chapter]
) -> None:
    classes = Counter(page.values("class"))
    n_figures = sum(len(section.figures) for c in chapters for section in c.sections)
    assert classes["wide"] == classes["narrow"] == page.tags["figure"] == n_figures > 0


def test_all_colours_of_figures_follow_the_colour_scheme(text: str) -> None:
    body = text[text.index("<body") :]
    assert "var(--series-1)" in body
    assert re.findall(r"#[0-9a-fA-F]{6}\b|rgb\(", body) == []
    style = text[: text.index("<body")]
    assert "prefers-color-scheme: dark" in style
    used = set(re.findall(r"var\((--[\w-]+)\)", text))
    light, dark = style.split("prefers-color-scheme: dark")
    for variable in used:
        assert f"{variable}:" in light
        assert f"{variable}:" in dark


def test_tables_and_csv_files_hold_the_same_numbers(folder: Path, page: Page) -> None:
    names = [name.removesuffix(".csv") for name in page.values("download")]
    assert {f"{name}.csv" for name in names} == {path.name for path in folder.glob("*.csv")}
    # The opening table has its own form.
    assert names[0] == "claims"
    for name, (_, *rows) in zip(names[1:], page.tables[1:], strict=True):
        path = folder / f"{name}.csv"
        header, *rows_in_file = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
        assert len(set(header)) == len(header)
        assert rows_in_file
        for row, row_in_file in zip(rows, rows_in_file, strict=True):
            for text, value in zip(shown(row, header), row_in_file, strict=True):
                assert_shows(text, value)


def test_the_opening_table_is_what_the_chapters_claim(
    folder: Path, page: Page, chapters: list[Chapter]
) -> None:
    rows = iter(page.tables[0][1:])
    for chapter in chapters:
        (paper,) = next(rows)
        assert f"arXiv {chapter.reference.arxiv}" in paper
        for claim, row in zip(chapter.claims, rows, strict=False):
            text, measured, answer, see = (
                cell.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")
                for cell in row
            )
            assert text == claim.claim
            assert measured.startswith(f"{claim.measured}{claim.limits}{claim.why_open}")
            assert bool(claim.why_open) == (claim.verdict == verdict.OPEN)
            assert answer[2:] == claim.verdict
            assert ("Figure" in see) == (claim.figure is not None)
    assert next(rows, None) is None
    with (folder / "claims.csv").open(encoding="utf-8", newline="") as file:
        in_file = list(csv.DictReader(file))
    claims = [claim for chapter in chapters for claim in chapter.claims]
    assert [row["verdict"] for row in in_file] == [claim.verdict for claim in claims]


@pytest.mark.parametrize(
    ("settings", "obstacle", "answer"),
    [
        (EFFORTS["quick"].settings(7), "", "Too little was measured to tell; <code>{}</code>"),
        (EFFORTS["full"].settings(7), "", "Too little was measured to tell, even by the largest"),
        (EFFORTS["quick"].settings(7), "No table", "No table.</span>"),
    ],
)
def test_an_open_claim_says_what_to_do(settings: Settings, obstacle: str, answer: str) -> None:
    claim = Claim("A claim", 1.0, "1 of 2", verdict.OPEN, "", "A rule.", obstacle=obstacle)
    chapter = small_chapter(settings, Progress())
    section = replace(chapter.sections[0], claims=[claim])
    page = render_page([replace(chapter, sections=[section])], settings, Progress(), version="")
    assert answer.format("relufast report --seed 7") in page.decode()


def test_efforts_name_the_next_larger_one() -> None:
    efforts = sorted(EFFORTS.values(), key=lambda effort: effort.effort)
    settings = [effort.settings(2) for effort in efforts]
    assert [s.larger for s in settings] == [*(s.command for s in settings[1:]), ""]


@pytest.mark.parametrize("narrow", [False, True])
def test_every_axis_with_numbers_has_a_name(chapters: list[Chapter], narrow: bool) -> None:
    """Its own, or that of a panel in the same row or column."""
    from relufast.report.figures import NARROW, WIDE

    for figure in (f for c in chapters for s in c.sections for f in s.figures):
        drawing = figure.draw(NARROW if narrow else WIDE)
        drawing.canvas.draw()
        named: dict[str, set[Any]] = {"x": set(), "y": set()}
        numbered: dict[str, set[Any]] = {"x": set(), "y": set()}
        for axes in drawing.axes:
            place = axes.get_subplotspec()
            if not axes.axison or place is None:
                continue
            for letter, axis, line in (
                ("x", axes.xaxis, place.colspan.start),
                ("y", axes.yaxis, place.rowspan.start),
            ):
                if axis.get_label_text():
                    named[letter].add(line)
                labels = [t.get_text() for t in axis.get_ticklabels() if t.get_visible()]
                if any(re.match(r"[\d\N{MINUS SIGN}]", label) for label in labels):
                    numbered[letter].add(line)
        assert numbered["y"] <= named["y"], figure.title
        assert numbered["x"] <= named["x"], figure.title


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("x_g²", "x<sub>g</sub>²"),
        ("x_a x_b", "x<sub>a</sub> x<sub>b</sub>"),
        ("m_l/n", "m<sub>l</sub>/\N{WORD JOINER}n"),
        ("σₖ/√2 and 1/√2", "σₖ/\N{WORD JOINER}√2 and 1/\N{WORD JOINER}√2"),
        ("tolerance^(−1/2)", "tolerance<sup>−1/\N{WORD JOINER}2</sup>"),  # noqa: RUF001
        ("tolerance^p", "tolerance<sup>p</sup>"),
        ("bias_variance", "bias_variance"),
        ("2.0 ± 0.1 %", "2.0\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}%"),
        ("a < b & c", "a &lt; b &amp; c"),
    ],
)
def test_formulas_in_sentences(sentence: str, shown: str) -> None:
    assert prose(sentence) == shown


def test_code_on_the_page_gives_its_number(chapters: list[Chapter], tmp_path: Path) -> None:
    coded = [claim for chapter in chapters for claim in chapter.claims if claim.code]
    assert len(coded) >= 10
    for claim in coded:
        file = tmp_path / "code.py"
        file.write_text(claim.code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, file], check=True, capture_output=True, text=True, cwd=tmp_path
        )
        number = claim.number.value if isinstance(claim.number, Estimate) else claim.number
        assert float(done.stdout) == pytest.approx(number, rel=1e-12), claim.claim


@pytest.mark.usefixtures("chapters")
def test_a_chapter_alone_has_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    write_report(tmp_path, TINY, chapters=["injectivity"])
    names = {path.name for path in tmp_path.glob("*.csv")}
    assert len(names) < len(list(folder.glob("*.csv")))
    for name in names - {"claims.csv"}:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


class CountingExecutor(Executor):
    """Another one, and how much it was given to do."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.n_calls = 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.n_calls += 1
        return self.executor.submit(function, *args, **kwargs)


@pytest.mark.usefixtures("chapters")
def test_averages_on_other_processes_are_the_same(folder: Path, tmp_path: Path) -> None:
    with process_pool(2) as pool:
        executor = CountingExecutor(pool)
        write_report(tmp_path, TINY, chapters=["hidden_ranks", "injectivity"], executor=executor)
        assert executor.n_calls > 10
        assert pool.submit(abs, -1).result() == 1  # not shut down
    names = {path.name for path in tmp_path.glob("*.csv")} - {"claims.csv"}
    assert len(names) > 5
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_chapters_have_the_names_that_they_say() -> None:
    with pytest.raises(ValueError, match=r"chapters must be among .*injectivity, but got rank"):
        write_report(Path("nowhere"), TINY, chapters=["rank", "injectivity"])


def shown(row: list[str], header: list[str]) -> Iterator[str]:
    """An estimate is one cell of the page and two of the file."""
    keys = iter(header)
    for cell in row:
        if f"{next(keys)}_standard_error" in header:
            next(keys)
            yield from cell.split(" ± ")
        else:
            yield cell


def assert_shows(text: str, value: str) -> None:
    """The page's text is the file's value, rounded to the digits shown."""
    try:
        number = float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        assert text == value
    else:
        decimals = len(text.partition(".")[2])
        assert abs(number - float(value)) <= 0.5000001 * 10.0**-decimals


def test_downloads_are_the_csv_files(folder: Path, page: Page) -> None:
    import base64

    data = [link for link in page.values("href") if link.startswith("data:text/csv;base64,")]
    contents = {base64.b64decode(link.partition(",")[2]) for link in data}
    assert contents == {path.read_bytes() for path in folder.glob("*.csv")}


def test_findings_are_numbers_not_failures(text: str, chapters: list[Chapter]) -> None:
    visible = html.unescape(re.sub(r"<svg.*?</svg>|<style.*?</style>", "", text, flags=re.DOTALL))
    assert not re.search(r"\b(nan|inf|None)\b", visible)
    assert visible.count("In short") == len(chapters)
    assert "certified" in visible


@pytest.mark.usefixtures("chapters")
def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_report(tmp_path, TINY)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("chapters")
def test_another_seed_gives_other_numbers(folder: Path) -> None:
    settings = Settings(seed=4, effort=0.01, largest_width=10, command="")
    tables = render_tables([chapter(settings, Progress()) for chapter in report.CHAPTERS.values()])
    same = {name for name, content in tables.items() if content == (folder / name).read_bytes()}
    assert same == SEEDLESS_TABLES


def test_networks_of_positions_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full report draws 1200 of them, of 2.5 MB and as much again for their breakpoints."""
    alive: list[weakref.ref[relufast.Breakpoints]] = []
    most = 0

    def breakpoints(*arguments: Any, **options: Any) -> relufast.Breakpoints:
        nonlocal most
        most = max(most, sum(reference() is not None for reference in list(alive)))
        found = relufast.breakpoints(*arguments, **options)
        alive.append(weakref.ref(found))
        return found

    monkeypatch.setattr(positions, "breakpoints", breakpoints)
    settings = Settings(seed=4, effort=0.2, largest_width=10, command="")
    positions.section(settings, Progress())
    assert len(alive) == settings.scaled(positions._NETWORKS) > 2 * available_cpus()
    assert most <= available_cpus()


def test_texts_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "CHAPTERS", {"small": small_chapter})
    write_report(tmp_path, TINY)
    text = (tmp_path / report.PAGE_NAME).read_text(encoding="utf-8")
    assert "Some &lt;b&gt;text&lt;/b&gt;." in text
    assert Page(text).values("aria-label").count('A "figure"') == 2
    assert (tmp_path / "small.csv").read_text() == "x,x_standard_error\n2.0,0.1\n"


# Going on


@pytest.mark.usefixtures("chapters")
def test_a_stopped_report_goes_on_from_its_store(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, names = tmp_path / "store.sqlite", ("one_dimensional", "hidden_ranks")
    measured = {name: report.CHAPTERS[name] for name in names}
    monkeypatch.setattr(report, "CHAPTERS", {**measured, "failing": failing_chapter})
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "first", TINY, store=store)
    assert not (tmp_path / "first").exists()
    monkeypatch.undo()
    # By this name `relufast.monte_carlo` is a function.
    run = sys.modules["relufast.monte_carlo.run"]
    monkeypatch.setattr(run, "run_task", lambda *_: pytest.fail("measured again"))
    write_report(tmp_path / "second", TINY, chapters=names, store=store)
    tables = {path.name for path in (tmp_path / "second").glob("*.csv")} - {"claims.csv"}
    assert len(tables) >= 10
    for name in tables:
        assert (tmp_path / "second" / name).read_bytes() == (folder / name).read_bytes()


# The folder


def test_other_files_stay_and_old_pages_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "CHAPTERS", {"small": small_chapter})
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / report.PAGE_NAME).write_text("old")
    write_report(tmp_path, TINY)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["notes.txt", report.PAGE_NAME, "small.csv"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "A chapter" in (tmp_path / report.PAGE_NAME).read_text(encoding="utf-8")


def test_a_stopped_report_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CHAPTERS", {"small": small_chapter, "failing": failing_chapter})
    (tmp_path / report.PAGE_NAME).write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir()] == [report.PAGE_NAME]
    assert (tmp_path / report.PAGE_NAME).read_text() == "old"


def test_a_stopped_report_takes_its_new_folders_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CHAPTERS", {"failing": failing_chapter})
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "new" / "newer", TINY)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_put_in_place_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CHAPTERS", {"small": small_chapter})
    (tmp_path / report.PAGE_NAME).mkdir()
    with pytest.raises(report.OutputFolderError, match="cannot write into"):
        write_report(tmp_path, TINY)
    assert not list(tmp_path.glob(".relufast-*"))


# The digits


def test_the_digits_come_without_scikit_learn() -> None:
    code = (
        "import sys; from relufast.report.digits import load_digits; load_digits();"
        "assert not {'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.path.dirname(__file__))


def test_the_digits_are_small_and_say_where_they_are_from() -> None:
    data = files("relufast.report").joinpath("data/digits.npz").read_bytes()
    assert len(data) < 300_000
    digits = load_digits()
    assert "tools/train_digits.py" in digits.provenance
    assert "CC BY 4.0" in digits.provenance
    assert str(Path.home()) not in digits.provenance


def test_the_trained_network_reads_digits_and_the_initial_one_does_not() -> None:
    digits = load_digits()
    assert digits.images.shape == (599, 64)
    assert digits.images.min() == 0.0
    assert digits.images.max() == 1.0

    def accuracy(network: relufast.Network) -> float:
        return float(np.mean(network(digits.images).argmax(axis=1) == digits.labels))

    assert accuracy(digits.trained) >= 0.96
    assert accuracy(digits.initial) < 0.3
    assert digits.initial.widths == digits.trained.widths == (64, 64, 64, 64, 10)
    drawn = relufast.Network.random(digits.initial.widths, bias_variance=0.0, seed=0)
    for w, expected in zip(digits.initial.weights, drawn.weights, strict=True):
        np.testing.assert_array_equal(w, expected.astype(np.float32))
    assert not any(b.any() for b in digits.initial.biases)


def test_pairs_of_images_are_disjoint() -> None:
    rng, labels = np.random.default_rng(1), load_digits().labels
    same = image_pairs.of_the_same_class(rng, labels)
    different = image_pairs.of_different_classes(rng, labels)
    assert (labels[same[:, 0]] == labels[same[:, 1]]).all()
    assert (labels[different[:, 0]] != labels[different[:, 1]]).all()
    for pairs in (same, different):
        assert len(np.unique(pairs)) == pairs.size > 400


def test_angles_of_images() -> None:
    images = np.array([[1.0, 0.0], [3.0, 3.0], [0.0, 2.0], [1.0, 1e-9]])
    pairs = np.array([[0, 1], [0, 2], [0, 0], [0, 3]])
    expected = [math.pi / 4, math.pi / 2, 0.0, 1e-9]
    np.testing.assert_allclose(image_pairs.angles(images, pairs), expected, rtol=1e-12)


# The laws


def test_finite_width_law_tends_to_that_of_infinite_width() -> None:
    rng = np.random.default_rng(1)
    found = law.finite_width(10**6, 5, (-0.3, 2.0), bias_variance=0.25, samples=100, rng=rng)
    expected = relufast.GaussianProcess(5, bias_variance=0.25).expected_zeros((-0.3, 2.0))
    np.testing.assert_allclose([e.value for e in found], expected, rtol=1e-3)


def test_finite_width_law_tends_to_that_of_the_whole_line() -> None:
    rng = np.random.default_rng(1)
    found = law.finite_width(3, 5, (-1e9, 1e9), bias_variance=0.25, samples=100_000, rng=rng)
    for estimate, expected in zip(found, law.whole_line([3] * 5), strict=True):
        assert abs(estimate.value - expected) <= 5.0 * estimate.standard_error + 1e-6


def test_exact_laws_of_finite_width() -> None:
    """Of unequal widths, against the counts of many networks."""
    widths = (2, 4, 3)
    on_line, in_window, reaching = [], [], []
    for seed in range(2000):
        network = relufast.Network.random((1, *widths, 1), bias_variance=0.5, seed=seed)
        found = relufast.breakpoints(network, n_threads=1)
        on_line.append(found.count_by_layer)
        layers = found.layers - 1
        reaching.append(np.bincount(layers[found.reaches_output], minlength=3))
        in_window.append(np.bincount(layers[np.abs(found.positions) < 1.0], minlength=3))
    line_law = np.array(widths) * law.whole_line(widths)
    assert_within_5_errors(means(on_line), line_law)
    assert_within_5_errors(means(reaching), line_law * law.reaching_output(widths))
    # The first layer's window law does not depend on the width.
    expected = 2 * relufast.GaussianProcess(1, bias_variance=0.5).expected_zeros((-1.0, 1.0))
    assert_within_5_errors(means(in_window)[:1], expected)


def assert_within_5_errors(found: list[Estimate], expected: np.ndarray) -> None:
    assert len(found) == len(expected)
    for estimate, value in zip(found, expected.tolist(), strict=True):
        assert abs(estimate.deviation(value)) <= 5.0


# Numbers


def test_estimates() -> None:
    estimate = mean([1.0, 2.0, 3.0, 6.0])
    assert estimate.value == 3.0
    assert estimate.standard_error == pytest.approx(math.sqrt(14.0 / 3.0 / 4.0))
    assert mean([2.0, 2.0]) == Estimate(2.0, 0.0)
    found = ratio([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert found.value == 2.0
    assert found.standard_error == 0.0


def test_the_error_of_a_ratio_is_its_spread() -> None:
    rng = np.random.default_rng(1)
    below = rng.uniform(1.0, 2.0, size=(2000, 100))
    above = below * rng.normal(3.0, 0.5, size=below.shape)
    found = [ratio(a, b) for a, b in zip(above, below, strict=True)]
    spread = np.std([e.value for e in found])
    assert np.mean([e.standard_error for e in found]) == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize(
    ("estimate", "shown"),
    [
        (Estimate(0.70483, 0.00123), "0.7048 ± 0.0012"),
        (Estimate(1234.5, 12.0), "1,234 ± 12"),
        (Estimate(0.5, 0.0999), "0.500 ± 0.100"),
        (Estimate(3.0, 250.0), "3 ± 250"),
        (Estimate(7.0, 0.0), "7 ± 0"),
    ],
)
def test_estimates_show_two_digits_of_their_error(estimate: Estimate, shown: str) -> None:
    assert str(estimate) == shown


def test_deviations_are_in_standard_errors() -> None:
    assert Estimate(3.0, 0.5).deviation(2.0) == 2.0
    assert Estimate(3.0, 3.0).deviation(8.0, 4.0) == -1.0
    assert Estimate(3.0, 0.0).deviation(3.0) == 0.0
    assert Estimate(3.0, 0.0).deviation(4.0) == -math.inf


def test_seeds_of_experiments() -> None:
    seeds = TINY.network_seeds("one", 5)
    assert seeds == TINY.network_seeds("one", 10)[:5]
    assert not set(seeds) & set(TINY.network_seeds("two", 5))
    assert all(0 <= seed < 2**64 for seed in seeds)


def test_certification_says_what_is_open() -> None:
    network = relufast.Network.random((1, 5, 5, 1), seed=1)
    certified = relufast.breakpoints(network)
    assert str(Certification([certified])) == "exact and certified"
    assert str(Certification([certified] * 2)) == "all 2 counts are exact and certified"
    plain = relufast.breakpoints(network, certify=False)
    assert str(Certification([certified, plain])).startswith("1 of 2 counts are exact")
