"""The Fisher information of random features on real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.fisher import FisherInformation
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.chapters.fisher_information.layers import random_layer
from relufast.report.digits import Digits
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_WIDTH = 600
_PAIRS = 200
_SHOWN = (1, 2, 3, 10, 30, 100, 200)


def section(settings: Settings, digits: Digits) -> Section:
    rng = settings.generator("random features")
    d = digits.images.shape[1]
    W = random_layer(rng, _WIDTH, d)
    gaussian, images = FisherInformation(W), FisherInformation.empirical(W, digits.images)
    shares = {
        "standard normal inputs": gaussian.eigh(_PAIRS).eigenvalues / gaussian.trace,
        "images": images.eigh(_PAIRS).eigenvalues / images.trace,
    }
    of_images, of_gaussian = shares["images"], shares["standard normal inputs"]
    return Section(
        title="Random features of real images",
        text=(
            f"The same layer of {_WIDTH} random features of {d} inputs, for standard normal inputs "
            f"and for the {len(digits.images)} test images of handwritten digits of chapter one. "
            "Shares of the trace do not depend on the scale of the inputs. How much do the leading "
            "directions hold of what the data tell?",
        ),
        figures=(
            Figure(
                title="Spectrum for normal inputs and for images",
                draw=lambda layout: _draw(layout, shares),
                caption=(
                    f"The {_PAIRS} leading eigenvalues, in units of the trace. For normal inputs "
                    f"the steps are the groups of 1 and {d} eigenvalues."
                ),
                source=(
                    f"relufast.FisherInformation(W).eigh({_PAIRS}), "
                    f"relufast.FisherInformation.empirical(W, images).eigh({_PAIRS})"
                ),
            ),
        ),
        tables=(
            Table(
                name="fisher-digits",
                caption="Eigenvalues in units of the trace.",
                columns=(
                    Column("number", "number"),
                    Column("normal", "normal inputs", ".3g"),
                    Column("images", "images", ".3g"),
                ),
                rows=[(i, float(of_gaussian[i - 1]), float(of_images[i - 1])) for i in _SHOWN],
                folded=True,
            ),
        ),
        findings=(
            f"The first eigenvalue holds {100 * of_images[0]:.0f} % of the trace for images and "
            f"{100 * of_gaussian[0]:.0f} % for normal inputs, the first ten "
            f"{100 * of_images[:10].sum():.0f} % and {100 * of_gaussian[:10].sum():.0f} %.",
        ),
    )


def _draw(layout: Layout, shares: dict[str, FloatArray]) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [3.0])
    for (name, values), (colour, marker) in zip(shares.items(), figures.series(2), strict=True):
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=colour,
            marker=marker,
            markersize=2.5,
            linestyle="none",
            label=name,
        )
    figures.logarithmic(axes, "xy")
    axes.set_xlabel("number of the eigenvalue")
    axes.set_ylabel("share of the trace")
    axes.legend(loc="lower left")
    return figure
