"""The second layer's need against the first layer's width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relufast.injectivity_capacity import (
    CapacityCurve,
    Condition,
    Method,
    capacity_curve,
    injectivity_capacity,
)
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.progress import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_WIDEST = 1e4
_POINTS = 13
_CASES: tuple[tuple[Condition, Method], ...] = (
    ("weak", "plain"),
    ("weak", "lifted"),
    ("strong", "plain"),
    ("strong", "lifted"),
)


def section(progress: Progress) -> Section:
    curves = progress.map(lambda case: _curve(*case), _CASES, "second layer by the first")
    return Section(
        title="A wider first layer",
        text=(
            "The second layer's capacity α_2 if the first has more neurons than it needs.",  # noqa: RUF001
        ),
        figures=(
            Figure(
                title="The second layer's need against the first's",
                draw=lambda layout: _draw(layout, curves),
                caption=(
                    "Capacity of layer two against the expansion of layer one, from layer one's "
                    "own capacity on; dashed: what a layer needs that sees the inputs themselves."
                ),
                source="relufast.capacity_curve(alpha_1, condition=..., method=...)",
            ),
        ),
        tables=(
            Table(
                name="injectivity-second-layer",
                caption="Capacity of layer two by the expansion of layer one.",
                columns=(
                    Column("condition", "condition"),
                    Column("method", "method"),
                    Column("alpha_1", "layer one", ",.4f"),
                    Column("alpha_2", "layer two", ".6f"),
                    Column("limit", "limit", ".6f"),
                ),
                rows=[
                    (c.condition, c.method, float(first), float(second), c.limit)
                    for c in curves
                    for first, second in zip(c.alpha_1, c.alpha_2, strict=True)
                ],
                folded=True,
            ),
        ),
        findings=tuple(_finding(curve) for curve in curves),
    )


def _curve(condition: Condition, method: Method) -> CapacityCurve:
    own = float(injectivity_capacity(condition=condition, method=method).alphas[0])
    return capacity_curve(np.geomspace(own, _WIDEST, _POINTS), condition=condition, method=method)


def _finding(curve: CapacityCurve) -> str:
    steps = np.diff(curve.alpha_2)
    course = "grows" if (steps > 0).all() else "falls" if (steps < 0).all() else "goes"
    return (
        f"{curve.condition.capitalize()}, {curve.method}: as layer one goes from "
        f"{curve.alpha_1[0]:.4f} to {curve.alpha_1[-1]:,.0f}, layer two's capacity {course} from "
        f"{curve.alpha_2[0]:.4f} to {curve.alpha_2[-1]:.4f}; the limit is {curve.limit:.4f}."
    )


def _draw(layout: Layout, curves: list[CapacityCurve]) -> Drawing:
    from relufast.report import figures

    figure, panels = figures.panels(layout, [2.8, 2.8])
    for axes, condition in zip(panels, ("weak", "strong"), strict=True):
        own = [c for c in curves if c.condition == condition]
        for c, (colour, _) in zip(own, figures.series(len(own)), strict=True):
            axes.plot(c.alpha_1, c.alpha_2, color=colour, label=c.method)
            axes.axhline(c.limit, color=colour, linestyle="--", linewidth=0.8)
        figures.logarithmic(axes, "x")
        axes.set_title(f"{condition.capitalize()} condition")
        axes.set_xlabel("expansion of layer one")
        axes.set_ylabel("capacity of layer two")
    panels[0].legend(loc="center right")
    return figure
