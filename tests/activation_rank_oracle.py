"""Hidden activations in exact arithmetic, and their ranks: the reference for tests.

Written from the definitions alone. All parameters are dyadic rationals, so that a layer is a matrix
of integers over one power of two; python-flint multiplies the integers and finds the rank over the
rationals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from numpy.typing import NDArray

import relufast


@dataclass(frozen=True)
class ExactLayer:
    """One hidden layer at all points."""

    signs: NDArray[np.int_]  # (m, n): of the preactivations, -1, 0 or 1
    activations: Any  # fmpz_mat (m, n), times a power of two

    @property
    def rank(self) -> int:
        return int(self.activations.rank())


def exact_layers(network: relufast.Network, X: NDArray[np.float64]) -> Iterator[ExactLayer]:
    slope = Fraction(network.negative_slope)
    h, h_denominator = _integers(X)
    hidden = list(zip(network.weights, network.biases, strict=True))[:-1]
    for weights, biases in hidden:
        w, w_denominator = _integers(weights.T)
        b, b_denominator = _integers(biases[np.newaxis])
        # Both denominators are powers of two: the larger one is a multiple of the other.
        denominator = max(h_denominator * w_denominator, b_denominator)
        factor = denominator // (h_denominator * w_denominator)
        shift = [int(value) * (denominator // b_denominator) for value in b.entries()]
        products = [int(value) * factor for value in (h * w).entries()]
        n = len(shift)
        z = [value + shift[i % n] for i, value in enumerate(products)]
        signs = np.array([(v > 0) - (v < 0) for v in z]).reshape(len(X), n)
        values = [v * (slope.denominator if v > 0 else slope.numerator) for v in z]
        h, h_denominator = flint.fmpz_mat(len(X), n, values), denominator * slope.denominator
        yield ExactLayer(signs, h)


def exact_ranks(network: relufast.Network, X: NDArray[np.float64]) -> list[int]:
    return [layer.rank for layer in exact_layers(network, X)]


def _integers(values: NDArray[np.float64]) -> tuple[Any, int]:
    """A matrix of integers, and the power of two that they are to be divided by."""
    fractions = [Fraction(value) for value in values.ravel().tolist()]
    denominator = max([f.denominator for f in fractions], default=1)
    return flint.fmpz_mat(*values.shape, [int(f * denominator) for f in fractions]), denominator
