"""Where on the line the breakpoints lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.breakpoints import breakpoints
from relufast.gaussian_process import GaussianProcess
from relufast.network import Network
from relufast.report.certification import Certification
from relufast.report.chapter import Column, Figure, Section, Table
from relufast.report.estimate import Estimate, means
from relufast.report.progress import Progress
from relufast.report.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from relufast.report.figures import Layout

Counts = NDArray[np.int64]

_WIDTH = 200
_DEPTH = 8
_LAYERS = (1, 3, 8)  # shown
_NETWORKS = 240
_BIAS_VARIANCE = 0.25
_BINS = np.linspace(-2.5, 2.5, 41)
_QUANTILES = np.linspace(0.025, 0.975, 39)
_RESAMPLES = 2000


@dataclass(frozen=True)
class _Layer:
    """Breakpoints of one layer per neuron, by network: in each bin, and up to each quantile."""

    number: int
    in_bins: FloatArray  # (networks, bins)
    below: FloatArray  # (networks, quantiles)

    @property
    def densities(self) -> list[Estimate]:
        return means(self.in_bins / np.diff(_BINS))

    @property
    def excess(self) -> list[Estimate]:
        """The measured distribution function less the law's, at the law's quantiles."""
        return means(self.below - _QUANTILES)

    @property
    def distance(self) -> float:
        """Kolmogorov and Smirnov's, on the quantiles."""
        return max(abs(e.value) for e in self.excess)

    def usual_distance(self, rng: np.random.Generator) -> float:
        """What 95 % of distances would be below if the law held exactly.

        Breakpoints of one network depend on each other, so that whole networks are resampled, by
        normal multipliers.
        """
        centred = self.below - self.below.mean(axis=0)
        multipliers = rng.standard_normal((_RESAMPLES, len(centred))) / len(centred)
        return float(np.quantile(np.abs(multipliers @ centred).max(axis=1), 0.95))


def section(settings: Settings, progress: Progress) -> Section:
    certification = Certification()
    process = GaussianProcess(_DEPTH, bias_variance=_BIAS_VARIANCE)
    layers = _measure(settings, progress, certification, process)
    rng = settings.generator("distances of positions")
    usual = [layer.usual_distance(rng) for layer in layers]
    networks = len(layers[0].below)
    return Section(
        title="Where on the line",
        text=(
            "At infinite width the breakpoints of a layer follow a Cauchy law, whose scale grows "
            "with the layer: the biases of each layer push the breakpoints of the next outwards. "
            "The law comes from one observation: a ReLU layer keeps the speed at which the "
            "network's Gaussian process turns, and a bias slows it down. The user guide derives "
            "it.",
        ),
        figures=(
            Figure(
                title="Positions of breakpoints under the Cauchy law",
                draw=lambda layout: _draw(layout, layers, process),
                caption=(
                    "Left: breakpoints per neuron and unit of x. Points: measured, with bars of "
                    "one standard error over networks; lines: the Cauchy density of the layer. "
                    "Right: measured minus expected share of breakpoints to the left of x, in "
                    "units of neurons, at the law's quantiles; what is left there is the finite "
                    f"width. {str(certification).capitalize()}."
                ),
                source=(
                    f"relufast.GaussianProcess({_DEPTH}, bias_variance={_BIAS_VARIANCE})"
                    ".zero_density(x); relufast.breakpoints(relufast.Network.random((1, "
                    f"*[{_WIDTH}] * {_DEPTH}, 1), bias_variance={_BIAS_VARIANCE}, seed=...)), "
                    f"{networks:,} networks"
                ),
            ),
        ),
        tables=(_table(layers, usual, process),),
        findings=_findings(layers, usual),
    )


