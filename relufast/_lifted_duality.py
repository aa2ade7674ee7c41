"""Partially lifted random duality, for any depth.

The derivation is ours; docs/injectivity.md has it. Notation as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from relufast._random_duality import expected_square, images_of, log_partition, need
from relufast._saddles import LiftedSaddle, Solution, frozen
from relufast._stationary import ComplexArray, Family, follow, gaussian_tail
from relufast._validate import FloatArray

_FIRST_C, _LARGEST_C = 0.02, 10.0


def solve(earlier: Sequence[float], kappa: int) -> Solution:
    """The lifted capacity of a layer after those of the expansions given."""
    branch = follow(family(earlier, kappa), plain_saddle(earlier, kappa), largest_c=_LARGEST_C)
    c, gamma, threshold, *layers, alpha = branch.parameters.tolist()
    by_layer = [frozen(layers[i::4]) for i in range(4)]
    return Solution(
        alpha, LiftedSaddle(c, gamma, threshold, *by_layer), branch.residual, branch.faults
    )


def family(earlier: Sequence[float], kappa: int) -> Family:
    """M after layers of these expansions.

    Its parameters are c, gamma, t, then Lambda, s, tau and theta of each earlier layer, the first
    one first.
    """

    def value(x: ComplexArray) -> ComplexArray:
        c, gamma, t, alpha = x[0], x[1], x[2], x[-1]
        layers = x[3:-1].reshape(len(earlier), 4, *x.shape[1:])
        total = distance_term(c, gamma, t, alpha, kappa)
        scale = c  # of G in the layer below
        for a, (coupling, s, tau, theta) in zip(reversed(earlier), layers[::-1], strict=True):
            total = total - 0.5 * (scale * coupling) ** 2 + scale * (theta * s - coupling * tau)
            nu = coupling / (4.0 * tau)
            total = total + a * log_partition(scale, theta, nu, 1.0 / np.sqrt(s))
            scale = scale * coupling
        excess: ComplexArray = 0.5 * c - (total + _sphere_term(scale)) / c
        return excess

    return Family(value)


def plain_saddle(earlier: Sequence[float], kappa: int) -> FloatArray:
    """Where the branch begins: with a small c, the saddle of plain duality, and its alpha."""
    width = 1.0
    layers: list[float] = []
    for alpha, layer in zip(earlier, images_of(earlier), strict=True):
        # Plain duality has h for h / sqrt(s): all of q is larger by sqrt(s) there.
        s = expected_square(alpha, layer)
        k = 1.0 / math.sqrt(s)
        layers += [2.0 * width * layer.nu * k, s, 0.5 * width, layer.theta * k]
        width = math.sqrt(layer.width_squared)
    last = need(width * width, kappa)
    return np.array([_FIRST_C, 0.5 * width, last.threshold, *layers, last.alpha])


def distance_term(
    c: ComplexArray, gamma: ComplexArray, t: ComplexArray, alpha: ComplexArray, kappa: int
) -> ComplexArray:
    """I_dist, with E exp(-b min(relu(g)^2, t^2)) in closed form; nu is t^2."""
    b = c / (4.0 * gamma)
    root = np.sqrt(1.0 + 2.0 * b)
    below = (0.5 - gaussian_tail(t * root)) / root
    mean = 0.5 + below + np.exp(-b * t * t) * gaussian_tail(t)
    term: ComplexArray = -c * gamma + b * t * t * kappa + alpha * np.log(mean)
    return term


def _sphere_term(c: ComplexArray) -> ComplexArray:
    """G_0."""
    y = 0.25 * (c + np.sqrt(c * c + 4.0))
    term: ComplexArray = c * y - 0.5 * np.log(1.0 - c / (2.0 * y))
    return term
