"""The number of breakpoints, layer by layer, over many random networks."""

# ruff: noqa: RUF001 (minus and times signs for the page)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.breakpoints import Breakpoints, breakpoints
from relufast.gaussian_process import GaussianProcess
from relufast.network import Network
from relufast.report import text
from relufast.report.certification import Certification
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.chapters.one_dimensional import law
from relufast.report.estimate import Estimate, mean, means
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DEPTH = 10
_DEPTHS = (2, 5, 10)  # of the table of totals
_NETWORKS_BY_WIDTH = {4: 4000, 10: 4000, 30: 3000, 100: 1200, 300: 200, 1000: 20}
_BIAS_VARIANCE = 0.25
_WINDOW = (-1.0, 1.0)
_LAW_SAMPLES = 200_000


@dataclass(frozen=True)
class _Counts:
    """Of one width: breakpoints by network and layer, shape (networks, depth), and their laws."""

    width: int
    in_window: FloatArray
    on_line: FloatArray
    window_law: list[Estimate]
    line_law: FloatArray

    @property
    def networks(self) -> int:
        return len(self.on_line)

    @property
    def window_means(self) -> list[Estimate]:
        """Per neuron, by layer."""
        return means(self.in_window / self.width)

    @property
    def line_means(self) -> list[Estimate]:
        """Per neuron, by layer."""
        return means(self.on_line / self.width)

    def total(self, depth: int) -> Estimate:
        """On the whole line, of all layers of the networks cut to a depth."""
        return mean(self.on_line[:, :depth].sum(axis=1))

    def total_law(self, depth: int) -> float:
        return self.width * float(self.line_law[:depth].sum())

    def deviations(self) -> list[float]:
        """Of all means from the laws, in standard errors."""
        window = (
            m.deviation(expected.value, expected.standard_error)
            for m, expected in zip(self.window_means, self.window_law, strict=True)
        )
        line = (
            m.deviation(expected)
            for m, expected in zip(self.line_means, self.line_law.tolist(), strict=True)
        )
        return [*window, *line]


def section(settings: Settings, progress: Progress) -> Section:
    certification = Certification()
    counts = [
        _count(settings, progress, certification, width, settings.scaled(networks))
        for width, networks in _NETWORKS_BY_WIDTH.items()
        if width <= settings.largest_width
    ]
    limit = GaussianProcess(_DEPTH, bias_variance=_BIAS_VARIANCE).expected_zeros(_WINDOW)
    numbers = ", ".join(f"{c.networks:,} of width {c.width}" for c in counts)
    return Section(
        title="How many, layer by layer",
        text=(
            "In the limit of infinite width the breakpoints of one neuron of layer l are Cauchy "
            f"distributed with scale √(l v / 2), v = {_BIAS_VARIANCE} the variance of the biases "
            "and He weights: one on the whole line, and (2/π) atan √(2 / (l v)) in (−1, 1), fewer "
            "the deeper the layer.",
            "At finite width there is an exact law, too. The signs of a neuron's weights and bias "
            "are fair coins, and so are all activities at a given x; given them, the network is a "
            "random linear one on its active neurons. By Kac and Rice's formula the expected "
            "number of zeros of a neuron is then that of random linear networks of binomial "
            "widths, which have one zero, or none if a layer is empty. So a neuron of layer l has "
            "(1 − 2⁻ⁿ)ˡ⁻¹ breakpoints on the whole line for layers of width n, and in an interval "
            "as many as a Markov chain of 2 × 2 Wishart matrices says. Layers do not see what "
            "follows them, so that one depth shows the counts of all smaller ones.",
        ),
        figures=(
            Figure(
                title="Breakpoints of a neuron by layer",
                draw=lambda layout: _draw(layout, counts, limit),
                caption=(
                    "Mean number of breakpoints of one neuron. Points: measured, with bars of one "
                    "standard error, mostly smaller than the points. Lines: the law of that width; "
                    "dashed: the limit of infinite width. In the window the limit is far off for "
                    "narrow networks; on the whole line it is far off for the narrowest only. "
                    f"{str(certification).capitalize()}."
                ),
                source=(
                    "relufast.breakpoints(relufast.Network.random((1, n, ..., n, 1), "
                    f"bias_variance={_BIAS_VARIANCE}, seed=...)), {_DEPTH} hidden layers; "
                    f"networks: {numbers}"
                ),
            ),
        ),
        tables=(_totals_table(counts), _layers_table(counts, limit)),
        findings=_findings(counts, limit),
    )


