"""What replacing a layer by a double layer of low rank would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relufast import _forward_pass
from relufast._validate import FloatArray
from relufast.analysis.part import SkipPart, Subject, percent
from relufast.network import Network
from relufast.report.chapter import Cell, Column, Figure, Section, Table
from relufast.singular_values import ReLUSingularValues, relu_singular_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

TITLE = "Layers of lower rank"

_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4)  # of full rank, that are tried
_FEWEST_POINTS = 20
_MOST_LAYERS = 12  # evenly spread, of deep networks
_MOST_POINTS = 200  # of a fit
_EVALUATIONS = 150  # that a fit of one rank takes, about
_RTOL = 0.02
_LEAST_DRAWN = 1e-3  # error


@dataclass(frozen=True, eq=False)
class LowRankLayer:
    """One hidden layer, in the places of which layers of lower rank were put, one at a time.

    Errors are |relu(A h + b) - relu(L h + b)|, the largest over points, h what enters the layer.
    Arrays have an entry for each of ``values.ks``.

    Attributes
    ----------
    layer : int
    values : ReLUSingularValues
        Fits at the first of the points.
    fitted, truncated : ndarray of float64
        Errors at the other points, which the fits have not seen: of the fits, and of truncated
        singular value decompositions of A.
    output_change : ndarray of float64
        The largest change of the network's output, in any component, at those points, of the
        better of the two, in units of the output's largest size.
    same_class : ndarray of float64
        The share of points whose largest output, or sign of a single output, stays.
    size : float
        The largest |relu(A h + b)| at those points.
    n_parameters : ndarray of int64
        Of the double layer's two matrices.
    n_full : int
        Entries of A.
    n_other : int
        Points that the fits have not seen.
    """

    layer: int
    values: ReLUSingularValues
    fitted: FloatArray
    truncated: FloatArray
    output_change: FloatArray
    same_class: FloatArray
    size: float
    n_parameters: NDArray[np.int64]
    n_full: int
    n_other: int

    @property
    def best(self) -> FloatArray:
        """The smaller error, in units of the largest output of the layer."""
        return np.minimum(self.fitted, self.truncated) / (self.size or 1.0)

    def suggestion(self, tolerance: float) -> int | None:
        """The index of the smallest rank tried within a tolerance, if it saves a tenth or more."""
        fits = (self.best <= tolerance) & (self.n_parameters <= 0.9 * self.n_full)
        return int(np.argmax(fits)) if fits.any() else None


@dataclass(frozen=True, eq=False)
class LowRank:
    """Of every hidden layer, or of some of a deep network, evenly spread.

    Attributes
    ----------
    layers : tuple of LowRankLayer
        Those with more than one input and neuron.
    tolerance : float
        As given.
    """

    layers: tuple[LowRankLayer, ...]
    tolerance: float

    def section(self) -> Section:
        seen = self.layers[0].values.n_points
        others = self.layers[0].n_other
        return Section(
            title=TITLE,
            text=(
                "A double layer relu(W M h + b) of rank k has k (m + n) weights in the place of "
                "m n. How near can it come? The ReLU singular value of rank k is the largest error "
                "of the best one; a linear layer's is the singular value of A. Two double layers "
                f"are tried for each rank: one fitted to what enters the layer at {seen:,} points, "
                "and the truncated singular value decomposition. Errors are those at "
                f"{others:,} other points, in units of the layer's largest output there.",
            ),
            figures=(
                Figure(
                    title="Error by rank",
                    draw=lambda layout: _draw(layout, self),
                    caption=(
                        "The largest error of a double layer in the place of each layer alone, in "
                        "units of the layer's largest output. Dotted: the tolerance, "
                        f"{percent(self.tolerance)}. Dashed upright line: the rank at which a "
                        "double layer has as many weights as the layer. A fit that is far better "
                        "at its own points than at others has too few of them. Errors below 0.001 "
                        "are drawn at 0.001."
                    ),
                    source="relufast.relu_singular_values(A, b, H, ks=ranks)",
                ),
            ),
            tables=(_suggestions(self), _table(self)),
            findings=_findings(self),
            notes=(
                "Errors at fitted points include a bound of all rounding; those at other points "
                "are computed in float64. How far fits are from the best of their rank is not "
                "known: the problem is not convex. Ranks in between those tried may do.",
            ),
        )


def measure(subject: Subject) -> LowRank:
    subject.require_finite_activations()
    network, options = subject.network, subject.options
    wanted = [
        (layer, network.weights[layer - 1])
        for layer in subject.layers
        if min(network.weights[layer - 1].shape) > 1 and network.weights[layer - 1].any()
    ]
    if network.negative_slope != 0.0:
        raise SkipPart("ReLU singular values are those of ReLU layers; this network is leaky.")
    if not wanted:
        raise SkipPart("No hidden layer has a rank above 1.")
    if len(wanted) > _MOST_LAYERS:
        chosen = np.linspace(0, len(wanted) - 1, _MOST_LAYERS).round().astype(int)
        wanted = [wanted[index] for index in chosen]
    if len(subject.points) < _FEWEST_POINTS:
        raise SkipPart(
            f"Fits are made at half of the points and tried at the others; {len(subject.points)} "
            f"are too few to tell anything, {_FEWEST_POINTS} are needed."
        )
    cost = sum(4 * w.size * _EVALUATIONS * len(_SHARES) for _, w in wanted)
    half = max(1, len(subject.points) // 2)
    number = options.affordable(min(_MOST_POINTS, half), cost, "A point of all layers' fits")
    return LowRank(tuple(_layer(subject, layer, number) for layer, _ in wanted), options.tolerance)


def _layer(subject: Subject, layer: int, number: int) -> LowRankLayer:
    network = subject.network
    A, b = network.weights[layer - 1], network.biases[layer - 1]
    entering = subject.entering[layer - 1]
    m, n = A.shape
    full = min(m, n)
    ks = sorted({max(1, round(share * full)) for share in _SHARES})
    values = relu_singular_values(
        A,
        b,
        entering[:number],
        ks=ks,
        rtol=_RTOL,
        seed=subject.options.seed,
        n_threads=subject.options.n_threads,
    )
    others = slice(number, None)
    inputs = entering[others]
    outputs = _forward_pass.relu(inputs @ A.T + b, 0.0)
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    reference = network(subject.points[others])
    fitted, truncated, changes, same = [], [], [], []
    for k, fit in zip(values.ks, values.fits, strict=True):
        candidates = (fit.W @ fit.M, (U[:, :k] * s[:k]) @ Vt[:k])
        errors = [
            float(np.linalg.norm(_forward_pass.relu(inputs @ L.T + b, 0.0) - outputs, axis=1).max())
            for L in candidates
        ]
        fitted.append(errors[0])
        truncated.append(errors[1])
        better = candidates[int(np.argmin(errors))]
        changed = _with_weights(network, layer, better)(subject.points[others])
        scale = float(np.abs(reference).max()) or 1.0
        changes.append(float(np.abs(changed - reference).max()) / scale)
        same.append(float(np.mean(_classes(changed) == _classes(reference))))
    return LowRankLayer(
        layer,
        values,
        np.array(fitted),
        np.array(truncated),
        np.array(changes),
        np.array(same),
        float(np.linalg.norm(outputs, axis=1).max()),
        np.array([k * (m + n) for k in values.ks]),
        m * n,
        len(entering) - number,
    )


def _with_weights(network: Network, layer: int, weights: FloatArray) -> Network:
    changed = [*network.weights[: layer - 1], weights, *network.weights[layer:]]
    return Network(changed, network.biases, negative_slope=network.negative_slope)


def _classes(outputs: FloatArray) -> FloatArray:
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0] > 0.0)
    return np.asarray(outputs.argmax(axis=1))


def _suggestions(found: LowRank) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for each in found.layers:
        index = each.suggestion(found.tolerance)
        if index is None:
            rows.append((each.layer, "none that saves", "", "", "", ""))
            continue
        rows.append(
            (
                each.layer,
                f"{each.values.ks[index]:,}",
                percent(float(each.n_parameters[index]) / each.n_full),
                percent(float(each.best[index])),
                percent(float(each.output_change[index])),
                percent(float(each.same_class[index])),
            )
        )
    return Table(
        name="analysis-double-layers",
        caption=(
            f"The smallest rank tried whose largest error is within {percent(found.tolerance)} and "
            "that saves a tenth of the weights or more, "
            "with what it does to the network if that layer alone is replaced."
        ),
        columns=(
            Column("layer", "layer"),
            Column("rank", "suggested rank"),
            Column("weights", "weights"),
            Column("error", "largest error of the layer"),
            Column("output_change", "largest change of the output"),
            Column("same_class", "points whose largest output stays"),
        ),
        rows=rows,
    )


def _table(found: LowRank) -> Table:
    return Table(
        name="analysis-relu-singular-values",
        caption="All ranks tried, errors in the layer's own units.",
        columns=(
            Column("layer", "layer"),
            Column("rank", "rank"),
            Column("upper", "largest error, fitted points", ".4g"),
            Column("linear", "singular value of A", ".4g"),
            Column("fitted", "largest error of the fit, other points", ".4g"),
            Column("truncated", "of the truncated A", ".4g"),
            Column("share", "smaller one, in units of the output", ".3f"),
            Column("output_change", "change of the network's output", ".3f"),
            Column("same_class", "same largest output", ".3f"),
            Column("weights", "weights, share", ".3f"),
        ),
        rows=[
            (
                each.layer,
                k,
                float(each.values.upper[i]),
                float(each.values.linear[i]),
                float(each.fitted[i]),
                float(each.truncated[i]),
                float(each.best[i]),
                float(each.output_change[i]),
                float(each.same_class[i]),
                float(each.n_parameters[i]) / each.n_full,
            )
            for each in found.layers
            for i, k in enumerate(each.values.ks)
        ],
        folded=True,
    )


def _findings(found: LowRank) -> list[str]:
    suggested = [(each, each.suggestion(found.tolerance)) for each in found.layers]
    layers = [str(each.layer) for each, index in suggested if index is not None]
    within = f"Within a largest error of {percent(found.tolerance)}"
    if not layers:
        return [f"{within} no rank that was tried saves a tenth of the weights of any layer."]
    kept = sum(
        each.n_full if index is None else int(each.n_parameters[index]) for each, index in suggested
    )
    total = sum(each.n_full for each in found.layers)
    change = max(each.output_change[index] for each, index in suggested if index is not None)
    named = "layer " + layers[0]
    if len(layers) > 1:
        named = f"layers {', '.join(layers[:-1])} and {layers[-1]}, one at a time"
    return [
        f"{within} of its own a double layer could stand for {named}, which changes the network's "
        f"output by up to {percent(float(change))} of its largest size; with all of them "
        f"{percent(kept / total)} of the weights of the layers tried would be left."
    ]


def _draw(layout: Layout, found: LowRank) -> Drawing:
    from relufast.report import figures

    shown = found.layers
    per_row = 1 if layout.narrow else min(3, len(shown))
    n_rows = -(-len(shown) // per_row)
    names = [f"layer {each.layer}" for each in shown]
    names += ["."] * (n_rows * per_row - len(names))
    rows = [names[row * per_row : (row + 1) * per_row] for row in range(n_rows)]
    figure, panels = figures.mosaic(layout, rows, [2.1] * n_rows)
    for each in shown:
        axes = panels[f"layer {each.layer}"]
        size = each.size or 1.0
        curves = {
            "fit, its own points": (each.values.upper, "none"),
            "fit, other points": (each.fitted, None),
            "truncated SVD, other points": (each.truncated, None),
        }
        for (label, (values, face)), (colour, marker) in zip(
            curves.items(), figures.series(3), strict=True
        ):
            axes.plot(
                each.values.ks,
                np.maximum(values / size, _LEAST_DRAWN),
                color=colour,
                marker=marker,
                markerfacecolor=face or colour,
                linewidth=0.8,
                label=label,
            )
        m, n = each.values.fits[0].W.shape[0], each.values.fits[0].M.shape[1]
        axes.axvline(m * n / (m + n), color=figures.MUTED, linestyle="--", linewidth=0.8)
        axes.axhline(found.tolerance, color=figures.MUTED, linestyle=":", linewidth=1.0)
        figures.logarithmic(axes, "y")
        axes.set_ylim(bottom=0.7 * _LEAST_DRAWN)
        axes.set_title(f"Layer {each.layer}, {m:,} × {n:,}")  # noqa: RUF001
        axes.set_xlabel("rank")
        axes.set_ylabel("largest error")
    figure.legend(
        *next(iter(panels.values())).get_legend_handles_labels(),
        loc="outside upper right",
        ncols=1 if layout.narrow else 3,
        fontsize=7,
    )
    return figure
