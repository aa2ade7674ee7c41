"""The number of breakpoints, layer by layer, over many random networks."""

# ruff: noqa: RUF001 (minus and times signs for the page)

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.gaussian_process import GaussianProcess
from relufast.monte_carlo import Estimate as MonteCarloEstimate
from relufast.monte_carlo.breakpoint_counts import BreakpointCounts
from relufast.report import text, verdict
from relufast.report.certification import Certification
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.chapters.one_dimensional import law
from relufast.report.estimate import Estimate, combination, components
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DEPTH = 10
_DEPTHS = (2, 5, 10)  # of the table of totals
# In the window, where the finite width shows, and on the whole line.
_NETWORKS_BY_WIDTH = {
    4: (10_000, 10_000),
    10: (10_000, 4000),
    30: (4000, 4000),
    100: (1000, 250),
    300: (200, 40),
    1000: (20, 10),
}
_BIAS_VARIANCE = 0.25
_WINDOW = (-1.0, 1.0)
_LAW_SAMPLES = 200_000
_SHOWN_LAYERS = (1, 3, 10)  # of what finite width changes


@dataclass(frozen=True)
class _Counts:
    """Of one width: breakpoints by layer, and their laws."""

    width: int
    window: MonteCarloEstimate
    line: MonteCarloEstimate
    window_law: list[Estimate]
    line_law: FloatArray

    @property
    def window_means(self) -> list[Estimate]:
        """Per neuron, by layer."""
        return components(self.window, 1.0 / self.width)

    @property
    def line_means(self) -> list[Estimate]:
        """Per neuron, by layer."""
        return components(self.line, 1.0 / self.width)

    def total(self, depth: int) -> Estimate:
        """On the whole line, of all layers of the networks cut to a depth."""
        first = np.arange(len(self.line.mean)) < depth
        return combination(self.line, first.astype(np.float64))

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
    laws = {width: _window_law(settings, width) for width in _NETWORKS_BY_WIDTH}
    counts = [
        _count(settings, progress, certification, width, window_law)
        for width, window_law in laws.items()
        if width <= settings.largest_width
    ]
    limit = GaussianProcess(_DEPTH, bias_variance=_BIAS_VARIANCE).expected_zeros(_WINDOW)
    numbers = ", ".join(
        f"{c.window.n_trials:,} and {c.line.n_trials:,} of width {c.width}" for c in counts
    )
    by_layer = Figure(
        title="Breakpoints of a neuron by layer",
        draw=lambda layout: _draw(layout, counts, limit),
        caption=(
            "Mean number of breakpoints of one neuron. Points: measured, with bars of one "
            "standard error, mostly smaller than the points. Lines: the law of that width; "
            "dashed: the limit of infinite width. "
            f"{str(certification).capitalize()}."
        ),
        source=(
            "relufast.monte_carlo(relufast.statistics.BreakpointCounts((1, n, ..., n, 1), "
            f"bias_variance={_BIAS_VARIANCE}, interval=...), n_trials=..., seed=...), "
            f"{_DEPTH} hidden layers; networks, in the window and on the line: {numbers}"
        ),
    )
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
            by_layer,
            Figure(
                title="What finite width changes",
                draw=lambda layout: _draw_finite_width(layout, counts, laws, limit),
                caption=(
                    "Left: by how much the mean number of breakpoints of a neuron in "
                    f"{text.interval(_WINDOW)} is below its limit of infinite width, times the "
                    "width, which makes a correction of order 1/n a constant. Points: measured, "
                    f"to width {counts[-1].width}, with bars of one standard error; lines: the law "
                    f"of that width, to {max(laws):,}; it is simulated, so that wide networks' "
                    "lines are not smooth. "
                    "Right: the variance of a layer's count over networks, in units of the layer's "
                    "mean, with the standard error of a variance of normal counts; independent "
                    "neurons would have less than 1, a constant."
                ),
                source="the networks of the figure above; Estimate.mean and Estimate.variance",
            ),
        ),
        tables=(_totals_table(counts), _layers_table(counts, limit)),
        findings=_findings(counts, limit),
        claims=_claims(settings, counts, by_layer),
    )


def _count(
    settings: Settings,
    progress: Progress,
    certification: Certification,
    width: int,
    window_law: list[Estimate],
) -> _Counts:
    def estimate(interval: tuple[float, float], networks: int) -> MonteCarloEstimate:
        statistic = BreakpointCounts(
            (1, *[width] * _DEPTH, 1), interval=interval, bias_variance=_BIAS_VARIANCE
        )
        label = _label(width, interval)
        n_trials = settings.scaled(networks)
        found = progress.monte_carlo(statistic, settings, label, n_trials=n_trials)
        certification.add_trials(found)
        return found

    in_window, on_line = _NETWORKS_BY_WIDTH[width]
    return _Counts(
        width,
        window=estimate(_WINDOW, in_window),
        line=estimate((-math.inf, math.inf), on_line),
        window_law=window_law,
        line_law=law.whole_line([width] * _DEPTH),
    )


def _label(width: int, interval: tuple[float, float]) -> str:
    return f"counts by layer, width {width}, {text.interval(interval)}"


def _window_law(settings: Settings, width: int) -> list[Estimate]:
    return law.finite_width(
        width,
        _DEPTH,
        _WINDOW,
        bias_variance=_BIAS_VARIANCE,
        samples=settings.scaled(_LAW_SAMPLES),
        rng=settings.generator(f"finite-width law, width {width}"),
    )


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
            (c.width, depth, c.line.n_trials, c.total(depth), c.total_law(depth), c.width * depth)
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
            Column("window_networks", "networks, window", ","),
            Column("line_networks", "networks, line", ","),
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
                c.window.n_trials,
                c.line.n_trials,
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
        f"Of the {len(deviations)} means by width and layer "
        f"{text.within_two_errors(deviations, 'the law of their width')}.",
    )


