"""Breakpoints between the points, and along random lines through them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.analysis.part import Subject, mean, percent
from relufast.breakpoints import Breakpoints, breakpoints
from relufast.gaussian_process import expected_breakpoints
from relufast.network import Network
from relufast.report.certification import Certification
from relufast.report.chapter import Cell, Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Breakpoints along lines"

# More curves than there are colours would be told apart by nobody.
_MOST_OUTPUTS = 6


@dataclass(frozen=True, eq=False)
class Lines:
    """Breakpoints of one network along many lines.

    Attributes
    ----------
    between : tuple of Breakpoints
        On segments between two of the points.
    whole : tuple of Breakpoints
        On whole lines through a point, in a direction uniform on the sphere.
    law : ndarray of float64, shape (len(between), depth), or None
        What wide random networks with the same variances of weights and biases have on the same
        segments, in expectation; None where a layer has only zeros for weights, or variances
        overflow.
    """

    between: tuple[Breakpoints, ...]
    whole: tuple[Breakpoints, ...]
    law: FloatArray | None

    @property
    def network(self) -> Network:
        return self.whole[0].network

    @property
    def example(self) -> Breakpoints:
        """A segment with as many breakpoints as most, to be drawn."""
        found = sorted(self.between or self.whole, key=lambda each: each.count)
        return found[len(found) // 2]

    def section(self) -> Section:
        figures = [
            Figure(
                title="Breakpoints by layer",
                draw=lambda layout: _draw_layers(layout, self),
                caption=(
                    "Breakpoints of each hidden layer on segments between two points and on whole "
                    "lines, mean with bars of one standard error where there are several lines: "
                    "all, and those where the slope of the output changes. "
                    "Lines: what wide random networks have in expectation, with the same variances "
                    "of weights and biases; on a whole line that is one for each neuron."
                ),
                source="relufast.breakpoints(network, start=a, stop=b)",
            )
        ]
        if self.between:
            figures.insert(
                0,
                Figure(
                    title="The network along one line",
                    draw=lambda layout: _draw_example(layout, self.example),
                    caption=(
                        "Between two of the points, on the segment with the median number of "
                        f"breakpoints, {self.example.count:,}: the output"
                        + (
                            ", those components that vary most,"
                            if self.network.widths[-1] > _MOST_OUTPUTS
                            else ""
                        )
                        + " and a tick for each breakpoint of each layer."
                    ),
                    source="relufast.breakpoints(network, start=a, stop=b)",
                ),
            )
        certification = Certification([*self.between, *self.whole])
        return Section(
            title=TITLE,
            text=(
                "Along a line the network is piecewise linear. A breakpoint is a position at which "
                "a hidden neuron switches on or off; many of them make a complicated function of "
                "the line, none a straight one.",
            ),
            figures=figures,
            tables=(_table(self),),
            findings=_findings(self),
            notes=(f"On these lines {certification}.",),
        )


def measure(subject: Subject) -> Lines:
    network, options = subject.network, subject.options
    number = options.affordable(options.n_lines, 2 * line_cost(network), "A line")
    rng = subject.generator("lines")

    def along(start: FloatArray, stop: FloatArray, *, whole: bool) -> Breakpoints:
        return breakpoints(
            network, start=start, stop=stop, whole_line=whole, n_threads=options.n_threads
        )

    pairs = [pair for pair in random_pairs(subject, rng, number)]
    whole = []
    # With one input there is one line only.
    for _ in range(number if network.widths[0] > 1 else 1):
        start = subject.points[rng.integers(len(subject.points))]
        direction = rng.standard_normal(len(start))
        size = max(1.0, float(np.linalg.norm(start)))
        stop = start + direction * (size / float(np.linalg.norm(direction)))
        whole.append(along(start, stop, whole=True))
    return Lines(
        tuple(along(a, b, whole=False) for a, b in pairs),
        tuple(whole),
        _law(network, pairs),
    )


def line_cost(network: Network) -> float:
    """Multiplications for all breakpoints on a line, about."""
    largest = max(network.widths[1:])
    # In deep networks most signs need double-double.
    proofs = 20 if network.depth > 15 else 1
    return proofs * largest**3 * network.depth**2 / 2 + network.widths[0] * largest


def random_pairs(
    subject: Subject, rng: np.random.Generator, number: int
) -> list[tuple[FloatArray, FloatArray]]:
    """Of different points; none if there is one point only, each at most once if there are few."""
    m = len(subject.points)
    if m * (m - 1) // 2 <= number:
        chosen = [(i, j) for i in range(m) for j in range(i + 1, m)]
    else:
        chosen = [tuple(rng.choice(m, 2, replace=False)) for _ in range(number)]
    pairs = [(subject.points[i], subject.points[j]) for i, j in chosen]
    return [(a, b) for a, b in pairs if not np.array_equal(a, b)]


def _law(network: Network, pairs: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray | None:
    with np.errstate(over="ignore"):
        weight_variances = [w.shape[1] * float(np.mean(w**2)) for w in network.weights[:-1]]
        bias_variances = [float(np.mean(b**2)) for b in network.biases[:-1]]
    is_finite = np.isfinite(weight_variances).all() and np.isfinite(bias_variances).all()
    if not pairs or not is_finite or min(weight_variances) == 0.0:
        return None
    try:
        return np.array(
            [
                expected_breakpoints(
                    network.widths,
                    weight_variance=weight_variances,
                    bias_variance=bias_variances,
                    negative_slope=network.negative_slope,
                    start=a,
                    stop=b,
                )
                for a, b in pairs
            ]
        )
    except ValueError:
        return None  # parallel points without biases, for one: the process is degenerate there


def _counts(found: Sequence[Breakpoints]) -> tuple[FloatArray, FloatArray]:
    """All, and those that reach the output, shape (lines, depth)."""
    depth = found[0].network.depth
    reaching = [
        np.bincount(each.layers[each.reaches_output], minlength=depth + 1)[1:] for each in found
    ]
    return np.array([each.count_by_layer for each in found], float), np.array(reaching, float)


def _kinds(lines: Lines) -> dict[str, Sequence[Breakpoints]]:
    kinds = {"segments": lines.between, "whole lines": lines.whole}
    return {name: found for name, found in kinds.items() if found}


def _law_of(lines: Lines, kind: str) -> FloatArray | None:
    """Expected counts by layer, mean over lines."""
    if kind == "whole lines":
        return np.array(lines.network.widths[1:-1], dtype=np.float64)
    return None if lines.law is None else np.asarray(lines.law.mean(axis=0))


def _table(lines: Lines) -> Table:
    rows: list[Sequence[Cell]] = []
    for kind, found in _kinds(lines).items():
        law = _law_of(lines, kind)
        counts, reaching = _counts(found)
        for index in range(lines.network.depth):
            total = counts[:, index].sum()
            rows.append(
                (
                    kind,
                    len(found),
                    index + 1,
                    lines.network.widths[index + 1],
                    mean(counts[:, index]) if len(found) > 1 else counts[0, index].item(),
                    math.nan if law is None else float(law[index]),
                    reaching[:, index].sum() / total if total else math.nan,
                    sum(each.certified for each in found),
                )
            )
    if len({type(row[4]) for row in rows}) > 1:
        rows = [(*row[:4], getattr(row[4], "value", row[4]), *row[5:]) for row in rows]
    return Table(
        name="analysis-breakpoints",
        caption="Breakpoints on a line, by layer.",
        columns=(
            Column("lines", "lines"),
            Column("n_lines", "number"),
            Column("layer", "layer"),
            Column("width", "neurons"),
            Column("breakpoints", "breakpoints, mean", ",.4g"),
            Column("random_network", "random networks", ",.1f"),
            Column("reaching_output", "share that reaches the output", ".3f"),
            Column("n_certified", "lines certified"),
        ),
        rows=rows,
    )


def _findings(lines: Lines) -> list[str]:
    sentences = []
    if lines.between:
        counts, reaching = _counts(lines.between)
        totals = counts.sum(axis=1)
        sentence = (
            f"Between two points the network has {mean(totals):,.4g} breakpoints"
            f"{' on average' if len(totals) > 1 else ''}"
        )
        if totals.sum() > 0:
            sentence += f", of which {percent(reaching.sum() / totals.sum())} bend the output"
        if lines.law is not None:
            expected = lines.law.sum(axis=1).mean()
            sentence += f"; wide random networks of these variances have {expected:,.4g}"
        sentences.append(sentence + ".")
    counts, reaching = _counts(lines.whole)
    totals = counts.sum(axis=1)
    lines_named = "A whole line" if len(totals) > 1 else "The whole line"
    sentences.append(
        f"{lines_named} has {mean(totals):,.4g} breakpoints, where wide random networks have "
        f"{lines.network.n_neurons:,}, one for each neuron."
    )
    if not lines.between:
        sentences.append("There are no two different points to look between.")
    return sentences


def _draw_example(layout: Layout, found: Breakpoints) -> Drawing:
    from relufast.report import figures

    depth = found.network.depth
    figure, (top, bottom) = figures.stack(layout, [2.2, 0.5 + 0.22 * depth])
    x = np.unique(np.concatenate([[0.0, 1.0], found.positions]))
    y = found.function(x)
    shown = np.argsort(-np.ptp(y, axis=0), kind="stable")[:_MOST_OUTPUTS]
    for index in range(y.shape[1]):
        if index not in shown:
            top.plot(x, y[:, index], color=figures.GRID, linewidth=0.8)
    for index, (colour, _) in zip(sorted(shown), figures.series(len(shown)), strict=True):
        top.plot(x, y[:, index], color=colour, label=f"output {index}")
    if y.shape[1] > 1:
        # Not on the curves, which leave no corner free.
        figure.legend(
            *top.get_legend_handles_labels(),
            loc="outside upper right",
            ncols=3 if layout.narrow else _MOST_OUTPUTS,
            fontsize=7,
        )
    top.set_ylabel("output")
    figures.breakpoint_rows(bottom, found)
    bottom.set_xlabel("position between the two points")
    return figure


def _draw_layers(layout: Layout, lines: Lines) -> Drawing:
    from relufast.report import figures

    kinds = _kinds(lines)
    figure, panels = figures.panels(layout, [2.4] * len(kinds))
    layers = np.arange(1, lines.network.depth + 1)
    for axes, (kind, found) in zip(panels, kinds.items(), strict=True):
        law = _law_of(lines, kind)
        if law is not None:
            axes.plot(layers, law, color=figures.INK, linestyle="--", label="random networks")
        # Beside each other: mostly all breakpoints of a layer bend the output.
        for (colour, marker), values, label, shift in zip(
            figures.series(2),
            _counts(found),
            ("all", "that bend the output"),
            (-0.1, 0.1),
            strict=True,
        ):
            errors = (
                values.std(axis=0, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else None
            )
            axes.errorbar(
                layers + shift,
                values.mean(axis=0),
                errors,
                color=colour,
                marker=marker,
                linestyle="none",
                label=label,
            )
        axes.set_title(kind.capitalize())
        figures.layer_axis(axes, layers)
        axes.set_ylabel("breakpoints")
        figures.from_zero(axes)
        axes.margins(x=0.15)
    panels[0].legend(fontsize=7)
    return figure
