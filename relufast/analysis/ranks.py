"""Ranks of the hidden activations at the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relufast.activation_ranks import ActivationRanks, activation_ranks
from relufast.analysis.part import Subject
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Ranks of hidden layers"


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks of the m x n_l matrices of activations.

    Attributes
    ----------
    exact, numerical : ActivationRanks
    widths : tuple of int
        Of the hidden layers.
    n_points : int
    first : str
        Which points, in words.
    """

    exact: ActivationRanks
    numerical: ActivationRanks
    widths: tuple[int, ...]
    n_points: int
    first: str

    def section(self) -> Section:
        last = len(self.widths) - 1
        lower, upper = int(self.exact.lower[last]), int(self.exact.upper[last])
        exact = f"{lower:,}" if lower == upper else f"{lower:,} to {upper:,}"
        proven = int(self.exact.certified.sum())
        loses = self.numerical.rank < self.exact.lower
        note = (
            f"Float64 sees less than the exact rank in {int(loses.sum())} of {len(loses)} layers."
            if loses.any()
            else "In no layer does float64 see less than the exact rank."
        )
        return Section(
            title=TITLE,
            text=(
                "The rank of a layer's activations is the number of directions that the points "
                "fill there; it is at most the number of neurons, and of points. Exact: in exact "
                "arithmetic of the given parameters. Numerical: singular values in float64 above "
                "rounding.",
            ),
            figures=(
                Figure(
                    title="Rank by layer",
                    draw=lambda layout: _draw(layout, self),
                    caption=(
                        "Ranks of the activations at "
                        f"{self.first}; grey: the largest possible. Bars of the exact rank, where "
                        "there are any, are its proven bounds."
                    ),
                    source="relufast.activation_ranks(network, X)",
                ),
            ),
            tables=(
                Table(
                    name="analysis-ranks",
                    caption=f"At {self.first}.",
                    columns=(
                        Column("layer", "layer"),
                        Column("width", "neurons"),
                        Column("n_points", "points", ","),
                        Column("lower", "exact rank, at least"),
                        Column("upper", "at most"),
                        Column("certified", "certified"),
                        Column("numerical", "numerical rank"),
                    ),
                    rows=[
                        (
                            index + 1,
                            width,
                            self.n_points,
                            int(self.exact.lower[index]),
                            int(self.exact.upper[index]),
                            "yes" if self.exact.certified[index] else "no",
                            int(self.numerical.rank[index]),
                        )
                        for index, width in enumerate(self.widths)
                    ],
                ),
            ),
            findings=(
                f"The {self.widths[last]:,} neurons of the last hidden layer have rank {exact} at "
                f"{self.first}, and {int(self.numerical.rank[last]):,} in float64.",
                note,
            ),
            notes=(
                f"The exact rank is certified in {proven} of {len(self.widths)} layers"
                + (
                    "." if proven == len(self.widths) else "; of the others proven bounds are told."
                ),
            ),
        )


def measure(subject: Subject) -> Ranks:
    network = subject.network
    # The signs, two products and an elimination; the numerical rank's singular values cost more.
    cost = sum(4 * w.size + 20 * len(w) * len(w) for w in network.weights[:-1])
    number = subject.options.affordable(len(subject.points), cost, "A point")
    points = subject.points[:number]
    return Ranks(
        activation_ranks(network, points),
        activation_ranks(network, points, method="numerical"),
        network.widths[1:-1],
        number,
        subject.first(number),
    )


def _draw(layout: Layout, ranks: Ranks) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [2.4])
    layers = np.arange(1, len(ranks.widths) + 1)
    largest = axes.bar(
        layers, np.minimum(ranks.widths, ranks.n_points), color=figures.GRID, width=0.7
    )
    (first, circle), (second, square) = figures.series(2)
    lower, upper = ranks.exact.lower, ranks.exact.upper
    exact = axes.errorbar(
        layers - 0.12,
        upper,
        [upper - lower, np.zeros(len(upper))],
        color=first,
        marker=circle,
        linestyle="none",
    )
    (numerical,) = axes.plot(
        layers + 0.12, ranks.numerical.rank, color=second, marker=square, linestyle="none"
    )
    figures.layer_axis(axes, layers)
    axes.set_ylabel("rank")
    figures.counting_axis(axes)
    axes.set_ylim(bottom=0.0)
    shown: list[Any] = [exact, numerical, largest]
    figure.legend(
        shown,
        ["exact", "numerical", "largest possible"],
        loc="outside upper right",
        ncols=3,
    )
    return figure
