"""Five notions of dimension on the same networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relufast.rank_theory import expected_effective_dimension, revival_depths
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.chapters.hidden_ranks.dimensions import (
    DEPTH,
    EFFECTIVE,
    EXACT,
    HE,
    LAYERS,
    LEAKY,
    NOTIONS,
    STABLE,
    WIDTH,
    Measurement,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout


def section(measured: Measurement) -> Section:
    he = {notion: measured[HE].by_layer(notion) for notion in NOTIONS}
    leaky = {notion: measured[LEAKY].by_layer(notion) for notion in NOTIONS}
    return Section(
        title="Which dimension?",
        text=(
            "A rank counts directions, however weak. The effective rank of Roy and Vetterli is the "
            "exponential of the entropy of the singular values; the participation ratio counts "
            "the directions that share most of the variance; the stable rank compares all of it "
            "with the strongest direction. They answer different questions.",
        ),
        figures=(
            Figure(
                title="Five notions of dimension",
                draw=lambda layout: _draw(layout, measured),
                caption=(
                    f"Means over random networks, {WIDTH} inputs, layers of {WIDTH} neurons. "
                    "Dashed: the published formula; ticks at the top: the depths at which the "
                    "paper has its peaks. Bars: one standard error."
                ),
                source=measured.source(HE, LEAKY),
            ),
        ),
        tables=(
            Table(
                name="hidden-ranks-notions",
                caption="The numbers of the figure, He's networks.",
                columns=(
                    Column("layer", "layer"),
                    *(Column(notion.replace(" ", "_"), notion) for notion in NOTIONS),
                ),
                rows=[(k, *(he[notion][k - 1] for notion in NOTIONS)) for k in LAYERS],
                folded=True,
            ),
        ),
        findings=(
            f"In layer {DEPTH} of He's networks the exact rank is {he[EXACT][-1]}, the effective "
            f"rank {he[EFFECTIVE][-1]} and the stable rank {he[STABLE][-1]}; in layer 1 they are "
            f"{he[EXACT][0]}, {he[EFFECTIVE][0]} and {he[STABLE][0]}.",
            f"In layer {DEPTH} of leaky networks the exact rank is {leaky[EXACT][-1]} and the "
            f"effective rank {leaky[EFFECTIVE][-1]}.",
        ),
    )


def _draw(layout: Layout, measured: Measurement) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [3.0, 3.0], shared=True)
    layers = list(LAYERS)
    depths = [d for d in revival_depths(DEPTH) if d <= DEPTH]
    for axes, family in zip(panels, (HE, LEAKY), strict=True):
        axes.plot(
            layers,
            expected_effective_dimension(WIDTH, DEPTH),
            color=figures.INK,
            linestyle="--",
            label="published formula" if family == HE else None,
        )
        styles = zip(NOTIONS, figures.series(len(NOTIONS)), strict=True)
        # The first notion on top: an exact rank may lie where the numerical one does.
        for notion, (colour, marker) in reversed(list(styles)):
            label = notion if family == HE else None
            figures.points(axes, layers, measured[family].by_layer(notion), colour, marker, label)
        top = 1.1 * WIDTH
        axes.plot(depths, [top] * len(depths), color=figures.INK, marker=3, linestyle="none")
        axes.set_title(f"{family[0].upper()}{family[1:]}")
        axes.set_xlabel("layer")
        axes.set_ylabel("dimension")
        axes.set_ylim(0.0, top)
        axes.label_outer()
    figure.legend(loc="outside lower center", ncols=2 if layout.narrow else 3)
    return figure
