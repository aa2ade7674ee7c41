"""How many pieces the output uses between points, and how few would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.analysis.lines import line_cost, random_pairs
from relufast.analysis.part import SkipPart, Subject, mean, significant
from relufast.minimal_pieces import MinimalPieces, minimal_pieces
from relufast.region_sparsity import RegionSparsity, region_sparsity
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "How few pieces would do"

_TOLERANCES = (0.1, 0.01, 0.001)  # of half the range of the output on the line
_LINES = 20


@dataclass(frozen=True, eq=False)
class OutputPieces:
    """Used and fewest pieces of one output on segments between points.

    Attributes
    ----------
    segments : tuple of RegionSparsity
        Each with the tolerances in units of its output.
    outputs : tuple of int
        Which output: the one that differs most between the ends of the segment.
    relative_tolerances : tuple of float
        In units of half the range of the output on the segment.
    """

    segments: tuple[RegionSparsity, ...]
    outputs: tuple[int, ...]
    relative_tolerances: tuple[float, ...]

    @property
    def minimal(self) -> FloatArray:
        """Shape (segments, tolerances)."""
        return np.array([each.minimal for each in self.segments], dtype=np.float64)

    @property
    def used(self) -> FloatArray:
        return np.array([each.used for each in self.segments], dtype=np.float64)

    def section(self) -> Section:
        example = sorted(self.segments, key=lambda each: each.used)[len(self.segments) // 2]
        proven = sum(each.certified for each in self.segments)
        middle = self.minimal[:, 1].mean()
        average = f", on average of {len(self.segments)} segments" if len(self.segments) > 1 else ""
        return Section(
            title=TITLE,
            text=(
                "Many pieces of the output may hardly bend. The fewest pieces of any piecewise "
                "linear function within a tolerance say how complicated the function is, apart "
                "from how the network makes it. Tolerances are shares of half the output's range "
                "on the segment; of several outputs, the one that differs most between its ends.",
            ),
            figures=(
                Figure(
                    title="The output, and a simpler function",
                    draw=lambda layout: _draw(layout, self, example),
                    caption=(
                        f"Left: one output between two points, {example.used:,} pieces, and a "
                        f"function of {example.minimal[1]:,} pieces within 1 % of it, the fewest. "
                        "Right: pieces on each segment, used and needed within each tolerance."
                    ),
                    source="relufast.region_sparsity(network, None, tolerances, relative=True, …)",
                ),
            ),
            tables=(
                Table(
                    name="analysis-pieces",
                    caption="Pieces of the output on a segment, mean over segments.",
                    columns=(
                        Column("tolerance", "tolerance"),
                        Column("segments", "segments"),
                        Column("used", "pieces used", ",.4g"),
                        Column("minimal", "fewest pieces", ",.4g"),
                        Column("n_certified", "segments certified"),
                    ),
                    rows=[
                        (t, len(self.segments), mean(self.used), mean(column), proven)
                        for t, column in zip(self.relative_tolerances, self.minimal.T, strict=True)
                    ],
                ),
            ),
            findings=(
                f"The output uses {significant(self.used.mean())} pieces between two points"
                f"{average}; {significant(middle)} would do within 1 % of half its range.",
            ),
            notes=(f"On {proven} of {len(self.segments)} segments both counts are proven.",),
        )


def measure(subject: Subject) -> OutputPieces:
    network, options = subject.network, subject.options
    cost = line_cost(network)
    number = options.affordable(min(_LINES, options.n_lines), cost, "A line")
    pairs = random_pairs(subject, subject.generator("pieces"), number)
    segments, outputs = [], []
    for a, b in pairs:
        change = np.abs(network(a) - network(b))
        outputs.append(int(np.argmax(change)))
        segments.append(
            region_sparsity(
                network,
                None,
                _TOLERANCES,
                relative=True,
                output=outputs[-1],
                start=a,
                stop=b,
                n_threads=options.n_threads,
            )
        )
    if not segments:
        raise SkipPart("There are no two different points to look between.")
    return OutputPieces(tuple(segments), tuple(outputs), _TOLERANCES)


def _vertices(found: RegionSparsity) -> tuple[FloatArray, FloatArray]:
    line = found.breakpoints
    x = np.unique(np.concatenate([line.interval, line.positions[line.reaches_output]]))
    return x, line.function(x)[:, 0]


def _draw(layout: Layout, found: OutputPieces, example: RegionSparsity) -> Drawing:
    from relufast.report import figures

    figure, (left, right) = figures.panels(layout, [2.5, 2.5])
    x, y = _vertices(example)
    simple: MinimalPieces = minimal_pieces(x, y, float(example.tolerances[1]))
    (first, _), (second, marker) = figures.series(2)
    left.plot(x, y, color=first, label=f"output, {example.used:,} pieces")
    left.plot(
        simple.knots,
        simple.values,
        color=second,
        marker=marker,
        linewidth=0.9,
        label=f"within 1 %, {simple.count:,} pieces",
    )
    left.set_xlabel("position between the two points")
    left.set_ylabel("output")
    left.legend(fontsize=7)
    names = ["used", *(f"{100 * t:g} %" for t in found.relative_tolerances)]
    columns = [found.used, *found.minimal.T]
    for number, (values, (colour, _)) in enumerate(
        zip(columns, figures.series(len(columns)), strict=True)
    ):
        # Side by side, so that equal counts do not hide each other.
        shifts = np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else np.zeros(1)
        right.plot(
            number + shifts, np.sort(values), color=colour, marker="o", linestyle="none", ms=3
        )
    figures.logarithmic(right, "y")
    right.set_xticks(range(len(names)), names)
    right.set_xlabel("within a tolerance of")
    right.set_ylabel("pieces on a segment")
    return figure
