"""Learning curves by group of eigenvectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.learning_curve import LearningCurve, learning_curve
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.chapters.fisher_information.layers import random_layer
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSION = 10
_WIDTH = 1000
_ETA = 0.5
_SHOWN = (0, 1, 10, 100, 1000, 10_000)
_LAST_STEP = _SHOWN[-1]
_DRAWN = np.union1d(0, np.geomspace(1, _LAST_STEP, 60).astype(int))


def section(settings: Settings) -> Section:
    rng = settings.generator("learning curve")
    W = random_layer(rng, _WIDTH, _DIMENSION)
    curve = learning_curve(W, rng.standard_normal(_WIDTH), _LAST_STEP, _ETA)
    half = (
        _half_life(losses, group) for group, losses in zip(curve.groups, curve.loss.T, strict=True)
    )
    return Section(
        title="How fast gradient descent learns",
        text=(
            f"A layer of {_WIDTH:,} neurons for {_DIMENSION} inputs learns random output weights "
            "by gradient descent on the population loss. Along an eigenvector the error shrinks by "
            "1 − η λ a step, so that each group of eigenvectors is learned at its own pace.",  # noqa: RUF001
        ),
        figures=(
            Figure(
                title="Loss by group of eigenvectors",
                draw=lambda layout: _draw(layout, curve),
                caption=(
                    f"Population loss by group against the number of steps, step size {_ETA}. "
                    "Lines: the network; dashed: the rates of infinite width."
                ),
                source=f"relufast.learning_curve(W, target, steps, {_ETA})",
            ),
        ),
        tables=(
            Table(
                name="fisher-learning",
                caption="Population loss by group.",
                columns=(
                    Column("step", "step", ","),
                    *(Column(group, group, ".3g") for group in curve.groups),
                ),
                rows=[(step, *curve.loss[step].tolist()) for step in _SHOWN],
                folded=True,
            ),
        ),
        findings=(f"The first step at which half of a group's loss is gone: {', '.join(half)}.",),
    )


def _half_life(losses: FloatArray, group: str) -> str:
    """The number of the first step, of losses at all steps from 0 on."""
    gone = np.flatnonzero(losses <= 0.5 * losses[0])
    return f"{gone[0]:,} ({group})" if len(gone) else f"none up to {_LAST_STEP:,} ({group})"


def _draw(layout: Layout, curve: LearningCurve) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [3.0])
    styles = figures.series(len(curve.groups))
    for i, (group, (colour, _)) in enumerate(zip(curve.groups, styles, strict=True)):
        axes.plot(1 + _DRAWN, curve.loss[_DRAWN, i], color=colour, label=group)
        axes.plot(1 + _DRAWN, curve.theory[_DRAWN, i], color=colour, linestyle="--", linewidth=0.9)
    figures.logarithmic(axes, "xy")
    start = curve.total[0]
    axes.set_ylim(1e-6 * start, 3.0 * start)
    axes.set_xlabel("1 + steps")
    axes.set_ylabel("population loss")
    figure.legend(loc="outside lower center", ncols=len(curve.groups))
    return figure
