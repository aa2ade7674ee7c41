"""Plain random duality as one writes it down: SciPy's quadrature inside of SciPy's searches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm


def capacities(depth: int) -> list[float]:
    """Under the weak condition, every layer at its own."""
    alphas: list[float] = []
    width_squared = 1.0
    for _ in range(depth):
        alphas.append(_need(width_squared))
        width_squared = _image_width_squared(alphas[-1], width_squared)
    return alphas


def _need(width_squared: float) -> float:
    def excess(alpha: float) -> float:
        t = norm.isf(1.0 / alpha)
        return alpha * quad(lambda g: g * g * norm.pdf(g), 0.0, t)[0] - width_squared

    return float(brentq(excess, 2.0, 20.0, xtol=1e-10))


def _image_width_squared(alpha: float, width_squared: float) -> float:
    def inner(theta: float) -> float:
        return _least(lambda nu: _gain(theta, nu) + nu * width_squared / alpha, 0.05, 20.0)

    return -alpha * _least(lambda theta: -4.0 * theta * inner(theta), 0.01, 2.0)


def _least(function: Callable[[float], float], lo: float, hi: float) -> float:
    options = {"xatol": 1e-6}
    return float(minimize_scalar(function, bounds=(lo, hi), method="bounded", options=options).fun)


def _gain(theta: float, nu: float) -> float:
    """E q, by the angle of (g, h)."""

    def q(angle: float) -> float:
        g, h = math.cos(angle), math.sin(angle)
        active = max(h + 2.0 * nu * g, 0.0) ** 2 / (4.0 * (theta + nu)) - nu * g * g
        return active if g > 0.0 else max(active, 0.0)

    last = math.atan2(2.0 * nu + 2.0 * math.sqrt(nu * (theta + nu)), -1.0)
    first = math.atan2(-2.0 * nu, 1.0)
    ends = [-0.5 * math.pi, first, last, 1.5 * math.pi]
    pieces = itertools.pairwise(ends)
    return sum(quad(q, lo, hi, epsabs=1e-10)[0] for lo, hi in pieces) / math.pi
