"""The law of alive neurons against exact ranks, as networks become wider."""

# ruff: noqa: RUF001 (minus signs for the page)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.monte_carlo import Estimate as MonteCarloEstimate
from relufast.monte_carlo.activation_ranks import ActivationRanks
from relufast.rank_theory import alive_fraction_theory
from relufast.report.certification import certified_ranks
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.estimate import Estimate, components
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DEPTH = 30
_NETWORKS_BY_WIDTH = {32: 1000, 64: 300, 128: 60, 256: 16}
_SHOWN_LAYERS = (5, 10, 20, 30)


@dataclass(frozen=True)
class _Ranks:
    """Of He networks of one width, at as many inputs: shares of the width by layer."""

    width: int
    found: MonteCarloEstimate
    law: FloatArray

    @property
    def networks(self) -> int:
        return self.found.n_trials

    @property
    def shares(self) -> list[Estimate]:
        return components(self.found, 1.0 / self.width)

    def missing(self, layer: int) -> Estimate:
        """By how many dimensions the law is above the measured rank."""
        share = self.shares[layer - 1]
        below = float(self.law[layer - 1]) - share.value
        return Estimate(self.width * below, self.width * share.standard_error)


def section(settings: Settings, progress: Progress) -> Section:
    ranks = [
        _measure(settings, progress, width, settings.scaled(networks))
        for width, networks in _NETWORKS_BY_WIDTH.items()
        if width <= max(settings.largest_width, min(_NETWORKS_BY_WIDTH))
    ]
    numbers = ", ".join(f"{r.networks:,} of width {r.width}" for r in ranks)
    return Section(
        title="A law: rank is alive neurons",
        text=(
            "A neuron that is inactive at all m inputs adds nothing to the rank. To leading order "
            "in the width n the rank of a He network is min(m, n a), a the probability that a "
            "neuron is active at some input: a = 1 − E[Φ(−g √(c / (1 − c)))ᵐ] over a standard "
            "normal g, with c the correlation of two inputs in the layer below, which the "
            "arc-cosine kernel gives. The deeper the layer, the more alike the inputs, and the "
            "more neurons have one sign for all of them, in the law.",
        ),
        figures=(
            Figure(
                title="Ranks and the law of alive neurons",
                draw=lambda layout: _draw(layout, ranks),
                caption=(
                    "Left: mean exact rank over the width, for as many inputs as neurons; lines: "
                    "the law. Right: by how many dimensions the law is above the measured rank; "
                    "as it holds to leading order in n, this has to grow more slowly than n. "
                    f"Bars: one standard error. {certified_ranks([r.found for r in ranks])}"
                ),
                source=(
                    "relufast.monte_carlo(relufast.statistics.ActivationRanks((n, ..., n, 1), n, "
                    "bias_variance=0.0), n_trials=..., seed=...); lines: "
                    f"relufast.alive_fraction_theory(n, {_DEPTH}); networks: {numbers}"
                ),
            ),
        ),
        tables=(_table(ranks),),
        findings=_findings(ranks),
    )


def _measure(
    settings: Settings,
    progress: Progress,
    width: int,
    networks: int,
) -> _Ranks:
    label = f"ranks by layer, width {width}"
    found = progress.monte_carlo(
        ActivationRanks((*[width] * (_DEPTH + 1), 1), width, bias_variance=0.0),
        settings,
        label,
        n_trials=networks,
    )
    return _Ranks(width, found, alive_fraction_theory(width, _DEPTH))


def _findings(ranks: Sequence[_Ranks]) -> tuple[str, ...]:
    widest = ranks[-1]
    missing = ", ".join(f"{r.missing(_DEPTH)} at width {r.width}" for r in ranks)
    return (
        f"At width {widest.width} the rank of layers {', '.join(map(str, _SHOWN_LAYERS))} is "
        + ", ".join(str(widest.shares[layer - 1]) for layer in _SHOWN_LAYERS)
        + " of the width; the law says "
        + ", ".join(f"{widest.law[layer - 1]:.3f}" for layer in _SHOWN_LAYERS)
        + ".",
        f"The law, which is one to leading order in the width, less the measured rank in layer "
        f"{_DEPTH}: {missing}.",
    )


def _table(ranks: Sequence[_Ranks]) -> Table:
    return Table(
        name="hidden-ranks-law",
        caption="Exact rank over the width, measured and by the law of alive neurons.",
        columns=(
            Column("width", "width n = inputs m"),
            Column("networks", "networks", ","),
            Column("layer", "layer"),
            Column("share", "rank / n, mean"),
            Column("law", "law", ".4f"),
        ),
        rows=[
            (r.width, r.networks, layer, r.shares[layer - 1], float(r.law[layer - 1]))
            for r in ranks
            for layer in _SHOWN_LAYERS
        ],
        folded=True,
    )


def _draw(layout: Layout, ranks: Sequence[_Ranks]) -> Drawing:
    from relufast.report import figures

    figure, (shares, differences) = figures.panels(layout, [3.0, 3.0])
    layers = list(range(1, _DEPTH + 1))
    for r, (colour, marker) in zip(ranks, figures.series(len(ranks)), strict=True):
        shares.plot(layers, r.law, color=colour, linewidth=1)
        figures.points(shares, layers, r.shares, colour, marker, f"n = {r.width}")
    shares.set_title("Rank over width")
    shares.set_xlabel("layer")
    shares.set_ylabel("exact rank / n")
    shares.legend(loc="lower left", ncols=2)
    # In other colours than the widths', and beside each other: bars at one width would overlap.
    beside = 2.0 ** np.linspace(-0.12, 0.12, len(_SHOWN_LAYERS))
    for layer, shift, (colour, marker) in zip(
        _SHOWN_LAYERS, beside, figures.series(6)[1:], strict=False
    ):
        missing = [r.missing(layer) for r in ranks]
        widths = [float(shift * r.width) for r in ranks]
        figures.points(differences, widths, missing, colour, marker, f"layer {layer}")
    differences.axhline(0.0, color=figures.INK, linewidth=0.8)
    figures.logarithmic(differences, "x", base=2)
    differences.set_title("Law less measurement")
    differences.set_xlabel("width n")
    differences.set_ylabel("dimensions")
    # Where the points lie depends on the run: no corner is free in all.
    figure.legend(
        *differences.get_legend_handles_labels(),
        loc="outside lower right",
        ncols=2 if layout.narrow else len(_SHOWN_LAYERS),
    )
    return figure
