"""Random duality from its definitions, by quadrature and by searching for each optimum.

Where the library has closed forms there are integrals here, split at the kinks, by Gauss and
Legendre's rule with so many points that they are exact but for rounding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

Array = NDArray[np.float64]

_X, _W = np.polynomial.legendre.leggauss(60)


def integral(function: Callable[[Array], Array], ends: Sequence[float]) -> float:
    """Over each piece between consecutive ends."""
    total = 0.0
    for lo, hi in itertools.pairwise(ends):
        middle, half = 0.5 * (lo + hi), 0.5 * (hi - lo)
        total += half * float(_W @ function(middle + half * _X))
    return total


def density(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def gain(g: Array, h: Array, theta: float, nu: float) -> Array:
    """q: the largest of h relu(w) - theta relu(w)^2 - nu (g - w)^2 over all w."""

    def at(w: Array) -> Array:
        active = np.maximum(w, 0.0)
        return h * active - theta * active**2 - nu * (g - w) ** 2

    # A parabola on each side of w = 0: the best of either, cut off at 0.
    right = np.maximum((h + 2.0 * nu * g) / (2.0 * (theta + nu)), 0.0)
    return np.maximum(at(np.minimum(g, 0.0)), at(right))


def circle_mean(
    function: Callable[[Array], Array], theta: float, nu: float, k: float = 1.0
) -> float:
    """Of a function of q(cos, k sin), over all angles."""

    def lead(angle: float) -> float:
        """Of the best w > 0 over w = g, for g < 0."""
        g, h = math.cos(angle), k * math.sin(angle)
        w = max((h + 2.0 * nu * g) / (2.0 * (theta + nu)), 0.0)
        return h * w - theta * w * w - nu * (g - w) ** 2

    first = math.atan2(-2.0 * nu, k)  # where the best w is 0, for g > 0
    last = brentq(lead, 0.5 * math.pi, math.pi, xtol=1e-15)
    ends = [-0.5 * math.pi, first, 0.0, 0.5 * math.pi, last, 1.5 * math.pi]
    total = integral(lambda x: function(gain(np.cos(x), k * np.sin(x), theta, nu)), ends)
    return total / (2.0 * math.pi)


def expected_gain(theta: float, nu: float) -> float:
    """E q(g, h): q grows with the square of the radius, whose mean is 2."""
    return 2.0 * circle_mean(lambda q: q, theta, nu)


def best(function: Callable[[float], float], lo: float, hi: float, sign: int) -> float:
    """The least (sign 1) or largest (sign -1) value over positive numbers between lo and hi."""
    found: Any = minimize_scalar(
        lambda u: sign * function(math.exp(u)),
        bounds=(math.log(lo), math.log(hi)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return sign * float(found.fun)


def image_width_squared(alpha: float, width_squared: float) -> float:
    """F: the two optima, one inside the other."""

    def inner(theta: float) -> float:
        return best(
            lambda nu: expected_gain(theta, nu) + nu * width_squared / alpha, 1e-2, 1e4, sign=1
        )

    return alpha * best(lambda theta: 4.0 * theta * inner(theta), 1e-4, 1e2, sign=-1)


def distance(alpha: float, kappa: float) -> float:
    """D2: the mean of g^2 over the smallest positive ones that are too many."""
    t = brentq(lambda t: alpha * ndtr(-t) - kappa, 0.0, 40.0, xtol=1e-15)
    return alpha * integral(lambda g: g * g * density(g), [0.0, t])


def sphere(c: float) -> float:
    """G_0: the limit of log E exp(c n |h|/sqrt(n)) / n, by the density of |h|/sqrt(n) = r."""
    r = 0.5 * (c + math.sqrt(c * c + 4.0))  # where c + 1/r - r = 0
    return c * r + math.log(r) - 0.5 * r * r + 0.5


def lifted(x: Sequence[float], earlier: Sequence[float], kappa: float) -> float:
    """M at c, gamma, t, then Lambda, s, tau, theta of each earlier layer, and alpha."""
    c, gamma, t = x[:3]
    b = c / (4.0 * gamma)

    def boltzmann(g: Array) -> Array:
        return np.exp(-b * np.minimum(np.maximum(g, 0.0) ** 2, t * t)) * density(g)

    mean = integral(boltzmann, [-40.0, -20.0, -8.0, -4.0, 0.0, t, t + 4.0, t + 8.0, 40.0])
    total = -c * gamma + b * t * t * kappa + x[-1] * math.log(mean)
    total += _images(c, x[3:-1], earlier)
    return 0.5 * c - total / c


def _images(c: float, parameters: Sequence[float], earlier: Sequence[float]) -> float:
    """G after all of these layers."""
    if len(earlier) == 0:
        return sphere(c)
    coupling, s, tau, theta = parameters[-4:]
    partition = circle_mean(
        lambda q: 1.0 / (1.0 - 2.0 * c * q), theta, coupling / (4.0 * tau), 1.0 / math.sqrt(s)
    )
    j = c * theta * s - c * coupling * tau + earlier[-1] * math.log(partition)
    below = _images(c * coupling, parameters[:-4], earlier[:-1])
    return -0.5 * (c * coupling) ** 2 + below + j


def second_level(x: Sequence[float], kappa: float = 1.0) -> float:
    """M at c, p, q, gamma, t, y and alpha."""
    c, p, q, gamma, t, y, alpha = x
    b = c / (4.0 * gamma)
    a = 1.0 - c * (1.0 - q) / (2.0 * y)
    spherical = c * y - 0.5 * math.log(a) + c * q / (4.0 * y * a)
    sigma = math.sqrt(1.0 - p)

    def logarithm(outer: Array) -> Array:
        u = math.sqrt(p) * outer[:, np.newaxis]
        g = 0.5 * t * (1.0 + _X)
        inside = 0.5 * t * (np.exp(-b * g * g) * density((g - u) / sigma) / sigma) @ _W
        means = ndtr(-u[:, 0] / sigma) + inside
        return np.log(means + math.exp(-b * t * t) * ndtr((u[:, 0] - t) / sigma))

    ends = np.linspace(-9.0, 9.0, 7).tolist()
    mean = integral(lambda outer: logarithm(outer) * density(outer), ends)
    distant = -c * gamma + b * t * t * kappa + alpha * mean
    return 0.5 * c * (1.0 - p * q) - (spherical + distant) / c


def overlap_map(p: float, alpha: float, t: float) -> float:
    """alpha E f'(g) f'(g') / 4, f(g) = min(relu(g)^2, t^2), for normal g, g' of correlation p."""
    sigma = math.sqrt(1.0 - p)

    def squared_slope(outer: Array) -> Array:
        u = math.sqrt(p) * outer[:, np.newaxis]
        g = 0.5 * t * (1.0 + _X)
        inside = 0.5 * t * (2.0 * g * density((g - u) / sigma) / sigma) @ _W
        return inside**2 * density(outer)

    return 0.25 * alpha * integral(squared_slope, np.linspace(-9.0, 9.0, 7).tolist())


def gradient(function: Callable[[Array], float], x: Array) -> Array:
    """Derivatives by the logarithm of each parameter, by central differences of fourth order."""
    step = 2e-4
    slopes = np.empty(len(x))
    for i in range(len(x)):
        values = []
        for shift in (-2.0, -1.0, 1.0, 2.0):
            at = np.array(x, float)
            at[i] *= math.exp(shift * step)
            values.append(function(at))
        slopes[i] = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * step)
    return slopes
