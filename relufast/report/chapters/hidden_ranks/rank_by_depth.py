"""The exact rank, layer by layer, of four kinds of random networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relufast.rank_theory import alive_fraction_theory, expected_effective_dimension
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.chapters.hidden_ranks.dimensions import (
    DEPTH,
    EFFECTIVE,
    EXACT,
    HE,
    LAYERS,
    LEAKY,
    NUMERICAL,
    ORTHOGONAL,
    SMALL,
    WIDTH,
    Measurement,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout


def section(measured: Measurement) -> Section:
    return Section(
        title="Rank by depth",
        text=(
            "Four kinds of random networks: Gaussian weights with He's variance, orthogonal ones, "
            "He's with a leaky ReLU of slope 0.1, all three without biases; and small weights "
            "(variance 0.25 over the fan-in) with large biases (variance 1), where activations of "
            "different inputs become more and more alike.",
        ),
        figures=(
            Figure(
                title="Rank of the activations by layer",
                draw=lambda layout: _draw(layout, measured),
                caption=(
                    f"Mean rank of the activations of {WIDTH} inputs in layers of {WIDTH} neurons. "
                    "Left: the exact rank; solid line: our law of alive neurons; dashed: the "
                    "published formula. Right: networks with small weights, the exact rank beside "
                    "what float64 activations tell. Bars: one standard error. "
                    f"{measured.trust()}"
                ),
                source=measured.source(*measured.by_family),
            ),
        ),
        tables=(_table(measured),),
        findings=_findings(measured),
    )


def _findings(measured: Measurement) -> tuple[str, ...]:
    last = {family: d.by_layer(EXACT)[-1] for family, d in measured.by_family.items()}
    small = measured[SMALL].by_layer(NUMERICAL)[-1]
    return (
        f"In layer {DEPTH} the exact rank of {WIDTH} inputs is {last[HE]} for He's networks and "
        f"{last[ORTHOGONAL]} for orthogonal ones, whose neurons can be inactive at all inputs. It "
        f"is {last[LEAKY]} for leaky ones, whose neurons are never without slope.",
        f"With small weights the exact rank in layer {DEPTH} is {last[SMALL]}; the singular values "
        f"of float64 activations tell {small}.",
    )


def _table(measured: Measurement) -> Table:
    published = expected_effective_dimension(WIDTH, DEPTH)
    alive = WIDTH * alive_fraction_theory(WIDTH, DEPTH)
    return Table(
        name="hidden-ranks-by-layer",
        caption="Exact ranks by layer, and what should be.",
        columns=(
            Column("layer", "layer"),
            *(Column(family.replace(" ", "_"), family) for family in measured.by_family),
            Column("law", "law for He", ".2f"),
            Column("published", "published formula", ".2f"),
        ),
        rows=[
            (
                layer,
                *(d.by_layer(EXACT)[layer - 1] for d in measured.by_family.values()),
                float(alive[layer - 1]),
                float(published[layer - 1]),
            )
            for layer in LAYERS
        ],
        folded=True,
    )


def _draw(layout: Layout, measured: Measurement) -> Drawing:
    from relufast.report import figures

    figure, (ranks, small) = figures.panels(layout, [3.0, 3.0], shared=True)
    layers = list(LAYERS)
    ranks.plot(
        layers,
        expected_effective_dimension(WIDTH, DEPTH),
        color=figures.INK,
        linestyle="--",
        label="published formula",
    )
    ranks.plot(
        layers,
        WIDTH * alive_fraction_theory(WIDTH, DEPTH),
        color=figures.SERIES[0],
        label="law of alive neurons",
    )
    styles = figures.series(len(measured.by_family))
    for d, (colour, marker) in zip(measured.by_family.values(), styles, strict=True):
        figures.points(ranks, layers, d.by_layer(EXACT), colour, marker, d.family)
    ranks.set_title("Exact rank")
    shown = zip((EXACT, NUMERICAL, EFFECTIVE), figures.series(6)[3:], strict=True)
    for notion, (colour, marker) in shown:
        label = f"small weights, {notion}" if notion != EXACT else None
        figures.points(small, layers, measured[SMALL].by_layer(notion), colour, marker, label)
    small.set_title("Small weights")
    for axes in (ranks, small):
        axes.set_xlabel("layer")
        axes.set_ylabel("rank")
        axes.set_ylim(0.0, 1.06 * WIDTH)
        axes.label_outer()
    figure.legend(loc="outside lower center", ncols=2 if layout.narrow else 4)
    return figure
