"""Preactivations at single points in exact integers: the last resort for signs that rounding hides.

Every float64 is an integer times a power of two, and so is everything that a network makes of them.
The integers grow by some 60 bits a layer, so that this is right for few points of small networks.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from relufast._scaled_integers import ScaledIntegers, scaled_integers
from relufast._validate import FloatArray
from relufast.network import Network

# Multiplications of integers of a few hundred bits: some seconds.
BUDGET = 2e7


class ExactActivations:
    """The layers of a batch of points, one point at a time and each layer once.

    Attributes
    ----------
    budget : float
        What is left of the multiplications that may be done.
    """

    def __init__(self, network: Network, points: FloatArray, budget: float) -> None:
        self._parameters = list(zip(network.weights, network.biases, strict=True))
        self._negative_slope = network.negative_slope
        self._points = points
        self.budget = budget
        self._layers: dict[int, tuple[ScaledIntegers, ScaledIntegers]] = {}
        self._reached: dict[int, tuple[int, ScaledIntegers]] = {}

    def preactivations(self, layer: int, point: int) -> FloatArray | None:
        """Rounded to float64 of the right sign; None if the budget does not allow it."""
        at, z = self._reached.get(point, (0, None))
        if z is None:
            z = scaled_integers(self._points[point])
        self.budget -= sum(self._cost(above, at) for above in range(at + 1, layer + 1))
        if self.budget < 0.0:
            return None
        for above in range(at + 1, layer + 1):
            h = z if above == 1 else self._relu(z)
            weights, biases = self._layer(above)
            z = weights.dot(h).plus(biases).reduced()
        self._reached[point] = layer, z
        return z.rounded()

    def _cost(self, layer: int, at: int) -> float:
        """Multiplications, in units of a short one."""
        size = self._parameters[layer - 1][0].size
        words = 1.0 + (layer - at) / 8.0
        return size * (words if layer in self._layers else 2.0 + words)

    def _layer(self, layer: int) -> tuple[ScaledIntegers, ScaledIntegers]:
        if layer not in self._layers:
            weights, biases = self._parameters[layer - 1]
            self._layers[layer] = scaled_integers(weights), scaled_integers(biases)
        return self._layers[layer]

    @cached_property
    def _factors(self) -> ScaledIntegers:
        """What negative and positive numbers are multiplied by."""
        return scaled_integers(np.array([self._negative_slope, 1.0])).reduced()

    def _relu(self, z: ScaledIntegers) -> ScaledIntegers:
        factors = self._factors
        active = (z.integers > 0).astype(int)
        return ScaledIntegers(z.integers * factors.integers[active], z.exponent + factors.exponent)
