"""One random network, to see what a breakpoint is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast.breakpoints import Breakpoints, breakpoints
from relufast.network import Network
from relufast.report import text
from relufast.report.certification import Certification
from relufast.report.chapter import Figure, Section
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_WIDTHS = (1, 30, 30, 30, 1)
_BIAS_VARIANCE = 0.25
_WINDOW = (-1.5, 1.5)


def section(settings: Settings) -> Section:
    seed = settings.network_seed("random function")
    network = Network.random(_WIDTHS, bias_variance=_BIAS_VARIANCE, seed=seed)
    found = breakpoints(network, _WINDOW)
    *first, last = (f"{count} of layer {i}" for i, count in enumerate(found.count_by_layer, 1))
    window = text.interval(_WINDOW)
    return Section(
        title="One random network",
        text=(
            "A network with three hidden layers of 30 neurons, He weights and normal biases. A "
            "neuron of the first layer turns on or off once on the line; one of a later layer may "
            "do so never, once or several times, because its input is itself piecewise linear.",
        ),
        figures=(
            Figure(
                title="A random network's function and its breakpoints",
                draw=lambda layout: _draw(layout, found),
                caption=(
                    f"Above: the network's output, drawn through its {found.count} breakpoints in "
                    f"{window}, each in the colour of its layer. Below: the same positions, "
                    "a row for each layer. The function bends at every breakpoint that reaches the "
                    "output, though many bends are too slight to see. The breakpoints are "
                    f"{Certification([found])}."
                ),
                source=(
                    f"network = relufast.Network.random({_WIDTHS}, "
                    f"bias_variance={_BIAS_VARIANCE}, seed={seed}); "
                    f"relufast.breakpoints(network, {_WINDOW})"
                ),
            ),
        ),
        findings=(
            f"A network 1-30-30-30-1 has {found.count} breakpoints in {window} "
            f"({Certification([found])}), {', '.join(first)} and {last}: {found.n_regions} "
            f"activation regions and {found.n_output_regions} linear pieces of the output.",
        ),
    )


def _draw(layout: Layout, found: Breakpoints) -> Drawing:
    from relufast.report import figures

    figure, (above, below) = figures.stack(layout, [2.4, 0.8])
    # Between breakpoints the function is affine, so that these points draw all of it.
    lo, hi = found.interval
    vertices = np.array([lo, *found.positions, hi])
    above.plot(vertices, found.function(vertices)[:, 0], color=figures.MUTED, linewidth=1)
    outputs = found.function(found.positions)[:, 0]
    for layer, (colour, marker) in enumerate(figures.series(found.network.depth), start=1):
        of_layer = found.layers == layer
        above.plot(
            found.positions[of_layer],
            outputs[of_layer],
            color=colour,
            marker=marker,
            linestyle="none",
        )
    above.set_ylabel("output f(x)")
    figures.breakpoint_rows(below, found)
    below.set_xlabel("x")
    return figure
