"""What relufast is measured against, and what checks its answers."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast import Network

Float32Layers = list[tuple[NDArray[np.float32], NDArray[np.float32]]]

_BLOCK = 512  # points that go through a network together


def load_regioncam() -> Any | None:
    """The module, or None where it is not installed."""
    if importlib.util.find_spec("regioncam") is None:
        return None
    return importlib.import_module("regioncam")


def float32_layers(network: Network) -> Float32Layers:
    """The parameters as regioncam takes them: float32, weights as (inputs, outputs)."""
    return [
        (np.ascontiguousarray(weights.T, dtype=np.float32), biases.astype(np.float32))
        for weights, biases in zip(network.weights, network.biases, strict=True)
    ]


def regioncam_partition(regioncam: Any, layers: Float32Layers, radius: float) -> Any:
    """The regions of [-radius, radius], the output of every layer at their ends included."""
    return _through_layers(regioncam.Regioncam1D(radius), layers)


def regioncam_segment(
    regioncam: Any, layers: Float32Layers, start: NDArray[np.float64], stop: NDArray[np.float64]
) -> Any:
    """The same of the segment between two points."""
    ends = np.stack([start, stop]).astype(np.float32)
    return _through_layers(regioncam.Regioncam1D.through_points(ends, size=2.0), layers)


def _through_layers(partition: Any, layers: Float32Layers) -> Any:
    for weights, biases in layers[:-1]:
        partition.linear(weights, biases)
        partition.relu()
    partition.linear(*layers[-1])
    return partition


def regioncam_count(partition: Any) -> int:
    """Vertices inside the interval: its two ends are vertices as well."""
    return int(partition.num_vertices) - 2


def naive_positions(network: Network, radius: float) -> NDArray[np.float64]:
    """Breakpoints by plain NumPy: layer by layer, all points through all layers below."""
    points = np.array([-radius, radius])
    for layer in range(network.depth):
        h = points[:, np.newaxis]
        for weights, biases in zip(network.weights[:layer], network.biases[:layer], strict=True):
            h = np.maximum(h @ weights.T + biases, 0.0)
        z = h @ network.weights[layer].T + network.biases[layer]
        active = z > 0.0
        segment, neuron = np.nonzero(active[1:] != active[:-1])
        left, right = z[segment, neuron], z[segment + 1, neuron]
        width = points[segment + 1] - points[segment]
        points = np.sort(np.append(points, points[segment] + left / (left - right) * width))
    return points[1:-1]


def recount(
    network: Network,
    positions: NDArray[np.float64],
    interval: tuple[float, float] = (0.0, 1.0),
    start: NDArray[np.float64] | None = None,
    stop: NDArray[np.float64] | None = None,
) -> int:
    """Changes of activity between the middles of neighbouring regions, by forward passes."""
    lo, hi = interval
    edges = np.concatenate([[lo], positions, [hi]])
    middles = (edges[:-1] + 0.5 * np.diff(edges))[:, np.newaxis]
    if start is not None and stop is not None:
        middles = start + middles * (stop - start)
    changes = 0
    last = [z[0] > 0.0 for z in network.preactivations(middles[:1])]
    for begin in range(0, len(middles), _BLOCK):
        layers = network.preactivations(middles[begin : begin + _BLOCK])
        active = [z > 0.0 for z in layers]
        for before, here in zip(last, active, strict=True):
            changes += int(np.count_nonzero(here[0] != before))
            changes += int(np.count_nonzero(here[1:] != here[:-1]))
        last = [here[-1] for here in active]
    return changes


class ProductsOfNaiveMethod:
    """The matrix products that carry every breakpoint through every layer, and nothing else.

    Only one block of points is multiplied; `repeats` of it are as many as there are breakpoints.
    """

    def __init__(self, network: Network, count: int) -> None:
        block = min(count, _BLOCK)
        self.repeats = count / block
        self._operands = [
            (np.ones((block, weights.shape[1])), weights.T, np.empty((block, len(weights))))
            for weights in network.weights[1:-1]
        ]

    def __call__(self) -> None:
        for points, weights, products in self._operands:
            np.matmul(points, weights, out=products)
