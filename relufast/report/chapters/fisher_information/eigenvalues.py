"""Eigenvalues by group, and how well the approximate eigenvectors point, against the width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import subspace_angles

from relufast._blas import single_threaded
from relufast._validate import FloatArray
from relufast.fisher import FisherInformation
from relufast.fisher_spectrum import fisher_spectrum
from relufast.monte_carlo.statistic import Rows, Statistic
from relufast.report import verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.chapters.fisher_information.layers import GROUPS, Group, random_layer
from relufast.report.estimate import Estimate, of_arrays
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSION = 10
_LAYERS_BY_WIDTH = {100: 60, 300: 60, 1000: 60, 3000: 4, 10_000: 2}
_CLAIMED_SHARE = 0.977
_ALWAYS = 3000  # widths that any report shows
_DEGREES = (0, 1, 2)
_DEGREE: dict[Group, int] = {"norm": 0, "linear": 1, "product": 2, "square": 2}


@dataclass(frozen=True)
class _Groups:
    """Of layers of one width m: means of eigenvalues by degree, and largest angles by group."""

    width: int
    layers: int
    eigenvalues: list[Estimate]
    angles: list[Estimate]  # in degrees, by group
    share: Estimate  # of the three degrees in the trace


def section(settings: Settings, progress: Progress) -> Section:
    groups = [
        _measure(settings, progress, width, settings.scaled(layers))
        for width, layers in _LAYERS_BY_WIDTH.items()
        if width <= max(10 * settings.largest_width, _ALWAYS)
    ]
    limit = fisher_spectrum(_DIMENSION, 2)
    numbers = ", ".join(f"{g.layers} of m = {g.width:,}" for g in groups)
    widest = groups[-1]
    figure = Figure(
        title="Spectrum and alignment against the width",
        draw=lambda layout: _draw(layout, groups),
        caption=(
            "Left: mean eigenvalue of each group; lines: the exact limit of infinite "
            "width; dotted: the leading term for large d in common use. Right: largest "
            "angle of each group; dashed: decline as 1/√m. Bars: one standard error."
        ),
        source=(
            "relufast.FisherInformation(W).eigh(65); scipy.linalg.subspace_angles of its "
            "eigenvectors and .basis(), as .alignment() gives them; "
            f"relufast.fisher_spectrum({_DIMENSION}, 2); layers: {numbers}"
        ),
    )
    return Section(
        title="Eigenvalues and eigenvectors at finite width",
        text=(
            f"Layers W of m rows for {_DIMENSION} inputs, their leading eigenvalues by group, and "
            "the largest principal angle between each group of approximate eigenvectors and the "
            "eigenspace that it should span.",
        ),
        figures=(figure,),
        tables=_tables(groups),
        findings=(
            f"At m = {widest.width:,} the groups' mean eigenvalues are "
            + ", ".join(str(e) for e in widest.eigenvalues)
            + "; at infinite width they are "
            + ", ".join(f"{limit.eigenvalues[k]:.5f}" for k in _DEGREES)
            + ".",
            "The largest angles between approximate and true eigenspaces are, in degrees, "
            + "; ".join(
                f"{', '.join(f'{a} ({name})' for a, name in zip(g.angles, GROUPS, strict=True))} "
                f"at m = {g.width:,}"
                for g in (groups[0], widest)
            )
            + ".",
        ),
        claims=_claims(groups, figure),
    )


def _measure(settings: Settings, progress: Progress, width: int, layers: int) -> _Groups:
    found = progress.monte_carlo(
        _Spectra(width), settings, f"Fisher spectrum, m = {width}", n_trials=layers
    )
    values, n = of_arrays(found.mean, found.standard_error), len(_DEGREES)
    return _Groups(width, layers, values[:n], values[n:-1], values[-1])


class _Spectra(Statistic):
    """Of random layers: mean eigenvalues by degree, angles by group, and the degrees' share."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.shape = (len(_DEGREES) + len(GROUPS) + 1,)
        self.block_size = 1

    def key(self) -> Mapping[str, Any]:
        return {"width": self._width, "dimension": _DIMENSION}

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        rng = np.random.default_rng(sequence)
        layers = (random_layer(rng, self._width, _DIMENSION) for _ in range(n_trials))
        with single_threaded():
            return Rows(np.array([_spectrum_and_angles(W) for W in layers]))


