"""How many breakpoints a random ReLU network has, in expectation.

Kogan, Jananthan and Kepner (arXiv 2512.08091) treat infinite width. For finite width: given x, the
sign symmetry of a neuron's weights and bias makes every activity at x a fair coin, whatever the
rest, and given the activities the network is a random linear one on the active neurons. By Kac and
Rice the expected number of zeros is an integral over x of a mean at x, so that a neuron has as many
zeros as in random linear networks of binomial widths: one on the line, or none if a layer is empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray
from relufast.report.estimate import Estimate, mean

WEIGHT_VARIANCE = 2.0  # He


def whole_line(widths: Sequence[float]) -> FloatArray:
    """Expected breakpoints of one neuron on the whole line, by layer, shape (depth,).

    The probability that each layer before has an active neuron, at any one x.
    """
    return np.array(list(accumulate((1.0 - 2.0**-n for n in widths[:-1]), mul, initial=1.0)))


def reaching_output(widths: Sequence[float]) -> FloatArray:
    """The share of each layer's breakpoints that reach the output, shape (depth,).

    The probability that each layer after has an active neuron.
    """
    return whole_line(widths[::-1])[::-1]


def between_points(angles: FloatArray, n_neurons: int) -> FloatArray:
    """Expected breakpoints on segments, at infinite width without biases, by angle of their ends.

    angle / pi for a neuron of any layer: for the first at any width, because its zeros form a
    hyperplane through the origin; a ReLU layer preserves angular speed.
    """
    return n_neurons * angles / math.pi


def finite_width(
    width: int,
    depth: int,
    interval: tuple[float, float],
    *,
    bias_variance: float,
    samples: int,
    rng: np.random.Generator,
) -> list[Estimate]:
    """Expected breakpoints of one neuron in a bounded interval, by layer.

    Given the layers before, a neuron of the linear network is s x + c with (c, s) normal, and its
    zero lies between two points with probability 1/pi times the angle of its values there. The
    covariance matrix of the next layer is that of the biases plus 2 / width times the Wishart
    matrix of the active neurons: a Markov chain, simulated `samples` times, with errors far below
    those of as many networks, and at a cost that does not depend on the width.
    """
    lo, hi = interval
    variance_c, covariance = np.full(samples, bias_variance), np.zeros(samples)
    variance_s = np.full(samples, WEIGHT_VARIANCE)
    expected = []
    for _ in range(depth):
        # Cholesky's factor: c = c1 e1, s = s1 e1 + s2 e2 with e1, e2 standard normal.
        c1 = np.sqrt(variance_c)
        s1 = covariance / c1
        s2 = np.sqrt(np.maximum(variance_s - s1**2, 0.0))
        turn = np.arctan2(s2 * hi, c1 + s1 * hi) - np.arctan2(s2 * lo, c1 + s1 * lo)
        expected.append(mean(turn / math.pi))
        # Bartlett's factor (1933) of the Wishart matrix of as many pairs (e1, e2).
        active = rng.binomial(width, 0.5, samples)
        t1, t2 = _chi(rng, active), _chi(rng, active - 1)
        t21 = np.where(active > 0, rng.standard_normal(samples), 0.0)
        c1, s1, s2 = c1 * t1, s1 * t1 + s2 * t21, s2 * t2
        share = WEIGHT_VARIANCE / width
        variance_c = share * c1**2 + bias_variance
        covariance = share * c1 * s1
        variance_s = share * (s1**2 + s2**2)
    return expected


def _chi(rng: np.random.Generator, freedom: NDArray[np.int64]) -> FloatArray:
    """Chi distributed numbers, zero where there is no degree of freedom."""
    return np.sqrt(np.where(freedom > 0, rng.chisquare(np.maximum(freedom, 1)), 0.0))
