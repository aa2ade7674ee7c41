"""Breakpoints along a line in plain float64, from the definition: an oracle with no certificate.

Between neighbouring breakpoints of the layers before it a neuron's preactivation is linear along
the line, so that two forward passes tell whether it changes sign there, and where.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def breakpoint_counts(
    weights: Sequence[Array],
    biases: Sequence[Array],
    negative_slope: float,
    start: Array,
    stop: Array,
) -> list[int]:
    """By hidden layer, strictly between the two points."""
    knots = np.array([0.0, 1.0])
    counts = []
    for layer in range(1, len(weights)):
        z = _preactivations(weights[:layer], biases[:layer], negative_slope, start, stop, knots)
        left, right = z[:-1], z[1:]
        cells, neurons = np.nonzero((left > 0.0) != (right > 0.0))
        ends = left[cells, neurons], right[cells, neurons]
        shares = ends[0] / (ends[0] - ends[1])
        found = knots[cells] + shares * (knots[cells + 1] - knots[cells])
        counts.append(len(found))
        knots = np.sort(np.concatenate([knots, found]))
    return counts


def _preactivations(
    weights: Sequence[Array],
    biases: Sequence[Array],
    negative_slope: float,
    start: Array,
    stop: Array,
    knots: Array,
) -> Array:
    """Of the last of the layers, shape (n_knots, width)."""
    z = start + knots[:, np.newaxis] * (stop - start)
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        h = z if layer == 0 else np.where(z > 0.0, z, negative_slope * z)
        z = h @ W.T + b
    return z