def _spectrum_and_angles(W: FloatArray) -> FloatArray:
    d = _DIMENSION
    fisher = FisherInformation(W)
    pairs = fisher.eigh(d * (d + 3) // 2, n_threads=1)
    # FisherInformation.alignment would compute the same eigenvectors again.
    basis, degrees = fisher.basis(), np.split(np.arange(len(pairs.eigenvalues)), [1, d + 1])
    angles = [
        subspace_angles(basis.group(group), pairs.eigenvectors[:, degrees[_DEGREE[group]]])[0]
        for group in GROUPS
    ]
    means = (pairs.eigenvalues[i].mean() for i in degrees)
    share = pairs.eigenvalues.sum() / fisher.trace
    return np.array([*means, *np.degrees(angles), share])


def _claims(groups: Sequence[_Groups], figure: Figure) -> tuple[Claim, ...]:
    narrow = groups[0]
    # The widest of which there are enough layers for an answer.
    wide = next((g for g in reversed(groups) if g.layers >= verdict.FEWEST_TRIALS), groups[-1])
    share = verdict.near(wide.share, _CLAIMED_SHARE, n_trials=wide.layers)
    quarter = verdict.near(wide.eigenvalues[1], 0.25, n_trials=wide.layers)
    falls = [
        Estimate(
            before.value - after.value, math.hypot(before.standard_error, after.standard_error)
        )
        for before, after in zip(narrow.angles, wide.angles, strict=True)
    ]
    aligned = verdict.all_positive(
        falls,
        f"what the angles of all {len(GROUPS)} groups fall by between these widths",
        n_trials=min(narrow.layers, wide.layers),
    )
    of_wide = f"{wide.layers} layers of m = {wide.width:,}, {_DIMENSION} inputs"
    least = min(range(len(GROUPS)), key=lambda i: falls[i].deviation(0.0))
    return (
        Claim(
            claim="At finite width, too, the three groups hold nearly all of the trace",
            number=wide.share,
            measured=(
                f"{wide.share.per_cent} in the {_DIMENSION * (_DIMENSION + 3) // 2} leading "
                f"eigenvalues; claimed {100 * _CLAIMED_SHARE:.1f} %"
            ),
            verdict=share.verdict,
            limits=f"{of_wide}; margin a tenth",
            rule=share.rule,
            figure=figure,
        ),
        Claim(
            claim="The second group's eigenvalues tend to 1/4 for any number of inputs",
            number=wide.eigenvalues[1],
            measured=f"{wide.eigenvalues[1]} is their mean",
            verdict=quarter.verdict,
            limits=f"{of_wide}; margin a tenth",
            rule=quarter.rule,
            figure=figure,
        ),
        Claim(
            claim="Simple vectors, of W's norms, columns and their products, become eigenvectors",
            number=falls[least],
            measured=(
                f"{falls[least]} degrees is what the largest angle of the group “{GROUPS[least]}” "
                f"falls by, the least significant of the four, from {narrow.angles[least]} at "
                f"m = {narrow.width:,} to {wide.angles[least]} at m = {wide.width:,}"
            ),
            verdict=verdict.limited(aligned.verdict),
            limits=f"m from {narrow.width:,} to {wide.width:,}, {_DIMENSION} inputs",
            rule=aligned.rule,
            figure=figure,
        ),
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
            columns=(*size, *(Column(group, group) for group in GROUPS)),
            rows=[(g.width, g.layers, *g.angles) for g in groups],
        ),
    )


def _draw(layout: Layout, groups: Sequence[_Groups]) -> Drawing:
    from relufast.report import figures

    figure, (values, angles) = figures.panels(layout, [3.0, 3.0])
    widths = [g.width for g in groups]
    limit = fisher_spectrum(_DIMENSION, 2)
    styles = figures.series(len(GROUPS))
    for k, (colour, marker) in zip(_DEGREES, styles, strict=False):
        figures.points(
            values, widths, [g.eigenvalues[k] for g in groups], colour, marker, f"degree {k}"
        )
        values.axhline(limit.eigenvalues[k], color=colour, linewidth=1)
        values.axhline(limit.leading_eigenvalues[k], color=colour, linewidth=1, linestyle=":")
    values.set_title("Spectrum")
    values.set_ylabel("mean eigenvalue")
    for i, (group, (colour, marker)) in enumerate(zip(GROUPS, styles, strict=True)):
        figures.points(angles, widths, [g.angles[i] for g in groups], colour, marker, group)
    steepest = groups[-1].angles[2].value
    guide = [steepest * (widths[-1] / widths[0]) ** 0.5, steepest]
    angles.plot([widths[0], widths[-1]], guide, color=figures.MUTED, linestyle="--")
    angles.set_title("Alignment")
    angles.set_ylabel("largest angle, degrees")
    for axes in (values, angles):
        figures.logarithmic(axes, "xy")
        axes.set_xlabel("width m")
    values.legend(loc="center right", bbox_to_anchor=(1.0, 0.35))  # between two lines
    angles.legend(loc="lower left", ncols=2)
    return figure
