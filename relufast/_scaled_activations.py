"""Hidden activations in float64 whatever the scale of a network, on SciPy's BLAS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from relufast._forward_pass import relu
from relufast._products import times_transposed
from relufast._scaling import scaled
from relufast._validate import FloatArray

if TYPE_CHECKING:
    from relufast.network import Network


def scaled_activations(network: Network, points: FloatArray) -> Iterator[FloatArray]:
    """Each layer's activations over a power of two, so that nothing overflows.

    No power of two changes a rounding, and none is taken out of what float64 holds anyway.
    """
    h, exponent = scaled(points)  # h * 2**exponent
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        scaled_weights, weights_exponent = scaled(weights)
        scaled_biases, biases_exponent = scaled(biases)
        exponent += weights_exponent
        products = times_transposed(h, scaled_weights)
        # The larger of the two summands keeps its bits; what the other loses is far below them.
        # Zeros have no size.
        sizes = [(exponent, products.any()), (biases_exponent, biases.any())]
        common = max((size for size, is_any in sizes if is_any), default=0)
        z = _shifted(products, exponent - common)
        z += _shifted(scaled_biases, biases_exponent - common)
        h, shift = scaled(relu(z, network.negative_slope))
        exponent = common + shift
        yield h


def _shifted(values: FloatArray, exponent: int) -> FloatArray:
    # Of negative exponents, which must fit into 32 bits.
    return np.ldexp(values, max(-(2**20), exponent))
