"""Learning curves by group of eigenvectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast.learning_curve import LearningCurve, learning_curve
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DIMENSION = 10
_WIDTH = 1000
_ETA = 0.5
_SHOWN = (0, 1, 10, 100, 1000, 10_000)
_STEPS = np.union1d(_SHOWN, np.geomspace(1, 10_000, 60).astype(int))


def section(settings: Settings) -> Section:
    rng = settings.generator("learning curve")
    W = rng.standard_normal((_WIDTH, _DIMENSION)) / np.sqrt(_WIDTH)
    curve = learning_curve(W, rng.standard_normal(_WIDTH), _STEPS, _ETA)
    rows = [int(np.flatnonzero(curve.steps == step)[0]) for step in _SHOWN]
    half = {
        group: int(curve.steps[np.argmax(losses <= 0.5 * losses[0])])
        for group, losses in zip(curve.groups, curve.loss.T, strict=True)
        if (losses <= 0.5 * losses[0]).any()
    }
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
                rows=[
                    (int(curve.steps[i]), *(float(loss) for loss in curve.loss[i])) for i in rows
                ],
                folded=True,
            ),
        ),
        findings=(
            "Half of a group's loss is gone at step "
            + ", ".join(f"{step:,} ({group})" for group, step in half.items())
            + ".",
        ),
    )


def _draw(layout: Layout, curve: LearningCurve) -> Drawing:
    from relufast.report import figures

    figure, (axes,) = figures.panels(layout, [3.0])
    styles = figures.series(len(curve.groups))
    for i, (group, (colour, _)) in enumerate(zip(curve.groups, styles, strict=True)):
        axes.plot(1 + curve.steps, curve.loss[:, i], color=colour, label=group)
        axes.plot(1 + curve.steps, curve.theory[:, i], color=colour, linestyle="--", linewidth=0.9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    start = curve.total[0]
    axes.set_ylim(1e-6 * start, 3.0 * start)
    axes.set_xlabel("1 + steps")
    axes.set_ylabel("population loss")
    figure.legend(loc="outside lower center", ncols=len(curve.groups))
    return figure
