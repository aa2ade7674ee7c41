"""The functions that approximate eigenvectors stand for, measured over their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relufast._validate import FloatArray
from relufast.fisher_functions import basis_functions, function_form
from relufast.monte_carlo import Estimate as MonteCarloEstimate
from relufast.monte_carlo.function_form_errors import FunctionFormErrors
from relufast.report import text, verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.chapters.fisher_information.layers import GROUPS, Group, random_layer
from relufast.report.estimate import Estimate, components
from relufast.report.progress import Progress
from relufast.report.settings import Settings
from relufast.report.verdict import Judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSION = 4
_SHOWN_WIDTHS = (100, 10_000)
_POINTS = 120
_LAYERS_BY_WIDTH = {30: 1000, 100: 1000, 300: 600, 1000: 300, 3000: 100}


@dataclass(frozen=True)
class _Errors:
    width: int
    found: MonteCarloEstimate
    theory: FloatArray

    @property
    def by_group(self) -> list[Estimate]:
        return components(self.found, 1.0)


def section(settings: Settings, progress: Progress) -> Section:
    errors = [
        _measure(settings, progress, width, settings.scaled(layers))
        for width, layers in _LAYERS_BY_WIDTH.items()
    ]
    deviations = [
        estimate.deviation(float(theory))
        for e in errors
        for estimate, theory in zip(e.by_group, e.theory, strict=True)
    ]
    shown = _shown_functions(settings)
    numbers = ", ".join(f"{e.found.n_trials:,} of m = {e.width:,}" for e in errors)
    figure = Figure(
        title="Error of the limit functions",
        draw=lambda layout: _draw_errors(layout, errors),
        caption=(
            "Mean squared relative error by group; lines: the exact expectation, which products "
            "and squares have in common. Bars: one standard error, mostly smaller than the points."
        ),
        source=(
            f"relufast.statistics.FunctionFormErrors(m, {_DIMENSION}, 50) and its theory; "
            f"layers: {numbers}"
        ),
    )
    return Section(
        title="What the eigenvectors stand for",
        text=(
            "As m grows the network whose output weights are an approximate eigenvector becomes a "
            "simple function: a multiple of |x|, of one input x_l, of a product x_a x_b / |x|, or "
            "of squares x_g² / |x|.",
            "The mean squared error of a finite layer, in units of the function's own mean square, "
            "is ((d + 2)/(2 λ) − 1) / m, with the eigenvalue λ of the group: the smaller the "  # noqa: RUF001
            "eigenvalue, the more neurons it takes.",
        ),
        figures=(
            Figure(
                title="Functions of approximate eigenvectors",
                draw=lambda layout: _draw_functions(layout, shown),
                caption=(
                    "The network's output at random inputs against its limit, for one function of "
                    f"each group, {_DIMENSION} inputs, m = {_SHOWN_WIDTHS[0]} and "
                    f"{_SHOWN_WIDTHS[1]:,}; line: equality."
                ),
                source=(
                    "relufast.basis_functions(W, X) against relufast.function_form(group, "
                    f"{_DIMENSION})(X)"
                ),
            ),
            figure,
        ),
        tables=(
            Table(
                name="fisher-function-errors",
                caption="Mean squared relative error of the limit functions.",
                columns=(
                    Column("width", "m", ","),
                    Column("group", "group"),
                    Column("error", "measured"),
                    Column("theory", "theory", ".5f"),
                ),
                rows=[
                    (e.width, group, e.by_group[i], float(e.theory[i]))
                    for e in errors
                    for i, group in enumerate(GROUPS)
                ],
                folded=True,
            ),
        ),
        findings=(
            f"At m = {errors[-1].width:,} the relative error is "
            + ", ".join(
                f"{estimate} ({group})"
                for group, estimate in zip(GROUPS, errors[-1].by_group, strict=True)
            )
            + f". Of the {len(deviations)} errors by width and group "
            f"{text.within_two_errors(deviations, 'theory')}.",
        ),
        claims=(_claim(settings, errors[-1], figure),),
    )


def _measure(settings: Settings, progress: Progress, width: int, layers: int) -> _Errors:
    statistic = FunctionFormErrors(width, _DIMENSION, 50)
    found = progress.monte_carlo(statistic, settings, _label(width), n_trials=layers)
    return _Errors(width, found, statistic.theory)


def _label(width: int) -> str:
    return f"function forms, m = {width}"


def _claim(settings: Settings, widest: _Errors, figure: Figure) -> Claim:
    n = widest.found.n_trials
    judge = Judge(n, len(GROUPS), verdict.TENTH)
    worst = max(range(len(GROUPS)), key=lambda i: widest.by_group[i].value)
    number = widest.by_group[worst]
    return Claim(
        claim="The eigenvectors stand for |x|, for single inputs, and for products over |x|",
        number=number,
        measured=(
            f"{number} is the mean squared relative error of the group “{GROUPS[worst]}”, the "
            "largest of the four"
        ),
        verdict=verdict.all_of(judge.equal(e, 0.0) for e in widest.by_group),
        limits=f"{n:,} layers of m = {widest.width:,}, {_DIMENSION} inputs; margin a tenth",
        rule=(
            "It holds within these limits if the whole interval of each group's error is below a "
            f"tenth of the function's mean square, and fails if all of one is above. {judge}"
        ),
        figure=figure,
        code=(
            "import relufast\n"
            "statistic = relufast.statistics.FunctionFormErrors("
            f"{widest.width}, {_DIMENSION}, 50)\n"
            f"seed = {settings.network_seed(_label(widest.width))}\n"
            f"found = relufast.monte_carlo(statistic, n_trials={n}, seed=seed)\n"
            "print(found.mean.max())"
        ),
    )


def _shown_functions(settings: Settings) -> dict[int, dict[Group, tuple[FloatArray, FloatArray]]]:
    """By width and group: limits and measured values of the group's first function at points."""
    rng = settings.generator("shown functions")
    X = rng.standard_normal((_POINTS, _DIMENSION))
    shown = {}
    for width in _SHOWN_WIDTHS:
        W = random_layer(rng, width, _DIMENSION)
        found = basis_functions(W, X)
        shown[width] = {
            group: (function_form(group, _DIMENSION)(X)[:, 0], found[group][:, 0])
            for group in GROUPS
        }
    return shown


