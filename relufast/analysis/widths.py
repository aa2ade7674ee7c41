"""Mean widths of the hidden activations, apart for points that the network gets right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast.analysis.part import Subject
from relufast.layer_mean_widths import LayerMeanWidths, layer_mean_widths
from relufast.monte_carlo.estimate import Estimate as MonteCarloEstimate
from relufast.report import estimate
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Mean widths"

_DIRECTIONS = 1000


@dataclass(frozen=True, eq=False)
class Widths:
    """Gaussian mean widths by layer.

    Attributes
    ----------
    found : LayerMeanWidths
        With labels, of equally many right and wrong points at a time.
    n_directions : int
    first : str
        Which points, in words.
    """

    found: LayerMeanWidths
    n_directions: int
    first: str

    @property
    def columns(self) -> dict[str, MonteCarloEstimate]:
        found = self.found
        columns = {
            "all points": found.widths,
            "right": found.correct,
            "wrong": found.wrong,
            "right less wrong": found.difference,
        }
        return {name: each for name, each in columns.items() if each is not None}

    def section(self) -> Section:
        found = self.found
        text = [
            "The mean width of a set is its mean extent over random directions: in a direction, "
            "the largest less the smallest product with a point. It is a size and a dimension in "
            "one.",
        ]
        if found.n_compared:
            text.append(
                "A larger set is wider for its size alone, so that right and wrong points are "
                f"compared {found.n_compared:,} at a time."
            )
        return Section(
            title=TITLE,
            text=text,
            figures=(
                Figure(
                    title="Mean width by layer",
                    draw=lambda layout: _draw(layout, self),
                    caption=(
                        f"Gaussian mean width of the activations at {self.first}, with bars of one "
                        f"standard error over {self.n_directions:,} random directions, mostly "
                        "smaller than the points."
                    ),
                    source="relufast.layer_mean_widths(network, X"
                    + (")" if found.n_correct is None else ", labels, equal_sizes=True)"),
                ),
            ),
            tables=(
                Table(
                    name="analysis-mean-widths",
                    caption=f"At {self.first}.",
                    columns=(
                        Column("layer", "layer"),
                        *(Column(name.replace(" ", "_"), name) for name in self.columns),
                    ),
                    rows=[
                        (index + 1, *cells)
                        for index, cells in enumerate(
                            zip(
                                *(estimate.components(each, 1.0) for each in self.columns.values()),
                                strict=True,
                            )
                        )
                    ],
                ),
            ),
            findings=self._findings(),
            notes=("Exact in each direction, up to rounding; the error is that of the mean.",),
        )

    def _findings(self) -> list[str]:
        found = self.found
        widths = estimate.components(found.widths, 1.0)
        sentences = [
            f"The activations have a mean width of {widths[0]} in the first hidden layer and "
            f"{widths[-1]} in the last."
        ]
        if len(widths) == 1:
            sentences = [f"The hidden activations have a mean width of {widths[0]}."]
        if found.n_correct is None or found.n_wrong is None:
            return [*sentences, "Without labels, no point is right or wrong."]
        number = found.n_correct + found.n_wrong
        right = f"The network gets {found.n_correct:,} of {number:,} points right"
        if found.difference is None:
            return [*sentences, f"{right}, so that there is nothing to compare."]
        last = estimate.components(found.difference, 1.0)[-1]
        return [
            f"{right}. In the last hidden layer equally many right points are wider than wrong "
            f"ones by {last}.",
            *sentences,
        ]


def measure(subject: Subject) -> Widths:
    subject.require_finite_activations()
    options = subject.options
    cost = _DIRECTIONS * sum(subject.network.widths[1:-1])
    number = options.affordable(len(subject.points), cost, "A point")
    labels = None if subject.labels is None else subject.labels[:number]
    found = layer_mean_widths(
        subject.network,
        subject.points[:number],
        labels,
        equal_sizes=labels is not None,
        n_samples=_DIRECTIONS,
        seed=options.seed,
        n_threads=options.n_threads,
    )
    return Widths(found, _DIRECTIONS, subject.first(number))


def _draw(layout: Layout, widths: Widths) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [2.1])
    columns = {n: each for n, each in widths.columns.items() if n != "right less wrong"}
    shifts = 0.1 * (np.arange(len(columns)) - (len(columns) - 1) / 2)
    for (name, each), (colour, marker), shift in zip(
        columns.items(), figures.series(len(columns)), shifts, strict=True
    ):
        layers = np.arange(1, len(each.mean) + 1)
        estimates = estimate.components(each, 1.0)
        figures.points(axes, (layers + shift).tolist(), estimates, colour, marker, name)
    figures.layer_axis(axes, layers)
    axes.set_ylabel("mean width")
    figures.from_zero(axes)
    axes.margins(x=0.1)
    if len(columns) > 1:
        figure.legend(loc="outside upper right", ncols=3)
    return figure
