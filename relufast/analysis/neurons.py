"""Dead, always active and other neurons at the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast.analysis.part import Subject, percent
from relufast.neuron_census import Census, neuron_census
from relufast.report.chapter import Column, Figure, Section, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Dead and always active neurons"


@dataclass(frozen=True, eq=False)
class Neurons:
    """The census of the hidden neurons.

    Attributes
    ----------
    census : Census
    """

    census: Census

    def section(self) -> Section:
        census = self.census
        widths = [len(active) for active in census.n_active]
        n_neurons = sum(widths)
        dead, always_on = int(census.dead.sum()), int(census.always_on.sum())
        proven = int(census.certified.sum())
        return Section(
            title=TITLE,
            text=(
                "A neuron that is active at none of the points does nothing for them, one that is "
                "active at all of them is linear there; the others make the network bend.",
            ),
            figures=(
                Figure(
                    title="Neurons by layer",
                    draw=lambda layout: _draw(layout, census),
                    caption=(
                        "Left: neurons of each layer that are dead, sometimes active, and always "
                        f"active at {census.n_points:,} points. Right: the share of points at "
                        "which each neuron is active, neurons in order of it; one curve a layer."
                    ),
                    source="relufast.neuron_census(network, X)",
                ),
            ),
            tables=(
                Table(
                    name="analysis-neurons",
                    caption=f"At {census.n_points:,} points.",
                    columns=(
                        Column("layer", "layer"),
                        Column("width", "neurons"),
                        Column("dead", "dead"),
                        Column("mixed", "sometimes active"),
                        Column("always_on", "always active"),
                        Column("mean_activity", "mean share of points", ".3f"),
                        Column("n_uncertain", "signs not proven"),
                        Column("certified", "certified"),
                    ),
                    rows=[
                        (
                            index + 1,
                            width,
                            int(census.dead[index]),
                            int(census.mixed[index]),
                            int(census.always_on[index]),
                            float(census.n_active[index].mean() / census.n_points),
                            int(census.n_uncertain[index]),
                            "yes" if census.certified[index] else "no",
                        )
                        for index, width in enumerate(widths)
                    ],
                ),
            ),
            findings=(
                f"Of {n_neurons:,} hidden neurons {dead:,} ({percent(dead / n_neurons)}) are "
                f"active at none of {census.n_points:,} points, and {always_on:,} "
                f"({percent(always_on / n_neurons)}) at all of them.",
            ),
            notes=(f"Counts are certified in {proven} of {len(widths)} layers.",),
        )


def measure(subject: Subject) -> Neurons:
    cost = 2 * sum(w.size for w in subject.network.weights)
    number = subject.options.affordable(len(subject.points), cost, "A point")
    return Neurons(neuron_census(subject.network, subject.points[:number]))


def _draw(layout: Layout, census: Census) -> Drawing:
    from relufast.report import figures

    figure, (left, right) = figures.panels(layout, [2.4, 2.4])
    layers = np.arange(1, len(census.n_active) + 1)
    base = np.zeros(len(layers))
    kinds = {"dead": census.dead, "sometimes": census.mixed, "always": census.always_on}
    colours = (figures.SERIES[1], figures.SERIES[0], figures.SERIES[2])
    for (label, counts), colour in zip(kinds.items(), colours, strict=True):
        left.bar(layers, counts, bottom=base, width=0.7, color=colour, alpha=0.8, label=label)
        base = base + counts
    figures.layer_axis(left, layers)
    left.set_ylabel("neurons")
    left.set_ylim(top=1.25 * float(base.max()))
    left.legend(ncols=3, fontsize=7, loc="upper center", columnspacing=0.8)
    curves = zip(census.n_active, figures.series(len(census.n_active)), strict=True)
    for layer, (active, (colour, _)) in enumerate(curves, start=1):
        share = np.sort(active / census.n_points)
        right.step(
            np.linspace(0.0, 1.0, len(share) + 1),
            np.append(share, share[-1]),
            where="post",
            color=colour,
            label=f"layer {layer}",
        )
    right.set_xlabel("share of the layer's neurons")
    right.set_ylabel("share of points, active")
    right.set_ylim(-0.03, 1.03)
    if len(layers) <= len(figures.SERIES):
        right.legend(fontsize=7)
    return figure
