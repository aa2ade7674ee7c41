"""The hidden layers at many points, one after the other, on SciPy's BLAS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from relufast._products import times_transposed
from relufast._validate import FloatArray

if TYPE_CHECKING:
    from relufast.network import Network


def preactivations(network: Network, X: FloatArray) -> Iterator[FloatArray]:
    """z_1, ..., z_depth, of shapes (m, n_l), each made when it is asked for.

    Unlike `Network.preactivations`, which runs on NumPy's BLAS, it has the same bits for any number
    of threads inside `_blas.single_threaded`. Overflow gives infinities and NaN.
    """
    h = X
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            z = times_transposed(h, weights)
            z += biases
        yield z
        with np.errstate(over="ignore", invalid="ignore"):
            h = relu(z, network.negative_slope)


def relu(z: FloatArray, negative_slope: float) -> FloatArray:
    # np.maximum keeps NaN, and z <= 0 does not select it.
    if negative_slope == 0.0:
        return np.maximum(z, 0.0)
    return np.multiply(z, negative_slope, out=z.copy(), where=z <= 0.0)
