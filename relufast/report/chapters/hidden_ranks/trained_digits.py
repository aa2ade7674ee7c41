"""A trained network's activations on its real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast.activation_ranks import activation_ranks
from relufast.effective_dimension import effective_rank
from relufast.network import Network
from relufast.neuron_census import neuron_census
from relufast.report import estimate
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.digits import Digits
from relufast.report.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout


@dataclass(frozen=True)
class _Layer:
    """Of one network's activations on all test images, and class by class."""

    network: str
    layer: int
    width: int
    exact: int
    certified: bool
    numerical: int
    effective: float
    dead: int
    class_exact: Estimate
    class_effective: Estimate


def section(digits: Digits) -> Section:
    layers = [
        *_measure("as initialised", digits.initial, digits),
        *_measure("trained", digits.trained, digits),
    ]
    n_images = len(digits.images)
    certified = sum(layer.certified for layer in layers)
    last = {layer.network: layer for layer in layers}
    initial, trained = last["as initialised"], last["trained"]
    return Section(
        title="A trained network on its data",
        text=(
            f"The classifier of handwritten digits of chapter one, on its {n_images} test images, "
            "before and after training: on all of them, and on the images of one class.",
        ),
        figures=(
            Figure(
                title="Dimensions of a classifier's activations",
                draw=lambda layout: _draw(layout, layers),
                caption=(
                    "Left: all test images; filled: exact rank, open: effective rank. Right: the "
                    "same for the images of one class, mean over the ten classes with bars of one "
                    f"standard error. {certified} of {len(layers)} ranks of all images are "
                    "certified."
                ),
                source=(
                    "relufast.activation_ranks(network, images), relufast.effective_rank(H) of "
                    "H in network.activations(images); networks and images of chapter one"
                ),
            ),
        ),
        tables=(_table(layers),),
        findings=(
            f"In the last hidden layer ({trained.width} neurons) the activations of {n_images} "
            f"images have exact rank {initial.exact} before and {trained.exact} after training; "
            f"those of one class have effective rank {initial.class_effective} before and "
            f"{trained.class_effective} after.",
        ),
    )


def _measure(name: str, network: Network, digits: Digits) -> list[_Layer]:
    ranks = activation_ranks(network, digits.images)
    numerical = activation_ranks(network, digits.images, method="numerical")
    census = neuron_census(network, digits.images)
    classes = [digits.images[digits.labels == label] for label in np.unique(digits.labels)]
    class_ranks = [activation_ranks(network, images).lower for images in classes]
    class_activations = [network.activations(images) for images in classes]
    layers = []
    for i, H in enumerate(network.activations(digits.images)):
        layers.append(
            _Layer(
                network=name,
                layer=i + 1,
                width=network.widths[i + 1],
                exact=int(ranks.lower[i]),
                certified=bool(ranks.certified[i]),
                numerical=int(numerical.rank[i]),
                effective=effective_rank(H),
                dead=int(census.dead[i]),
                class_exact=estimate.mean([r[i] for r in class_ranks]),
                class_effective=estimate.mean([effective_rank(a[i]) for a in class_activations]),
            )
        )
    return layers


def _table(layers: Sequence[_Layer]) -> Table:
    return Table(
        name="hidden-ranks-digits",
        caption="Activations of a classifier of digits on its test images.",
        columns=(
            Column("network", "network"),
            Column("layer", "layer"),
            Column("exact_rank", "exact rank"),
            Column("numerical_rank", "numerical rank"),
            Column("effective_rank", "effective rank", ".2f"),
            Column("dead", "dead neurons"),
            Column("class_rank", "one class: exact rank"),
            Column("class_effective_rank", "one class: effective rank"),
        ),
        rows=[
            (
                layer.network,
                layer.layer,
                layer.exact,
                layer.numerical,
                layer.effective,
                layer.dead,
                layer.class_exact,
                layer.class_effective,
            )
            for layer in layers
        ],
    )


def _draw(layout: Layout, layers: Sequence[_Layer]) -> Drawing:
    from relufast.report import figures

    figure, (images, one_class) = figures.panels(layout, [2.8, 2.8], shared=True)
    networks = list(dict.fromkeys(layer.network for layer in layers))
    for name, (colour, marker) in zip(networks, figures.series(len(networks)), strict=True):
        own = [layer for layer in layers if layer.network == name]
        numbers = [layer.layer for layer in own]
        exact = [layer.class_exact for layer in own]
        effective = [layer.class_effective for layer in own]
        for values, face, label in (
            ([layer.exact for layer in own], colour, f"{name}, exact rank"),
            ([layer.effective for layer in own], "none", f"{name}, effective rank"),
        ):
            images.plot(
                numbers,
                values,
                color=colour,
                marker=marker,
                markerfacecolor=face,
                linestyle="none",
                label=label,
            )
        figures.points(one_class, numbers, exact, colour, marker)
        figures.points(one_class, numbers, effective, colour, marker, filled=False)
    images.set_title("All images")
    one_class.set_title("Images of one class")
    for axes in (images, one_class):
        figures.layer_axis(axes, sorted({layer.layer for layer in layers}))
        axes.set_ylabel("dimension")
        axes.label_outer()
    images.set_ylim(0.0, None)
    figure.legend(loc="outside lower center", ncols=1 if layout.narrow else 2)
    return figure
