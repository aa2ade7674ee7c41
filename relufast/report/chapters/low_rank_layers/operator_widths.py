"""Mean widths of a network's layers as maps of the unit ball, before and after training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relufast.operator_mean_width import operator_mean_width
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.digits import Digits
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIRECTIONS, _STARTS = 20, 4


@dataclass(frozen=True)
class _Layer:
    network: str
    layer: int
    lower: float
    ascent: Estimate
    upper: float


def section(settings: Settings, progress: Progress, digits: Digits) -> Section:
    networks = {"as initialised": digits.initial, "trained": digits.trained}
    items = [
        (name, layer, weights)
        for name, network in networks.items()
        for layer, weights in enumerate(network.weights[:-1], start=1)
    ]
    seed = settings.network_seed("operator widths")
    n_samples = settings.scaled(_DIRECTIONS)
    found = progress.map(
        lambda item: operator_mean_width(
            item[2], activation="relu", n_samples=n_samples, n_starts=_STARTS, seed=seed
        ),
        items,
        "Mean widths of layers",
    )
    layers = []
    for (name, layer, _), width in zip(items, found, strict=True):
        assert width.ascent is not None
        ascent = Estimate(float(width.ascent.mean), float(width.ascent.standard_error))
        layers.append(_Layer(name, layer, width.lower, ascent, width.upper))
    before, after = (
        [layer.upper for layer in layers if layer.network == name] for name in networks
    )
    growth = ", ".join(f"{b / a:.2f}" for a, b in zip(before, after, strict=True))
    place = ", ".join(
        f"{layer.ascent.value / layer.upper:.2f}" for layer in layers if layer.network == "trained"
    )
    return Section(
        title="How wide a layer makes the unit ball",
        text=(
            "The mean width of the image of the unit ball under a layer's weights has a closed "
            "form. With ReLU it lies, for certain, between a half of that and all of it; ascents "
            "from several starts in each direction show values that it reaches at least.",
        ),
        figures=(
            Figure(
                title="Mean widths of a classifier's layers",
                draw=lambda layout: _draw(layout, layers),
                caption=(
                    "The classifier of digits of chapter one, without biases. Bars: the interval "
                    "that contains the width with ReLU; its upper end is the width of the linear "
                    "map. Points: what ascents reached, mean over directions."
                ),
                source=(
                    'relufast.operator_mean_width(weights, activation="relu", '
                    f"n_samples={n_samples}, n_starts={_STARTS})"
                ),
            ),
        ),
        tables=(
            Table(
                name="operator-widths",
                caption="Mean width of the image of the unit ball.",
                columns=(
                    Column("network", "network"),
                    Column("layer", "layer"),
                    Column("lower", "at least", ".3f"),
                    Column("ascent", "reached by ascents"),
                    Column("upper", "at most, and of the linear map", ".3f"),
                ),
                rows=[(w.network, w.layer, w.lower, w.ascent, w.upper) for w in layers],
                folded=True,
            ),
        ),
        findings=(
            f"Training changes the widths of the linear maps by factors of {growth}; with ReLU, "
            f"ascents reach {place} of these widths in the trained layers.",
        ),
    )


def _draw(layout: Layout, layers: list[_Layer]) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [2.8])
    names = list(dict.fromkeys(layer.network for layer in layers))
    for i, (name, (colour, marker)) in enumerate(
        zip(names, figures.series(len(names)), strict=True)
    ):
        own = [layer for layer in layers if layer.network == name]
        x = [layer.layer + 0.16 * (i - 0.5) for layer in own]
        axes.vlines(
            x,
            [layer.lower for layer in own],
            [layer.upper for layer in own],
            color=colour,
            linewidth=5.0,
            alpha=0.35,
        )
        figures.points(axes, x, [layer.ascent for layer in own], colour, marker, name)
    figures.layer_axis(axes, sorted({layer.layer for layer in layers}))
    axes.set_ylabel("mean width")
    axes.set_ylim(bottom=0.0)
    figure.legend(loc="outside lower center", ncols=len(names))
    return figure
