"""Whether a classifier's hidden layers are invertible near its images, and at which widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.local_injectivity import LocalInjectivity, local_injectivity
from relufast.network import Network
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.digits import Digits
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_EXPANSIONS = (2, 3, 4)  # of random networks
_IMAGES = 60  # that these are asked about


@dataclass(frozen=True)
class _Asked:
    network: str
    widths: Sequence[int]  # of hidden layers
    found: LocalInjectivity

    @property
    def smallest(self) -> FloatArray:
        """Singular values by image and layer: those that the exact ranks tell to be 0 are."""
        return np.where(self.found.injective, self.found.smallest_singular_values, 0.0)


def section(settings: Settings, progress: Progress, digits: Digits) -> Section:
    asked = progress.map(
        lambda case: _Asked(case[0], case[1].widths[1:-1], local_injectivity(case[1], case[2])),
        _cases(settings, digits),
        "local injectivity",
    )
    n = digits.images.shape[1]
    certified = sum(int(a.found.certified.sum()) for a in asked)
    total = sum(a.found.certified.size for a in asked)
    return Section(
        title="A classifier near its images",
        text=(
            f"Near an image a hidden layer is a linear function of the {n} pixels. It forgets "
            "nothing there if its rank is the number of pixels, and the smallest singular value "
            f"says how much noise recovery can stand. The classifier of chapter one, on its "
            f"{len(digits.images)} test images, beside random networks whose hidden layers are "
            "wider than the image. The capacities above are for all inputs; this is about these.",
        ),
        figures=(
            Figure(
                title="Rank and smallest singular value by layer",
                draw=lambda layout: _draw(layout, asked),
                caption=(
                    "Left: mean rank of the Jacobians by layer, from smallest to largest; dotted: "
                    f"number of pixels. Right: median of the singular value number {n}, from "
                    f"smallest to largest; it is 0 where the rank is below {n}. "
                    f"{certified:,} of {total:,} ranks are certified."
                ),
                source=(
                    "relufast.local_injectivity(network, images); Network.random(widths, "
                    "bias_variance=0.0)"
                ),
            ),
        ),
        tables=(
            _table("injectivity-digits", "The classifier on all test images.", asked[:2]),
            _table("injectivity-wide", "Random networks on some images.", asked[2:]),
        ),
        findings=tuple(_finding(a) for a in (asked[1], asked[0], *asked[2:])),
    )


def _cases(settings: Settings, digits: Digits) -> list[tuple[str, Network, FloatArray]]:
    n, depth = digits.images.shape[1], digits.trained.depth
    rng = settings.generator("local injectivity")
    chosen = rng.permutation(len(digits.images))[: settings.scaled(_IMAGES)]
    seeds = settings.network_seeds("local injectivity, networks", len(_EXPANSIONS))
    wide = [
        (
            f"random, {alpha}n wide",
            Network.random((n, *[alpha * n] * depth, 10), bias_variance=0.0, seed=seed),
            digits.images[chosen],
        )
        for alpha, seed in zip(_EXPANSIONS, seeds, strict=True)
    ]
    return [
        ("as initialised", digits.initial, digits.images),
        ("trained", digits.trained, digits.images),
        *wide,
    ]


def _finding(asked: _Asked) -> str:
    found = asked.found
    parts = [
        f"{_span(ranks)} in layer {layer} of {width} neurons "
        f"({int(full.sum())} of {len(full)} images with full rank)"
        for layer, (width, ranks, full) in enumerate(
            zip(asked.widths, found.ranks.T, found.injective.T, strict=True), start=1
        )
    ]
    return (
        f"{asked.network.capitalize()}: of {found.n_inputs} inputs the Jacobians have ranks "
        f"{', '.join(parts)}."
    )


def _span(ranks: NDArray[np.int64]) -> str:
    least, most = int(ranks.min()), int(ranks.max())
    return f"{least}" if least == most else f"{least} to {most}"


def _table(name: str, caption: str, asked: Sequence[_Asked]) -> Table:
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column("network", "network"),
            Column("layer", "layer"),
            Column("width", "width"),
            Column("images", "images"),
            Column("full_rank", "of full rank"),
            Column("smallest_rank", "smallest rank"),
            Column("mean_rank", "mean rank", ".2f"),
            Column("smallest_singular_value", "smallest singular value", ".6f"),
            Column("median_singular_value", "median", ".6f"),
        ),
        rows=[
            (
                a.network,
                i + 1,
                width,
                len(a.found.ranks),
                int(a.found.injective[:, i].sum()),
                int(a.found.ranks[:, i].min()),
                float(a.found.ranks[:, i].mean()),
                float(a.smallest[:, i].min()),
                float(np.median(a.smallest[:, i])),
            )
            for a in asked
            for i, width in enumerate(a.widths)
        ],
        folded=True,
    )


def _draw(layout: Layout, asked: Sequence[_Asked]) -> Drawing:
    from relufast.report import figures

    figure, (ranks, values) = figures.panels(layout, [2.8, 2.8])
    for k, (a, (colour, marker)) in enumerate(zip(asked, figures.series(len(asked)), strict=True)):
        layers = np.arange(1, len(a.widths) + 1) + 0.06 * (k - (len(asked) - 1) / 2)
        for axes, measured, middles in (
            (ranks, a.found.ranks, a.found.ranks.mean(axis=0)),
            (values, a.smallest, np.median(a.smallest, axis=0)),
        ):
            low, high = measured.min(axis=0), measured.max(axis=0)
            axes.errorbar(
                layers,
                middles,
                [middles - low, high - middles],
                color=colour,
                marker=marker,
                linestyle="none",
                label=a.network if axes is ranks else None,
            )
    ranks.axhline(asked[0].found.n_inputs, color=figures.INK, linestyle=":", linewidth=0.9)
    ranks.set_title("Rank")
    ranks.set_ylabel("rank of the Jacobian")
    ranks.set_ylim(0.0, None)
    values.set_title("Smallest singular value")
    values.set_ylabel("singular value of the Jacobian")
    for axes in (ranks, values):
        figures.layer_axis(axes, range(1, len(asked[0].widths) + 1))
        axes.set_xlim(0.6, len(asked[0].widths) + 0.4)
    figure.legend(loc="outside lower center", ncols=2 if layout.narrow else 5)
    return figure