def _claims(settings: Settings, counts: Sequence[_Counts], figure: Figure) -> tuple[Claim, ...]:
    narrowest, widest = counts[0], counts[-1]
    n = widest.line.n_trials
    sum_of_widths = _DEPTH * widest.width
    total = widest.total(_DEPTH)
    whole = verdict.near(total, sum_of_widths, n_trials=n)
    # A single layer takes more networks, which there are of the widest width but one.
    many = counts[-2]
    last = many.line_means[-1]
    layer = verdict.near(last, 1.0, n_trials=many.line.n_trials)
    short, less_short = (_shortfall(c) for c in (narrowest, widest))
    drop = Estimate(
        short.value - less_short.value, math.hypot(short.standard_error, less_short.standard_error)
    )
    order = verdict.all_positive(
        [drop],
        "what the share that is missing falls by, from the narrowest networks to the widest,",
        n_trials=min(n, narrowest.line.n_trials),
    )
    return (
        Claim(
            claim="The expected number of breakpoints is the sum of the widths, to leading order",
            number=total,
            measured=f"{total} breakpoints; the widths add up to {sum_of_widths:,}",
            verdict=whole.verdict,
            limits=_limits(widest),
            rule=whole.rule,
            figure=figure,
            code=_code(settings, widest, "found.mean.sum()"),
        ),
        Claim(
            claim="What is missing to the sum of the widths is of lower order",
            number=drop,
            measured=(
                f"{drop} is the drop of the missing share, from {short.per_cent} at width "
                f"{narrowest.width} to {less_short.per_cent} at width {widest.width}"
            ),
            verdict=verdict.limited(order.verdict),
            limits=f"{_DEPTH} layers; the narrowest and the widest networks that were measured",
            rule=order.rule,
            figure=figure,
        ),
        Claim(
            claim="Each layer, however deep, contributes its width",
            number=last,
            measured=f"{last} breakpoints for each neuron of layer {_DEPTH}; claimed 1",
            verdict=layer.verdict,
            limits=_limits(many),
            rule=layer.rule,
            figure=figure,
            code=_code(settings, many, f"found.mean[-1] / {many.width}"),
        ),
    )


def _limits(counts: _Counts) -> str:
    return (
        f"{counts.line.n_trials:,} networks of {_DEPTH} layers of {counts.width} neurons, He "
        "weights, biases; margin a tenth"
    )


def _shortfall(counts: _Counts) -> Estimate:
    """The share of the sum of the widths that is missing."""
    sum_of_widths = _DEPTH * counts.width
    total = counts.total(_DEPTH)
    return Estimate(1.0 - total.value / sum_of_widths, total.standard_error / sum_of_widths)


def _code(settings: Settings, counts: _Counts, number: str) -> str:
    seed = settings.network_seed(_label(counts.width, (-math.inf, math.inf)))
    return (
        "import relufast\n"
        "statistic = relufast.statistics.BreakpointCounts(\n"
        f"    (1, *[{counts.width}] * {_DEPTH}, 1), bias_variance={_BIAS_VARIANCE}\n"
        ")\n"
        f"found = relufast.monte_carlo(statistic, n_trials={counts.line.n_trials}, seed={seed})\n"
        f"print({number})"
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
        figures.layer_axis(axes, layers)
        axes.set_ylabel("breakpoints per neuron")
    window.set_ylim(0.0, 0.85)
    line.set_ylim(0.4, 1.15)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _draw_finite_width(
    layout: Layout,
    counts: Sequence[_Counts],
    laws: Mapping[int, list[Estimate]],
    limit: FloatArray,
) -> Drawing:
    from relufast.report import figures

    figure, (corrections, spreads) = figures.panels(layout, [2.9, 2.9])
    widths = [c.width for c in counts]
    for layer, (colour, marker) in zip(_SHOWN_LAYERS, figures.series(3), strict=True):
        expected, i = float(limit[layer - 1]), layer - 1
        by_law = [_correction(width, law[i], expected).value for width, law in laws.items()]
        corrections.plot(list(laws), by_law, color=colour, linewidth=1)
        measured = [_correction(c.width, c.window_means[i], expected) for c in counts]
        figures.points(corrections, widths, measured, colour, marker)
        ratios = [_dispersion(c.window, i) for c in counts]
        figures.points(spreads, widths, ratios, colour, marker, f"layer {layer}")
    corrections.set_ylabel("n (limit − mean)")
    corrections.set_title("Correction to the mean, times n")
    figures.logarithmic(spreads, "y")
    spreads.set_ylim(0.05, 6.0)
    spreads.set_ylabel("variance / mean of the count")
    spreads.set_title("Spread of the count")
    spreads.legend(loc="lower right", ncols=3)
    for axes in (corrections, spreads):
        figures.logarithmic(axes, "x")
        axes.set_xlabel("width n")
    return figure


def _dispersion(found: MonteCarloEstimate, layer: int) -> Estimate:
    """Variance over mean, with the error that the variance of normal counts has."""
    ratio = float(found.variance[layer] / found.mean[layer])
    return Estimate(ratio, ratio * math.sqrt(2.0 / (found.n_trials - 1)))


def _correction(width: int, mean: Estimate, limit: float) -> Estimate:
    """Width times what a neuron's mean is below its limit."""
    return Estimate(width * (limit - mean.value), width * mean.standard_error)
