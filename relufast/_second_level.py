"""Second-level lifted random duality, for one layer: one step of replica symmetry breaking.

Notation as in docs/injectivity.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relufast._random_duality import need
from relufast._saddles import SecondLevelSaddle, Solution
from relufast._stationary import ComplexArray, Family, follow, gaussian_density, gaussian_tail
from relufast._validate import FloatArray

_FIRST_C, _LARGEST_C = 0.02, 100.0
# The trapezoidal rule for a normal average: what is left out beyond +-9 is below 1e-18, and halving
# the step changes the capacity by less than 1e-12.
_NODE_STEP = 0.125
_LAST_NODE = 9.0


def solve(earlier: Sequence[float], kappa: int) -> Solution:
    """The second-level capacity of a first layer; for others, after earlier ones, it is unknown."""
    assert not earlier
    branch = follow(family(kappa), plain_saddle(kappa), largest_c=_LARGEST_C)
    *saddle, alpha = branch.parameters.tolist()
    return Solution(alpha, SecondLevelSaddle(*saddle), branch.residual, branch.faults)


def family(kappa: int, node_step: float = _NODE_STEP) -> Family:
    """M of the parameters c, p, q, gamma, t, y."""
    nodes = np.arange(-_LAST_NODE, _LAST_NODE + 0.5 * node_step, node_step)
    weights = node_step * gaussian_density(nodes)

    def value(x: ComplexArray) -> ComplexArray:
        c, p, q, gamma, t, y, alpha = x
        b = c / (4.0 * gamma)
        rest = 1.0 - c * (1.0 - q) / (2.0 * y)
        sphere = c * y - 0.5 * np.log(rest) + c * q / (4.0 * y * rest)
        means = _inner_mean(
            np.sqrt(p)[..., np.newaxis] * nodes,
            np.sqrt(1.0 - p)[..., np.newaxis],
            b[..., np.newaxis],
            t[..., np.newaxis],
        )
        distance = -c * gamma + b * t * t * kappa + alpha * (np.log(means) @ weights)
        excess: ComplexArray = 0.5 * c * (1.0 - p * q) - (sphere + distance) / c
        return excess

    return Family(value, fractions=(1, 2))


def _inner_mean(
    u: ComplexArray, sigma: ComplexArray, b: ComplexArray, t: ComplexArray
) -> ComplexArray:
    """E exp(-b min(relu(g)^2, t^2)), g of mean u and deviation sigma."""
    # In between the exponentials make a normal density of mean u / root^2.
    root = np.sqrt(1.0 + 2.0 * b * sigma * sigma)
    middle, deviation = u / root**2, sigma / root
    between = gaussian_tail(-middle / deviation) - gaussian_tail((t - middle) / deviation)
    mean: ComplexArray = (
        gaussian_tail(u / sigma)
        + np.exp(-b * u * middle) * between / root
        + np.exp(-b * t * t) * gaussian_tail((t - u) / sigma)
    )
    return mean


def plain_saddle(kappa: int) -> FloatArray:
    """Near where the branch begins: with a small c, the saddle of plain duality.

    For c -> 0 the derivatives by p and q say that gamma = y = 1/2, and that p = q is the fixed
    point of p = alpha E f'(g) f'(g') / 4, f(g) = min(relu(g)^2, t^2), g and g' of correlation p.
    This is one step to it, from p = 0.
    """
    last = need(1.0, kappa)
    ends = gaussian_density(np.array([0.0, last.threshold]))
    overlap = 0.25 * last.alpha * (2.0 * (ends[0] - ends[1])) ** 2
    return np.array([_FIRST_C, overlap, overlap, 0.5, last.threshold, 0.5, last.alpha])
