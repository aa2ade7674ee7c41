"""Whether hidden layers are injective near the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast.analysis.part import Subject
from relufast.local_injectivity import LocalInjectivity, local_injectivity
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Injectivity near the points"

_MOST_POINTS = 200


@dataclass(frozen=True, eq=False)
class Jacobians:
    """Jacobians of the hidden layers at the points.

    Attributes
    ----------
    found : LocalInjectivity
    first : str
        Which points, in words.
    """

    found: LocalInjectivity
    first: str

    def section(self) -> Section:
        found = self.found
        share = found.injective.mean(axis=0)
        number = len(found.ranks)
        proven = int(found.certified.sum())
        lost = np.flatnonzero(share < 1.0)
        n_injective = int(found.injective[:, -1].sum())
        near = f"{n_injective:,}" if n_injective else "none"
        sentences = [
            f"Near {near} of {number:,} points every hidden layer still determines the "
            "network's input."
        ]
        if len(lost):
            layer = int(lost[0])
            ranks = found.ranks[:, layer]
            sentences.append(
                f"Layer {layer + 1} is the first that does not everywhere: its Jacobian has a rank "
                f"from {ranks.min():,} to {ranks.max():,}, and there are {found.n_inputs:,} inputs."
            )
        return Section(
            title=TITLE,
            text=(
                "Near a point a layer is a linear function of the network's input. If its Jacobian "
                f"has rank {found.n_inputs:,}, the number of inputs, nothing of the input is lost "
                "there; the smallest singular value says how small a change may become.",
            ),
            figures=(
                Figure(
                    title="Ranks and smallest singular values of Jacobians",
                    draw=lambda layout: _draw(layout, found),
                    caption=(
                        f"At {self.first}. Left: from the smallest to the largest rank of the "
                        "Jacobian, and the median; dashed: the number of inputs. Right: smallest "
                        "singular values where the rank is full and rounding leaves a digit."
                    ),
                    source="relufast.local_injectivity(network, X)",
                ),
            ),
            tables=(
                Table(
                    name="analysis-jacobians",
                    caption=f"At {self.first}.",
                    columns=(
                        Column("layer", "layer"),
                        Column("n_points", "points"),
                        Column("injective", "injective, share", ".4f"),
                        Column("rank_min", "rank, least"),
                        Column("rank_median", "median", "g"),
                        Column("rank_max", "most"),
                        Column("singular_value_min", "smallest singular value, least", ".3g"),
                        Column("singular_value_median", "median", ".3g"),
                        Column("singular_value_error", "rounding error, at most", ".1g"),
                        Column("n_certified", "ranks certified"),
                    ),
                    rows=[
                        (
                            layer + 1,
                            number,
                            float(share[layer]),
                            int(found.ranks[:, layer].min()),
                            float(np.median(found.ranks[:, layer])),
                            int(found.ranks[:, layer].max()),
                            float(found.smallest_singular_values[:, layer].min()),
                            float(np.median(found.smallest_singular_values[:, layer])),
                            float(found.singular_value_errors[:, layer].max()),
                            int(found.certified[:, layer].sum()),
                        )
                        for layer in range(len(share))
                    ],
                ),
            ),
            findings=sentences,
            notes=(
                f"{proven:,} of {found.certified.size:,} ranks are certified"
                + ("; the others are proven lower bounds" if proven < found.certified.size else "")
                + ". A singular value below its rounding error does not say whether the rank is "
                "full; the rank does.",
            ),
        )


def measure(subject: Subject) -> Jacobians:
    network = subject.network
    sizes = np.cumsum(network.widths[:-1])[1:].astype(float)
    cost = float(np.sum(sizes**3)) / 9
    most = min(_MOST_POINTS, len(subject.points))
    number = subject.options.affordable(most, cost, "A point")
    return Jacobians(local_injectivity(network, subject.points[:number]), subject.first(number))


def _draw(layout: Layout, found: LocalInjectivity) -> Drawing:
    from relufast.report import figures

    figure, (left, right) = figures.panels(layout, [2.4, 2.4])
    layers = np.arange(1, found.ranks.shape[1] + 1)
    middle = np.median(found.ranks, axis=0)
    spread = [middle - found.ranks.min(axis=0), found.ranks.max(axis=0) - middle]
    (colour, marker), (other, _) = figures.series(2)
    left.errorbar(layers, middle, spread, color=colour, marker=marker, linestyle="none")
    left.axhline(found.n_inputs, color=figures.INK, linestyle="--", linewidth=1.0)
    left.set_ylabel("rank of the Jacobian")
    left.set_ylim(bottom=0.0)
    for index, layer in enumerate(layers):
        values = found.smallest_singular_values[:, index]
        known = found.injective[:, index] & (values > found.singular_value_errors[:, index])
        shown = np.sort(values[known])
        right.plot(
            layer + np.linspace(-0.3, 0.3, len(shown)),
            shown,
            color=other,
            marker=".",
            linestyle="none",
            markersize=3,
        )
    if found.injective.any():
        figures.logarithmic(right, "y")
    else:
        right.set_yticks([])
        right.text(
            0.5, 0.5, "no layer has full rank\nat any point", ha="center", transform=right.transAxes
        )
    right.set_ylabel("smallest singular value")
    for axes in (left, right):
        figures.layer_axis(axes, layers)
        axes.set_xlim(0.4, len(layers) + 0.6)
    return figure
