"""Capacities by layer, condition and method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from relufast.report import verdict
from relufast.report.chapter import Claim, Column, Figure, Section, Table
from relufast.report.progress import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

_DEEPEST = 100
_DEEPEST_LIFTED = 10
_SHOWN = 10
_NEARLY_ONE = 0.01
_FEW_LAYERS = 4  # that are claimed to suffice
_FROM_LOOSE_TO_TIGHT: tuple[Method, ...] = ("plain", "lifted", "second_level")


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
    figure = Figure(
        title="Capacity and expansion by layer",
        draw=lambda layout: _draw(layout, found),
        caption=(
            "Left: capacity α_l = m_l/n. Right: neurons of a layer over those of the layer "  # noqa: RUF001
            "before, from layer two on. Lifted capacities end where lifting gains nothing."
        ),
        source="relufast.injectivity_capacity(depth, condition=..., method=...)",
    )
    return Section(
        title="Capacities by layer",
        text=(
            "Each layer at its own capacity. Plain duality, partially lifted duality and its "
            "second level, which is for one layer, are three upper bounds of one number.",
        ),
        figures=(figure,),
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
        claims=_claims(by_case, figure),
    )


def _measure(condition: Condition, method: Method, depth: int) -> _Capacities:
    try:
        found = injectivity_capacity(depth, condition=condition, method=method)
    except CapacityError as error:
        return _Capacities(condition, method, error.best.alphas[:-1], ended=True)
    return _Capacities(condition, method, found.alphas, ended=False)


def _claims(
    by_case: Mapping[tuple[Condition, Method], _Capacities], figure: Figure
) -> tuple[Claim, ...]:
    one_layer = [float(by_case["weak", m].alphas[0]) for m in _FROM_LOOSE_TO_TIGHT]
    plain = [by_case[condition, "plain"] for condition in ("weak", "strong")]
    ratios = {c.condition: c.ratios[:_FEW_LAYERS] for c in plain}
    saturates = all(np.all(np.diff(np.abs(r - 1.0)) < 0.0) for r in ratios.values())
    last = {condition: float(r[-1]) for condition, r in ratios.items()}
    close = all(abs(ratio - 1.0) <= verdict.TENTH for ratio in last.values())
    ours = "our weak and strong conditions, plain duality"
    code = (
        "import relufast\n"
        f'found = relufast.injectivity_capacity({_FEW_LAYERS}, condition="strong")\n'
        f"print(found.alphas[{_FEW_LAYERS - 1}] / found.alphas[{_FEW_LAYERS - 2}])"
    )
    return (
        Claim(
            claim="Lifting the duality lowers the bounds on the capacity",
            number=one_layer[-1],
            measured=" < ".join(
                f"{a:.4f} ({m.replace('_', ' ')})"
                for a, m in reversed(list(zip(one_layer, _FROM_LOOSE_TO_TIGHT, strict=True)))
            ),
            verdict=verdict.HOLDS if np.all(np.diff(one_layer) < 0.0) else verdict.FAILS,
            limits="one layer",
            rule="It holds if each of the three bounds is below the one before.",
            figure=figure,
            code=(
                "import relufast\n"
                'print(relufast.injectivity_capacity(method="second_level").alphas[0])'
            ),
        ),
        Claim(
            claim="The expansions that layers need fall rapidly with depth",
            number=float(ratios["strong"][1]),
            measured="; ".join(
                f"{', '.join(f'{r:.3f}' for r in own)} ({condition})"
                for condition, own in reversed(ratios.items())
            ),
            verdict=verdict.LIMITED if saturates else verdict.FAILS,
            limits=f"layers 1 to {_FEW_LAYERS}; {ours}",
            rule=(
                "It holds within these limits if the distance of the expansion from 1 falls from "
                "each layer to the next under both conditions, and fails otherwise."
            ),
            figure=figure,
            code=(
                "import relufast\n"
                'found = relufast.injectivity_capacity(2, condition="strong")\n'
                "print(found.alphas[1] / found.alphas[0])"
            ),
        ),
        Claim(
            claim=f"From layer {_FEW_LAYERS} on hardly any expansion is needed",
            number=last["strong"],
            measured=(
                f"{last['strong']:.4f} is the expansion of layer {_FEW_LAYERS} by the strong "
                f"condition, {last['weak']:.4f} by the weak one"
            ),
            verdict=verdict.LIMITED if close else verdict.FAILS,
            limits=f"{ours}; margin a tenth",
            rule=(
                f"It holds within these limits if layer {_FEW_LAYERS}'s expansion is within a "
                "tenth of 1 under both conditions, and fails otherwise."
            ),
            figure=figure,
            code=code,
        ),
        Claim(
            claim="The capacities of each layer have the values of the paper's tables",
            number=None,
            measured="our values are in the table below",
            verdict=verdict.OPEN,
            limits="",
            rule="There is nothing to compare with.",
            figure=figure,
            obstacle="The paper's tables were not available to us",
        ),
    )


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
    capacities.set_title("Capacity")
    capacities.set_ylabel("capacity mₗ / n")
    capacities.set_ylim(0.0, None)
    expansions.set_title("Expansion")
    expansions.set_ylabel("expansion mₗ / mₗ₋₁")
    figure.legend(loc="outside lower center", ncols=2 if layout.narrow else 5)
    return figure