def _count(
    settings: Settings,
    progress: Progress,
    certification: Certification,
    width: int,
    networks: int,
) -> _Counts:
    label = f"counts by layer, width {width}"
    in_window, on_line = [], []
    for seed in progress.track(settings.network_seeds(label, networks), label):
        network = Network.random((1, *[width] * _DEPTH, 1), bias_variance=_BIAS_VARIANCE, seed=seed)
        found = certification.add(breakpoints(network))
        in_window.append(_count_in_window(found))
        on_line.append(found.count_by_layer)
    return _Counts(
        width,
        np.array(in_window, dtype=np.float64),
        np.array(on_line, dtype=np.float64),
        window_law=law.finite_width(
            width,
            _DEPTH,
            _WINDOW,
            bias_variance=_BIAS_VARIANCE,
            samples=settings.scaled(_LAW_SAMPLES),
            rng=settings.generator(f"finite-width law, width {width}"),
        ),
        line_law=law.whole_line([width] * _DEPTH),
    )


def _count_in_window(found: Breakpoints) -> FloatArray:
    lo, hi = _WINDOW
    to_end = np.minimum(found.positions - lo, hi - found.positions)
    if (np.abs(to_end) <= found.position_error).any():
        # Which side of the end it lies on is not for rounded positions to say.
        return breakpoints(found.network, _WINDOW).count_by_layer.astype(np.float64)
    counts = np.bincount(found.layers[to_end > 0.0] - 1, minlength=_DEPTH)
    return counts.astype(np.float64)


def _totals_table(counts: Sequence[_Counts]) -> Table:
    return Table(
        name="one-dimensional-totals",
        caption="Breakpoints on the whole line, all layers together.",
        columns=(
            Column("width", "width n"),
            Column("depth", "layers L"),
            Column("networks", "networks", ","),
            Column("breakpoints", "breakpoints, mean"),
            Column("law", "exact law", ",.2f"),
            Column("sum_of_widths", "sum of widths", ","),
        ),
        rows=[
            (c.width, depth, c.networks, c.total(depth), c.total_law(depth), c.width * depth)
            for c in counts
            for depth in _DEPTHS
        ],
    )


def _layers_table(counts: Sequence[_Counts], limit: FloatArray) -> Table:
    return Table(
        name="one-dimensional-counts-by-layer",
        caption="The numbers of the figure: breakpoints of one neuron.",
        columns=(
            Column("width", "width n"),
            Column("layer", "layer"),
            Column("networks", "networks", ","),
            Column("window", "in (−1, 1), mean"),
            Column("window_law", "law, simulated"),
            Column("window_limit", "n → ∞", ".4f"),
            Column("line", "whole line, mean"),
            Column("line_law", "exact law", ".4f"),
        ),
        rows=[
            (
                c.width,
                layer + 1,
                c.networks,
                c.window_means[layer],
                c.window_law[layer],
                float(limit[layer]),
                c.line_means[layer],
                float(c.line_law[layer]),
            )
            for c in counts
            for layer in range(_DEPTH)
        ],
        folded=True,
    )


def _findings(counts: Sequence[_Counts], limit: FloatArray) -> tuple[str, ...]:
    widest, narrowest = counts[-1], counts[0]
    deviations = [deviation for c in counts for deviation in c.deviations()]
    deviations_from_limit = ", ".join(
        f"{text.change(c.window_means[-1].value / limit[-1])} at width {c.width}" for c in counts
    )
    return (
        "On the whole line "
        + " and ".join(
            f"{_DEPTH} layers of {c.width} neurons have {c.total(_DEPTH)} breakpoints (sum of "
            f"widths {_DEPTH * c.width:,}, law of this width {c.total_law(_DEPTH):,.2f})"
            for c in (widest, narrowest)
        )
        + ".",
        f"In {text.interval(_WINDOW)} the mean of layer {_DEPTH} differs from the limit of "
        f"infinite width by {deviations_from_limit}.",
        f"Of the {len(deviations)} means by width and layer {sum(abs(d) <= 2 for d in deviations)} "
        "lie within 2 standard errors of the law of their width; the furthest lies "
        f"{max(map(abs, deviations)):.1f} off.",
    )


def _draw(layout: Layout, counts: Sequence[_Counts], limit: FloatArray) -> Drawing:
    from relufast.report import figures

    figure, (window, line) = figures.panels(layout, [3.0, 3.0])
    layers = list(range(1, _DEPTH + 1))
    window.plot(layers, limit, color=figures.INK, linestyle="--", label="infinite width")
    line.axhline(1.0, color=figures.INK, linestyle="--")
    # Widest first, as they lie in the figure.
    styles = figures.series(len(counts))
    for c, (colour, marker) in reversed(list(zip(counts, styles, strict=True))):
        window.plot(layers, [e.value for e in c.window_law], color=colour, linewidth=1)
        line.plot(layers, c.line_law, color=colour, linewidth=1)
        figures.points(window, layers, c.window_means, colour, marker, f"width {c.width}")
        figures.points(line, layers, c.line_means, colour, marker)
    window.set_title(f"In {text.interval(_WINDOW)}")
    line.set_title("On the whole line")
    for axes in (window, line):
        axes.set_xlabel("layer")
        axes.set_xticks(layers)
    window.set_ylim(0.0, 0.85)
    line.set_ylim(0.4, 1.1)
    window.set_ylabel("breakpoints per neuron")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
