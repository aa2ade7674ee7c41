"""The fewest active neurons at any input, and whether the first layer is injective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast.active_rows import MinActiveRows, min_active_rows
from relufast.analysis.part import SkipPart, Subject
from relufast.injectivity import InjectivityVerdict, is_injective
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "The fewest active neurons"

_STARTS, _STEPS = 4, 20_000
_STEPS_A_LINE = 1000
# Of one flat of the first layer's cells, which are visited twice, about.
_FLAT, _FLAT_A_ROW = 5000, 20


@dataclass(frozen=True, eq=False)
class ActiveRows:
    """Over all inputs, not the points alone.

    Attributes
    ----------
    layers : tuple of MinActiveRows
    first_layer : InjectivityVerdict or None
        None where it is too large to decide.
    undecided : str
        Why, then.
    widths : tuple of int
        (n_0, ..., n_depth).
    """

    layers: tuple[MinActiveRows, ...]
    first_layer: InjectivityVerdict | None
    undecided: str
    widths: tuple[int, ...]

    def section(self) -> Section:
        least = self.layers[0]
        fewest = (
            f"{least.upper:,}" if least.is_exact else f"from {least.lower:,} to {least.upper:,}"
        )
        if self.first_layer is not None:
            verdict = "is" if self.first_layer.injective else "is not"
            sentence = f"The first layer {verdict} injective on all of its inputs, proven"
        elif least.upper < self.widths[0]:
            # Where so few are active next to a point, they do not span the inputs.
            sentence = "The first layer is not injective, proven"
        else:
            sentence = "Whether the first layer is injective is not decided"
        return Section(
            title=TITLE,
            text=(
                "Over all inputs, not only the points: how few neurons of a layer can be active at "
                f"once? Where fewer of the first layer are than there are inputs, "
                f"{self.widths[0]:,}, different inputs have the same activations.",
            ),
            figures=(
                Figure(
                    title="Fewest active neurons by layer",
                    draw=lambda layout: _draw(layout, self),
                    caption=(
                        "Points: the fewest that were found, at an input that is proven to have "
                        "so few. Bars go down to the proven lower bounds. Grey: all neurons."
                        + (" Dashed: the number of inputs." if _inputs_fit(self) else "")
                    ),
                    source="relufast.min_active_rows(network)",
                ),
            ),
            tables=(
                Table(
                    name="analysis-active-neurons",
                    caption="Proven bounds of the smallest number of active neurons.",
                    columns=(
                        Column("layer", "layer"),
                        Column("width", "neurons"),
                        Column("lower", "at least"),
                        Column("upper", "at most"),
                        Column("lower_bound", "lower bound by"),
                    ),
                    rows=[
                        (layer, width, found.lower, found.upper, found.lower_bound)
                        for layer, (found, width) in enumerate(
                            zip(self.layers, self.widths[1:], strict=True), start=1
                        )
                    ],
                ),
            ),
            findings=(
                f"{sentence}; the fewest of its {self.widths[1]:,} neurons that are active at any "
                f"input are {fewest}.",
            ),
            notes=(f"All cells of the first layer: not visited, {self.undecided}.",)
            if self.undecided
            else (),
        )


def measure(subject: Subject) -> ActiveRows:
    network, options = subject.network, subject.options
    if network.negative_slope != 0.0:
        raise SkipPart("Neurons of a leaky network pass something on whether active or not.")
    A, b = network.weights[0], network.biases[0]
    line = 4 * max(network.widths) ** 2 * sum(network.widths)
    if network.depth > 1:
        lines = options.affordable(
            _STARTS * (_STEPS // _STEPS_A_LINE), line * (network.depth - 1), "A line of the search"
        )
        starts = min(_STARTS, lines)
        steps = lines // starts * _STEPS_A_LINE
    else:
        starts, steps = _STARTS, _STEPS
    budget = max(1, int(options.work // (_FLAT + _FLAT_A_ROW * len(A))))
    verdict, undecided = None, ""
    try:
        verdict = is_injective(A, b if b.any() else None, budget=budget)
    except ValueError as error:
        undecided = str(error)
    layers = min_active_rows(
        network,
        n_restarts=starts,
        n_steps=steps,
        seed=options.seed,
        budget=budget,
        n_threads=options.n_threads,
    )
    return ActiveRows(layers, verdict, undecided, network.widths[:-1])


def _inputs_fit(found: ActiveRows) -> bool:
    """A line far above all neurons would leave them no room."""
    return found.widths[0] <= 1.2 * max(found.widths[1:])


def _draw(layout: Layout, found: ActiveRows) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [2.2])
    layers = np.arange(1, len(found.layers) + 1)
    axes.bar(layers, found.widths[1:], color=figures.GRID, width=0.7)
    upper = np.array([each.upper for each in found.layers])
    lower = np.array([each.lower for each in found.layers])
    ((colour, marker),) = figures.series(1)
    axes.errorbar(
        layers,
        upper,
        [upper - lower, np.zeros(len(upper))],
        color=colour,
        marker=marker,
        linestyle="none",
    )
    if _inputs_fit(found):
        axes.axhline(found.widths[0], color=figures.INK, linestyle="--", linewidth=1.0)
    figures.layer_axis(axes, layers)
    axes.set_ylabel("active neurons")
    figures.counting_axis(axes)
    axes.set_ylim(bottom=min(0.0, -0.03 * max(found.widths[1:])))
    return figure
