"""Capacities by layer, condition and method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relufast._validate import FloatArray
from relufast.injectivity_capacity import (
    CapacityError,
    Condition,
    Method,
    injectivity_capacity,
)
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.progress import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DEEPEST = 100
_DEEPEST_LIFTED = 10
_SHOWN = 10
_NEARLY_ONE = 0.01


@dataclass(frozen=True)
class _Capacities:
    condition: Condition
    method: Method
    alphas: FloatArray  # by layer, each at its own capacity
    ended: bool  # no capacity by this method in the layer after

    @property
    def name(self) -> str:
        return f"{self.condition}, {self.method.replace('_', ' ')}"

    @property
    def ratios(self) -> FloatArray:
        """m_l / m_(l-1) by layer: what each expands by, with the inputs for layer 0."""
        before: FloatArray = np.concatenate([np.ones(1), self.alphas[:-1]])
        return self.alphas / before

    @property
    def saturates(self) -> int | None:
        """The first layer whose number of neurons is nearly that of the one before."""
        settled = np.abs(self.ratios - 1.0) < _NEARLY_ONE
        return int(settled.argmax()) + 1 if settled.any() else None


_CASES: tuple[tuple[Condition, Method, int], ...] = (
    ("weak", "plain", _DEEPEST),
    ("weak", "lifted", _DEEPEST_LIFTED),
    ("strong", "plain", _DEEPEST),
    ("strong", "lifted", _DEEPEST_LIFTED),
    ("weak", "second_level", 1),
)


def section(progress: Progress) -> Section:
    found = progress.map(lambda case: _measure(*case), _CASES, "capacities by layer")
    by_case = {(c.condition, c.method): c for c in found}
    return Section(
        title="Capacities by layer",
        text=(
            "Each layer at its own capacity. Plain duality, partially lifted duality and its "
            "second level, which is for one layer, are three upper bounds of one number.",
        ),
        figures=(
            Figure(
                title="Capacity and expansion by layer",
                draw=lambda layout: _draw(layout, found),
                caption=(
                    "Left: capacity α_l = m_l/n. Right: neurons of a layer over those of the layer "  # noqa: RUF001
                    "before, from layer two on. Lifted capacities end where lifting gains nothing."
                ),
                source="relufast.injectivity_capacity(depth, condition=..., method=...)",
            ),
        ),
        tables=(_table(found),),
        findings=(
            "One layer needs an expansion of "
            + ", ".join(
                f"{float(by_case['weak', m].alphas[0]):.4f} ({m.replace('_', ' ')})"
                for m in ("plain", "lifted", "second_level")
            )
            + ": upper bounds of the capacity.",
            *(_by_depth(by_case[condition, "plain"]) for condition in ("weak", "strong")),
            *(_by_depth(by_case[condition, "lifted"]) for condition in ("weak", "strong")),
        ),
    )


def _measure(condition: Condition, method: Method, depth: int) -> _Capacities:
    try:
        found = injectivity_capacity(depth, condition=condition, method=method)
    except CapacityError as error:
        return _Capacities(condition, method, error.best.alphas[:-1], ended=True)
    return _Capacities(condition, method, found.alphas, ended=False)


def _by_depth(found: _Capacities) -> str:
    last = len(found.alphas)
    peak = int(found.alphas.argmax()) + 1
    sentence = (
        f"{found.name.capitalize()}: the largest capacity is {found.alphas[peak - 1]:.4f}, of "
        f"layer {peak}; layer {last} has {found.alphas[-1]:.4f}"
    )
    if found.saturates is not None:
        sentence += (
            f", and layer {found.saturates} is the first whose number of neurons is within "
            f"{100 * _NEARLY_ONE:.0f} % of that of the layer before"
        )
    if found.ended:
        sentence += f"; in layer {last + 1} lifting gains nothing"
    return sentence + "."


def _table(found: Sequence[_Capacities]) -> Table:
    return Table(
        name="injectivity-capacities",
        caption=f"Capacities of layers 1 to {_SHOWN}.",
        columns=(
            Column("layer", "layer"),
            *(Column(c.name.replace(", ", "_").replace(" ", "_"), c.name) for c in found),
        ),
        rows=[
            (
                layer,
                *(
                    f"{c.alphas[layer - 1]:.6f}" if layer <= len(c.alphas) else "–"  # noqa: RUF001
                    for c in found
                ),
            )
            for layer in range(1, _SHOWN + 1)
        ],
    )


def _draw(layout: Layout, found: Sequence[_Capacities]) -> Drawing:
    from relufast.report import figures

    figure, (capacities, expansions) = figures.panels(layout, [3.0, 3.0])
    for c, (colour, marker) in zip(found, figures.series(len(found)), strict=True):
        layers = np.arange(1, len(c.alphas) + 1)
        few = len(layers) <= _DEEPEST_LIFTED  # where a line alone could not be seen
        shown = marker if few else ""
        capacities.plot(layers, c.alphas, label=c.name, color=colour, marker=shown)
        expansions.plot(layers[1:], c.ratios[1:], color=colour, marker=shown)
    for axes in (capacities, expansions):
        figures.logarithmic(axes, "x")
        axes.set_xlabel("layer")
    capacities.set_title("Capacity mₗ / n")
    capacities.set_ylim(0.0, None)
    expansions.set_title("Expansion mₗ / mₗ₋₁")
    figure.legend(loc="outside lower center", ncols=2 if layout.narrow else 5)
    return figure