def _draw_functions(
    layout: Layout, shown: dict[int, dict[Group, tuple[FloatArray, FloatArray]]]
) -> Drawing:
    from relufast.report import figures

    rows = [GROUPS[:2], GROUPS[2:]] if layout.narrow else [GROUPS]
    figure, axes = figures.mosaic(layout, rows, [2.1] * len(rows))
    for row in rows:
        axes[row[0]].set_ylabel("network f(x)")
    for group in GROUPS:
        for width, (colour, marker) in zip(_SHOWN_WIDTHS, figures.series(6)[1::-1], strict=True):
            limits, values = shown[width][group]
            axes[group].plot(
                limits,
                values,
                color=colour,
                marker=marker,
                markersize=2,
                linestyle="none",
                label=f"m = {width:,}" if group == GROUPS[0] else None,
            )
        ends = [limits.min(), limits.max()]
        axes[group].plot(ends, ends, color=figures.INK, linewidth=0.8)
        axes[group].set_title(group)
        axes[group].set_xlabel("limit F(x)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _draw_errors(layout: Layout, errors: Sequence[_Errors]) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [3.0])
    widths = [e.width for e in errors]
    for i, (group, (colour, marker)) in enumerate(
        zip(GROUPS, figures.series(len(GROUPS)), strict=True)
    ):
        axes.plot(widths, [e.theory[i] for e in errors], color=colour, linewidth=1)
        figures.points(axes, widths, [e.by_group[i] for e in errors], colour, marker, group)
    figures.logarithmic(axes, "xy")
    axes.set_xlabel("width m")
    axes.set_ylabel("mean squared relative error")
    axes.legend(loc="upper right")
    return figure
