"""Rigorous bounds on the rounding of preactivations, from norms alone.

In exact arithmetic the preactivations of a layer are W h + b. What is computed instead differs by
at most gamma (|h| |W|^T + |b|), whatever the order of summation (Higham, Accuracy and Stability of
Numerical Algorithms, section 3.1), and by what the error of h, of 2-norm e at a point, becomes: at
most |w_j| e in entry j and ||W|| e in all. Spectral norms grow more slowly with depth than
products of absolute values do. Every bound is multiplied by a number larger than its own rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relufast._forward_pass import preactivations, relu
from relufast._validate import FloatArray

if TYPE_CHECKING:
    from relufast.network import Network

_ROUNDOFF = 2.0**-53
_SMALLEST = 2.0**-1074
# For sums of up to 2^30 positive terms.
_INFLATE = 1.0 + 2.0**-20
_MOST_PRODUCTS = 4


class LayerBounds:
    """What one layer does to errors."""

    def __init__(self, weights: FloatArray, biases: FloatArray, n_points: int) -> None:
        n_out, n_in = weights.shape
        self._gamma = _gamma(n_in + 2)
        # The products of a sum can each lose this much where they are subnormal.
        self._underflow = (n_in + 4) * _SMALLEST
        self._row_norms = row_norms(weights)
        self._frobenius = _norm(self._row_norms)
        self._bias_sizes = np.abs(biases)
        self._bias_norm = _norm(self._bias_sizes)
        # A tighter norm may cost as much as four forward passes.
        n_products = min(_MOST_PRODUCTS, 8 * n_points // min(n_in, n_out))
        self._spectral = min(self._frobenius, spectral_norm_bound(weights, n_products))

    def entrywise(self, h_norms: FloatArray, h_errors: FloatArray) -> FloatArray:
        """Bounds on the errors of the preactivations, of shape (m, n_out)."""
        bounds = np.outer(h_errors + self._gamma * h_norms, self._row_norms)
        bounds += self._gamma * self._bias_sizes
        bounds += np.outer(self._lost(h_norms, h_errors), self._row_norms > 0.0)
        bounds *= _INFLATE
        return bounds

    def normwise(self, h_norms: FloatArray, h_errors: FloatArray) -> FloatArray:
        """Bounds on the 2-norms of these errors, of shape (m,)."""
        local = self._gamma * (h_norms * self._frobenius + self._bias_norm)
        lost = self._lost(h_norms, h_errors) * len(self._row_norms)
        errors: FloatArray = _INFLATE * (self._spectral * h_errors + local + lost)
        return errors

    def _lost(self, h_norms: FloatArray, h_errors: FloatArray) -> FloatArray:
        """What underflow costs an entry: nothing where h, or its weights, are exactly zero."""
        return np.where((h_norms > 0.0) | (h_errors > 0.0), self._underflow, 0.0)


def _errors_after_relu(
    z: FloatArray,
    h: FloatArray,
    bounds: FloatArray,
    norms: FloatArray,
    negative_slope: float,
) -> FloatArray:
    """Bounds on the 2-norms of the errors of h = relu(z).

    `bounds` and `norms` are those of z, by entry and by row.
    """
    if negative_slope == 0.0:
        # Entries that are certainly negative have no error.
        return np.minimum(norms, row_norms(np.where(z < -bounds, 0.0, bounds)))
    lipschitz = max(1.0, abs(negative_slope))
    underflow = _SMALLEST * h.shape[1]
    errors: FloatArray = _INFLATE * (lipschitz * norms + _ROUNDOFF * row_norms(h) + underflow)
    return np.where((norms > 0.0) | h.any(axis=1), errors, 0.0)


def row_norms(matrix: FloatArray) -> FloatArray:
    """Upper bounds on the 2-norms of rows; 0 only for rows of zeros."""
    sums = np.einsum("ij,ij->i", matrix, matrix)
    # A square below the range of float64 belongs to an entry below 2^-511.
    lost = np.where(matrix.any(axis=1), math.sqrt(matrix.shape[1]) * 2.0**-511, 0.0)
    norms: FloatArray = _INFLATE * (np.sqrt(sums) + lost)
    return norms


def spectral_norm_bound(weights: FloatArray, n_products: int) -> float:
    """An upper bound on the largest singular value, at the cost of that many symmetric products.

    ||W||^2 <= ||W W^T||_F, and again ||G||^2 <= ||G^2||_F for a symmetric G, each plus the rounding
    of the product. With k products it is within a factor rank^(1 / 2^(k + 1)) of the value.
    """
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg.blas import dsyrk

    largest = float(np.abs(weights).max())
    _, exponent = math.frexp(largest)
    if largest == 0.0:
        return 0.0
    # With largest entries in [0.5, 1) no power overflows, and underflow is far below gamma.
    scaled = np.ldexp(weights, -exponent)
    matrix = scaled if len(scaled) <= scaled.shape[1] else np.ascontiguousarray(scaled.T)
    frobenius = _frobenius(matrix)
    roundings = []
    for _ in range(n_products):
        roundings.append(_gamma(matrix.shape[1] + 1) * frobenius**2)
        triangle = dsyrk(1.0, matrix.T, trans=True)
        matrix = triangle + triangle.T
        np.fill_diagonal(matrix, np.diagonal(triangle))
        frobenius = _frobenius(matrix)
    bound = frobenius
    for rounding in reversed(roundings):
        bound = math.sqrt((bound + rounding) * _INFLATE) * _INFLATE
    with np.errstate(over="ignore"):
        return float(np.ldexp(bound, exponent))


def _frobenius(scaled: FloatArray) -> float:
    return _INFLATE * math.sqrt(np.einsum("ij,ij->", scaled, scaled))


def _norm(values: FloatArray) -> float:
    return float(row_norms(values.reshape(1, -1))[0])


def _gamma(n: int) -> float:
    return _INFLATE * n * _ROUNDOFF / (1.0 - n * _ROUNDOFF)


def bounded_preactivations(
    network: Network, layers: Sequence[LayerBounds], points: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """(z_l, bounds on its errors) of the hidden layers, both of shape (m, n_l)."""
    h_norms, h_errors = row_norms(points), np.zeros(len(points))
    slope = network.negative_slope
    for layer, z in zip(layers, preactivations(network, points), strict=True):
        bounds = layer.entrywise(h_norms, h_errors)
        yield z, bounds
        h = relu(z, slope)
        h_errors = _errors_after_relu(z, h, bounds, layer.normwise(h_norms, h_errors), slope)
        h_norms = row_norms(h)


def is_decided(z: FloatArray, bounds: FloatArray) -> NDArray[np.bool_]:
    """Where the sign of the exact preactivation is that of z; both are exactly zero, or neither."""
    decided: NDArray[np.bool_] = (np.abs(z) > bounds) | (bounds == 0.0)
    return decided
