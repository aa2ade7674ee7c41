"""Breakpoints by brute force in extended precision: the reference where fractions are too slow.

Layer by layer, every layer is evaluated from the input on at every knot found so far, in NumPy's
longdouble (64 bits of mantissa on x86-64), and a sign change between two knots is a new knot. No
bounds, no tiles, no interpolation of values: nothing in common with the kernel but the definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Extended = NDArray[np.longdouble]


class Brute(NamedTuple):
    positions: Extended
    layers: NDArray[np.int64]
    neurons: NDArray[np.int64]


def brute_force_breakpoints(
    weights: Sequence[NDArray[np.float64]],
    biases: Sequence[NDArray[np.float64]],
    negative_slope: float,
    lo: float,
    hi: float,
) -> Brute:
    """All breakpoints of a network with one input in a finite interval, sorted by position."""
    w = [np.asarray(matrix, np.longdouble) for matrix in weights]
    b = [np.asarray(vector, np.longdouble) for vector in biases]
    slope = np.longdouble(negative_slope)

    def preactivations(x: Extended, layer: int) -> Extended:
        z = np.outer(x, w[0][:, 0]) + b[0]
        for matrix, vector in zip(w[1:layer], b[1:layer], strict=True):
            z = np.where(z > 0, z, slope * z) @ matrix.T + vector
        return z

    knots = np.array([lo, hi], np.longdouble)
    found: list[tuple[Extended, int, NDArray[np.int64]]] = []
    for layer in range(1, len(w)):
        z = preactivations(knots, layer)
        left, right = z[:-1], z[1:]
        segment, neuron = np.nonzero((left > 0) != (right > 0))
        at_left, at_right = left[segment, neuron], right[segment, neuron]
        width = knots[segment + 1] - knots[segment]
        x = knots[segment] + at_left / (at_left - at_right) * width
        for _ in range(2):  # the ends may be far away, and large
            rest = preactivations(x, layer)[np.arange(len(x)), neuron]
            x = x - rest * width / (at_right - at_left)
        found.append((x, layer, neuron))
        knots = np.sort(np.concatenate([knots, x]))
    positions = np.concatenate([x for x, _, _ in found])
    layers = np.concatenate([np.full(len(x), layer) for x, layer, _ in found])
    neurons = np.concatenate([neuron for _, _, neuron in found])
    order = np.argsort(positions)
    return Brute(positions[order], layers[order], neurons[order])
