"""Effective dimensions of the hidden activations at the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.analysis.part import Subject, significant
from relufast.effective_dimension import effective_rank, participation_ratio, stable_rank
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Effective dimensions"


@dataclass(frozen=True, eq=False)
class Dimensions:
    """Effective dimensions of the points and of each hidden layer's activations.

    All arrays have shape (depth + 1,); entry 0 is that of the points.

    Attributes
    ----------
    effective_rank, stable_rank : ndarray of float64
    participation_ratio : ndarray of float64
        Of the covariance, centred.
    widths : tuple of int
    first : str
        Which points, in words.
    """

    effective_rank: FloatArray
    stable_rank: FloatArray
    participation_ratio: FloatArray
    widths: tuple[int, ...]
    first: str

    def section(self) -> Section:
        columns = (self.effective_rank, self.stable_rank, self.participation_ratio)
        return Section(
            title=TITLE,
            text=(
                "A rank counts every direction, however small. Effective dimensions weigh them: "
                "the effective rank by the entropy of the singular values, the stable rank against "
                "the largest, the participation ratio by the variances around the mean.",
            ),
            figures=(
                Figure(
                    title="Effective dimensions by layer",
                    draw=lambda layout: _draw(layout, self),
                    caption=(
                        f"Three dimensions of the activations at {self.first}, and of the points "
                        "themselves, the input."
                    ),
                    source="relufast.effective_rank(H), stable_rank(H), "
                    "participation_ratio(H, centered=True)",
                ),
            ),
            tables=(
                Table(
                    name="analysis-dimensions",
                    caption=f"At {self.first}; layer 0 is the points themselves.",
                    columns=(
                        Column("layer", "layer"),
                        Column("width", "width"),
                        Column("effective_rank", "effective rank", ",.2f"),
                        Column("stable_rank", "stable rank", ",.3f"),
                        Column("participation_ratio", "participation ratio", ",.3f"),
                    ),
                    rows=[
                        (layer, width, *(float(column[layer]) for column in columns))
                        for layer, width in enumerate(self.widths)
                    ],
                ),
            ),
            findings=(
                "The activations of the last hidden layer fill about "
                f"{significant(self.effective_rank[-1])} directions by the effective rank and "
                f"{significant(self.participation_ratio[-1])} by the participation ratio; the "
                f"points themselves {significant(self.effective_rank[0])} and "
                f"{significant(self.participation_ratio[0])}.",
            ),
            notes=(
                "Activations are computed in float64; relative errors of the dimensions of these "
                "are below 10⁻¹² up to 1,000 by 1,000.",
            ),
        )


def measure(subject: Subject) -> Dimensions:
    subject.require_finite_activations()
    widths = subject.network.widths[:-1]
    cost = 30 * sum(width * min(width, len(subject.points)) for width in widths)
    number = subject.options.affordable(len(subject.points), cost, "A point")
    layers = [h[:number] for h in subject.entering]
    return Dimensions(
        np.array([effective_rank(h) for h in layers]),
        np.array([stable_rank(h) for h in layers]),
        np.array([participation_ratio(h, centered=True) for h in layers]),
        widths,
        subject.first(number),
    )


def _draw(layout: Layout, found: Dimensions) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [2.6])
    layers = np.arange(len(found.widths))
    curves = {
        "effective rank": found.effective_rank,
        "stable rank": found.stable_rank,
        "participation ratio": found.participation_ratio,
    }
    for (label, values), (colour, marker) in zip(curves.items(), figures.series(3), strict=True):
        # What has no direction has dimension 0, which a logarithm does not show.
        shown = np.where(values > 0.0, values, np.nan)
        axes.plot(layers, shown, color=colour, marker=marker, linewidth=0.6, label=label)
    figures.logarithmic(axes, "y")
    figures.layer_axis(axes, layers, ["input", *map(str, layers[1:])])
    axes.set_ylabel("effective dimension")
    figure.legend(loc="outside upper right", ncols=1 if layout.narrow else 3)
    return figure