def _measure(
    settings: Settings,
    progress: Progress,
    certification: Certification,
    process: GaussianProcess,
) -> list[_Layer]:
    label = "positions on the line"
    quantiles = [process.breakpoint_law(layer).ppf(_QUANTILES) for layer in range(1, _DEPTH + 1)]
    widths = (1, *[_WIDTH] * _DEPTH, 1)

    def measure(seed: int) -> tuple[Certification, list[Counts], list[Counts]]:
        # Not the breakpoints themselves, which keep their networks: gigabytes of a full report.
        network = Network.random(widths, bias_variance=_BIAS_VARIANCE, seed=seed)
        found = breakpoints(network, n_threads=1)
        by_layer = [found.positions[found.layers == layer + 1] for layer in range(_DEPTH)]
        return (
            Certification([found]),
            [np.histogram(x, _BINS)[0] for x in by_layer],
            [np.searchsorted(x, ends) for x, ends in zip(by_layer, quantiles, strict=True)],
        )

    seeds = settings.network_seeds(label, settings.scaled(_NETWORKS))
    measured = progress.map(measure, seeds, label)
    for own, _, _ in measured:
        certification.merge(own)
    in_bins, below = [m[1] for m in measured], [m[2] for m in measured]
    bins, shares = np.array(in_bins) / _WIDTH, np.array(below) / _WIDTH
    return [_Layer(i + 1, bins[:, i], shares[:, i]) for i in range(_DEPTH)]


def _table(layers: Sequence[_Layer], usual: Sequence[float], process: GaussianProcess) -> Table:
    return Table(
        name="one-dimensional-positions",
        caption=(
            "Distance between the measured distribution of positions and the Cauchy law, and what "
            "95 % of distances would be below by chance."
        ),
        columns=(
            Column("layer", "layer"),
            Column("scale", "scale of the law", ".4f"),
            Column("distance", "distance", ".4f"),
            Column("usual_distance", "by chance", ".4f"),
        ),
        rows=[
            (layer.number, float(process.scales[i]), layer.distance, usual[i])
            for i, layer in enumerate(layers)
        ],
        folded=True,
    )


def _findings(layers: Sequence[_Layer], usual: Sequence[float]) -> tuple[str, ...]:
    within = [str(s.number) for s, limit in zip(layers, usual, strict=True) if s.distance <= limit]
    largest = max(layers, key=lambda layer: layer.distance)
    which = f"in layers {', '.join(within)}" if within else "in no layer"
    return (
        "The share of breakpoints to the left of any x differs from the Cauchy law by at most "
        f"{layers[0].distance:.4f} in layer 1 and {largest.distance:.4f} in layer "
        f"{largest.number}, at width {_WIDTH}.",
        f"Of {len(layers)} layers the distance is within what chance gives {which}; beyond that "
        f"it is the correction of a finite width, of the order of {_DEPTH}/{_WIDTH} = "
        f"{_DEPTH / _WIDTH:g} in layer {_DEPTH}.",
    )


def _draw(layout: Layout, layers: Sequence[_Layer], process: GaussianProcess) -> Drawing:
    from relufast.report import figures

    figure, (density, excess) = figures.panels(layout, [2.9, 2.9])
    centres = 0.5 * (_BINS[1:] + _BINS[:-1])
    fine = np.linspace(_BINS[0], _BINS[-1], 400)
    lines = process.zero_density(fine)
    shown = [layers[number - 1] for number in _LAYERS]
    for layer, (colour, marker) in zip(shown, figures.series(len(shown)), strict=True):
        density.plot(fine, lines[layer.number - 1], color=colour, linewidth=1)
        label = f"layer {layer.number}"
        figures.points(density, centres.tolist(), layer.densities, colour, marker, label)
        x = np.arctan(process.breakpoint_law(layer.number).ppf(_QUANTILES)) / math.pi
        figures.points(excess, x.tolist(), layer.excess, colour, marker)
    density.set_ylim(bottom=0.0)
    density.set_title("Density")
    density.set_xlabel("x")
    density.set_ylabel("breakpoints per neuron and unit of x")
    density.legend(loc="upper right")
    excess.axhline(0.0, color=figures.INK, linewidth=1)
    ticks = [-5.0, -1.0, -0.3, 0.0, 0.3, 1.0, 5.0]
    excess.set_xticks([math.atan(t) / math.pi for t in ticks], [figures.plain(t) for t in ticks])
    excess.set_title("Measured minus law")
    excess.set_xlabel("x (arctangent scale)")
    excess.set_ylabel("share of breakpoints left of x")
    return figure
