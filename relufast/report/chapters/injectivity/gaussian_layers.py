"""How often a small Gaussian layer is injective, by its expansion."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast.injectivity_capacity import Method, injectivity_capacity
from relufast.monte_carlo.injectivity import InjectiveLayers
from relufast.report import verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.estimate import Estimate, of_arrays
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_LAYERS = {2: 2000, 3: 1000, 4: 400, 5: 100, 6: 8}  # by n: cells grow like m^(n-1)
_LARGEST_ALPHA = {2: 10, 3: 10, 4: 9, 5: 8, 6: 6}  # whose cells can still be counted
_STEPS_A_UNIT = 2
_METHODS: tuple[Method, ...] = ("plain", "lifted", "second_level")


@dataclass(frozen=True)
class _Shares:
    """Of layers with n inputs, the share that is injective, by number of rows."""

    n: int
    layers: int
    rows: tuple[int, ...]
    injective: list[Estimate]

    @property
    def alphas(self) -> list[float]:
        return [m / self.n for m in self.rows]


def section(settings: Settings, progress: Progress) -> Section:
    shares = [_measure(settings, progress, n, layers) for n, layers in _LAYERS.items()]
    capacities = {m: float(injectivity_capacity(method=m).alphas[0]) for m in _METHODS}
    numbers = ", ".join(f"{s.layers:,} of n = {s.n}" for s in shares)
    figure = Figure(
        title="Probability that a Gaussian layer is injective",
        draw=lambda layout: _draw(layout, shares, capacities),
        caption=(
            "Share of injective layers against m/n. Bars: one standard error; points of "
            "one n are from the same layers. Vertical lines: upper bounds of the capacity "
            "for n → ∞, from right to left plain, lifted and second level."
        ),
        source=(
            "relufast.statistics.InjectiveLayers(n, rows), "
            f"relufast.injectivity_capacity(method=...); layers: {numbers}"
        ),
    )
    return Section(
        title="Small Gaussian layers",
        text=(
            "The capacities are for n → ∞. For few inputs it can be decided exactly whether a "
            "layer is injective, by all cells into which its rows cut the space of inputs.",
        ),
        figures=(figure,),
        tables=(
            Table(
                name="injectivity-gaussian-layers",
                caption="Share of Gaussian layers that are injective.",
                columns=(
                    Column("inputs", "inputs n"),
                    Column("rows", "rows m"),
                    Column("alpha", "m/n", ".3g"),
                    Column("injective", "injective"),
                ),
                rows=[
                    (s.n, m, m / s.n, share)
                    for s in shares
                    for m, share in zip(s.rows, s.injective, strict=True)
                ],
                folded=True,
            ),
        ),
        findings=(
            "At least half of the layers are injective from an expansion m/n of "
            + ", ".join(_half(s) for s in shares)
            + " on. Upper bounds of the capacity for n → ∞ are "
            + ", ".join(f"{a:.4f} ({m.replace('_', ' ')})" for m, a in capacities.items())
            + ".",
        ),
        claims=(_claim(settings, shares, capacities["plain"], figure),),
    )


def _measure(settings: Settings, progress: Progress, n: int, layers: int) -> _Shares:
    # No layer with fewer than 2 n rows is injective.
    expansions = np.arange(2 * _STEPS_A_UNIT, _LARGEST_ALPHA[n] * _STEPS_A_UNIT + 1)
    rows = tuple(int(m) for m in np.unique(n * expansions // _STEPS_A_UNIT))
    n_layers = settings.scaled(layers)
    found = progress.monte_carlo(
        InjectiveLayers(n, rows),
        settings,
        _label(n),
        n_trials=n_layers,
    )
    return _Shares(n, n_layers, rows, of_arrays(found.mean, found.standard_error))


def _label(n: int) -> str:
    return f"injective layers, n = {n}"


def _claim(settings: Settings, shares: Sequence[_Shares], bound: float, figure: Figure) -> Claim:
    """That layers wider than the largest of the bounds are injective."""
    above = [
        (s, next(i for i, alpha in enumerate(s.alphas) if alpha >= bound))
        for s in shares
        if s.alphas[-1] >= bound
    ]
    counts = [round(s.injective[i].value * s.layers) for s, i in above]
    answer = verdict.more_than_half(counts, [s.layers for s, _ in above])
    last, i = above[-1]
    number, rows = last.injective[i], last.rows[i]
    tuple_of_rows = textwrap.fill(str(last.rows), 68, subsequent_indent="    ")
    return Claim(
        claim="The capacity is bounded from above: wider layers are injective",
        number=number,
        measured=(
            f"{counts[-1]:,} of {last.layers:,} layers with {last.n} inputs and {rows} rows are "
            "injective; "
            + ", ".join(
                f"{count:,} of {s.layers:,} with {s.n} and {s.rows[j]}"
                for count, (s, j) in list(zip(counts, above, strict=True))[:-1]
            )
        ),
        verdict=verdict.limited(answer),
        limits=f"one layer, n from {above[0][0].n} to {last.n}; the claim is for n → ∞",
        rule=(
            f"Of the least number of rows above {bound:.4f} n. It holds within these limits if for "
            "each n more than a half of the layers are injective, and fails if for one fewer are, "
            "by Clopper and Pearson's exact intervals, one of which misses once in "
            f"{1.0 / verdict.FALSE_ALARMS:,.0f} reports."
        ),
        figure=figure,
        code=(
            "import relufast\n"
            f"rows = {tuple_of_rows}\n"
            f"statistic = relufast.statistics.InjectiveLayers({last.n}, rows)\n"
            f"seed = {settings.network_seed(_label(last.n))}\n"
            f"found = relufast.monte_carlo(statistic, n_trials={last.layers}, seed=seed)\n"
            f"print(found.mean[{i}])"
        ),
    )


def _half(shares: _Shares) -> str:
    """From which expansion on at least half of the layers are injective."""
    for alpha, share in zip(shares.alphas, shares.injective, strict=True):
        if share.value >= 0.5:
            return f"{alpha:.3g} for n = {shares.n} ({share.per_cent})"
    return f"above {shares.alphas[-1]:.3g} for n = {shares.n}"


def _draw(layout: Layout, shares: Sequence[_Shares], capacities: dict[Method, float]) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [3.2])
    for s, (colour, marker) in zip(shares, figures.series(len(shares)), strict=True):
        figures.points(axes, s.alphas, s.injective, colour, marker, f"n = {s.n}")
    for method, style in zip(_METHODS, ("-", "--", ":"), strict=True):
        axes.axvline(
            capacities[method],
            color=figures.INK,
            linewidth=0.9,
            linestyle=style,
            label=method.replace("_", " "),
        )
    axes.set_xlabel("expansion m/n")
    axes.set_ylabel("share of injective layers")
    figure.legend(loc="outside lower center", ncols=3 if layout.narrow else 8)
    return figure
