"""Eigenvalues by group, and how well the approximate eigenvectors point, against the width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.fisher import FisherInformation
from relufast.fisher_spectrum import fisher_spectrum
from relufast.report import estimate
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.estimate import Estimate
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSION = 10
_LAYERS_BY_WIDTH = {100: 60, 300: 40, 1000: 16, 3000: 4, 10_000: 2}
_ALWAYS = 3000  # widths that any report shows
_DEGREES = (0, 1, 2)
_GROUPS = ("norm", "linear", "product", "square")


@dataclass(frozen=True)
class _Groups:
    """Of layers of one width m: means of eigenvalues by degree, and largest angles by group."""

    width: int
    layers: int
    eigenvalues: list[Estimate]
    angles: list[Estimate]  # in degrees, by group


def section(settings: Settings, progress: Progress) -> Section:
    groups = [
        _measure(settings, progress, width, settings.scaled(layers))
        for width, layers in _LAYERS_BY_WIDTH.items()
        if width <= max(10 * settings.largest_width, _ALWAYS)
    ]
    limit = fisher_spectrum(_DIMENSION, 2)
    numbers = ", ".join(f"{g.layers} of m = {g.width:,}" for g in groups)
    widest = groups[-1]
    return Section(
        title="Eigenvalues and eigenvectors at finite width",
        text=(
            f"Layers W of m rows for {_DIMENSION} inputs, their leading eigenvalues by group, and "
            "the largest principal angle between each group of approximate eigenvectors and the "
            "eigenspace that it should span.",
        ),
        figures=(
            Figure(
                title="Spectrum and alignment against the width",
                draw=lambda layout: _draw(layout, groups),
                caption=(
                    "Left: mean eigenvalue of each group; lines: the exact limit of infinite "
                    "width; dotted: the leading term for large d in common use. Right: largest "
                    "angle of each group; dashed: decline as 1/√m. Bars: one standard error."
                ),
                source=(
                    "relufast.FisherInformation(W).eigh(65) and .alignment(); "
                    f"relufast.fisher_spectrum({_DIMENSION}, 2); layers: {numbers}"
                ),
            ),
        ),
        tables=_tables(groups),
        findings=(
            f"At m = {widest.width:,} the groups' mean eigenvalues are "
            + ", ".join(str(e) for e in widest.eigenvalues)
            + "; at infinite width they are "
            + ", ".join(f"{limit.eigenvalues[k]:.5f}" for k in _DEGREES)
            + ".",
            "The largest angle between approximate and true eigenspaces falls from "
            f"{groups[0].angles[1]} degrees at m = {groups[0].width} to {widest.angles[1]} at "
            f"m = {widest.width:,} for the linear group, and from {groups[0].angles[2]} to "
            f"{widest.angles[2]} for products.",
        ),
    )


def _measure(settings: Settings, progress: Progress, width: int, layers: int) -> _Groups:
    label = f"Fisher spectrum, m = {width}"
    rng = settings.generator(label)
    rows = [_spectrum_and_angles(width, rng) for _ in progress.track(range(layers), label)]
    found = estimate.means(rows)
    return _Groups(width, layers, found[: len(_DEGREES)], found[len(_DEGREES) :])


def _spectrum_and_angles(width: int, rng: np.random.Generator) -> FloatArray:
    d = _DIMENSION
    fisher = FisherInformation(rng.standard_normal((width, d)) / np.sqrt(width))
    values = fisher.eigh(d * (d + 3) // 2).eigenvalues
    angles = fisher.alignment()
    return np.array(
        [
            values[0],
            values[1 : d + 1].mean(),
            values[d + 1 :].mean(),
            *(np.degrees(angles[group].max()) for group in _GROUPS),
        ]
    )


def _tables(groups: Sequence[_Groups]) -> tuple[Table, Table]:
    size = (Column("width", "m", ","), Column("layers", "layers"))
    return (
        Table(
            name="fisher-eigenvalues",
            caption="Mean eigenvalue by degree.",
            columns=(*size, *(Column(f"degree_{k}", f"degree {k}") for k in _DEGREES)),
            rows=[(g.width, g.layers, *g.eigenvalues) for g in groups],
        ),
        Table(
            name="fisher-angles",
            caption="Largest angle by group, in degrees.",
            columns=(*size, *(Column(group, group) for group in _GROUPS)),
            rows=[(g.width, g.layers, *g.angles) for g in groups],
        ),
    )


def _draw(layout: Layout, groups: Sequence[_Groups]) -> Drawing:
    from relufast.report import figures

    figure, (values, angles) = figures.panels(layout, [3.0, 3.0])
    widths = [g.width for g in groups]
    limit = fisher_spectrum(_DIMENSION, 2)
    styles = figures.series(len(_GROUPS))
    for k, (colour, marker) in zip(_DEGREES, styles, strict=False):
        figures.points(
            values, widths, [g.eigenvalues[k] for g in groups], colour, marker, f"degree {k}"
        )
        values.axhline(limit.eigenvalues[k], color=colour, linewidth=1)
        values.axhline(limit.leading_eigenvalues[k], color=colour, linewidth=1, linestyle=":")
    values.set_title("Mean eigenvalue")
    for i, (group, (colour, marker)) in enumerate(zip(_GROUPS, styles, strict=True)):
        figures.points(angles, widths, [g.angles[i] for g in groups], colour, marker, group)
    steepest = groups[-1].angles[2].value
    guide = [steepest * (widths[-1] / widths[0]) ** 0.5, steepest]
    angles.plot([widths[0], widths[-1]], guide, color=figures.MUTED, linestyle="--")
    angles.set_title("Largest angle, degrees")
    for axes in (values, angles):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("width m")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
