"""Numerical ranks of hidden activations, in float64 whatever the scale of a network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.network import Network


def numerical_ranks(network: Network, points: FloatArray) -> NDArray[np.int64]:
    """Singular values above NumPy's default tolerance, by layer."""
    return np.array(
        [np.linalg.matrix_rank(h) if h.size else 0 for h in _scaled_activations(network, points)],
        dtype=np.int64,
    )


def _scaled_activations(network: Network, points: FloatArray) -> Iterator[FloatArray]:
    """Each layer's activations over a power of two, so that nothing overflows.

    No power of two changes a rounding, and none is taken out of what float64 holds anyway.
    """
    h, exponent = _scaled(points)  # h * 2**exponent
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        scaled_weights, weights_exponent = _scaled(weights)
        scaled_biases, biases_exponent = _scaled(biases)
        exponent += weights_exponent
        products = h @ scaled_weights.T
        # The larger of the two summands keeps its bits; what the other loses is far below them.
        # Zeros have no size.
        sizes = [(exponent, products.any()), (biases_exponent, biases.any())]
        common = max((size for size, is_any in sizes if is_any), default=0)
        z = _shifted(products, exponent - common)
        z += _shifted(scaled_biases, biases_exponent - common)
        h, shift = _scaled(np.where(z > 0.0, z, network.negative_slope * z))
        exponent = common + shift
        yield h


def _scaled(values: FloatArray) -> tuple[FloatArray, int]:
    """Values of size 1 at the most, and the power of two that they are to be multiplied by."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return values, 0
    _, exponent = math.frexp(largest)
    return _shifted(values, -exponent), exponent


def _shifted(values: FloatArray, exponent: int) -> FloatArray:
    return np.ldexp(values, max(-(2**20), exponent))
