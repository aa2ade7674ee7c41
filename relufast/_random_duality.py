"""Plain random duality: how wide the image of a random ReLU layer is, and what the next one needs.

The derivations are ours; docs/injectivity.md has them. Notation as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from relufast._saddles import PlainSaddle, Solution, frozen
from relufast._stationary import ComplexArray, solve_equations, value_and_gradient
from relufast._validate import FloatArray


class Need(NamedTuple):
    """The expansion at which each point of an image of width V gets kappa n active neurons.

    Attributes
    ----------
    alpha
    threshold
        t of a normal variable: kappa/alpha is the probability above it.
    residual
        Of D2 = V^2.
    """

    alpha: float
    threshold: float
    residual: float


class Image(NamedTuple):
    """What a layer makes of an image of width V.

    Attributes
    ----------
    width_squared
        V^2 of the layer's own image.
    theta, nu
        The multipliers of the saddle.
    residual
        Of the saddle: the largest derivative of log V^2 by a multiplier's logarithm.
    """

    width_squared: float
    theta: float
    nu: float
    residual: float


def solve(earlier: Sequence[float], kappa: int) -> Solution:
    """The plain capacity of a layer after those of the expansions given."""
    images = images_of(earlier)
    squares = [1.0, *(layer.width_squared for layer in images)]
    last = need(squares[-1], kappa)
    saddle = PlainSaddle(
        frozen(np.sqrt(squares)),
        last.threshold,
        frozen([layer.theta for layer in images]),
        frozen([layer.nu for layer in images]),
    )
    residual = max([last.residual, *(layer.residual for layer in images)])
    return Solution(last.alpha, saddle, residual)


def images_of(earlier: Sequence[float]) -> list[Image]:
    """What layers of these expansions make of the sphere, one after the other."""
    images: list[Image] = []
    width_squared = 1.0
    for alpha in earlier:
        images.append(image(alpha, width_squared))
        width_squared = images[-1].width_squared
    return images


def need(width_squared: float, kappa: int) -> Need:
    """Solve D2(alpha, kappa) = V^2; NaN for what no V^2 is, because it is not in (0, 1]."""
    if not 0.0 < width_squared <= 1.0:
        return Need(math.nan, math.nan, math.nan)
    from scipy.optimize import brentq

    # D2 rises with t from 0, and is above 10 kappa at t = 2.
    t = float(brentq(lambda t: _distance(t, kappa) - width_squared, 0.0, 2.0, xtol=1e-300))
    return Need(kappa / _tail(t), t, abs(_distance(t, kappa) - width_squared))


def _distance(t: float, kappa: int) -> float:
    """D2 at alpha = kappa / P(g > t): alpha E[g^2; 0 < g < t]."""
    inside = 0.5 * math.erf(t / math.sqrt(2.0))
    density = math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
    return kappa / _tail(t) * (inside - t * density)


def _tail(t: float) -> float:
    return 0.5 * math.erfc(t / math.sqrt(2.0))


# A deep network asks for the images of its first layers again and again.
@lru_cache(maxsize=4096)
def image(alpha: float, width_squared: float) -> Image:
    """F(alpha, V^2) = max over theta, min over nu of 4 theta (alpha E q + nu V^2)."""

    def value(u: ComplexArray) -> ComplexArray:
        theta, nu = np.exp(u)
        total: ComplexArray = 4.0 * theta * (alpha * expected_gain(theta, nu) + nu * width_squared)
        return total

    def equations(u: FloatArray) -> FloatArray:
        total, gradient = value_and_gradient(value, u)
        return gradient / total  # relative, or else theta -> 0 would seem to be a saddle

    # The limit of large alpha.
    guess = 0.5 * np.log([2.0 * width_squared / alpha, 0.25 * alpha / width_squared])
    u, residual = solve_equations(equations, guess)
    theta, nu = np.exp(u)
    return Image(float(value(u.astype(np.complex128)).real), float(theta), float(nu), residual)


def expected_gain(theta: ComplexArray, nu: ComplexArray) -> ComplexArray:
    """E q(g, h), q = max over w of h relu(w) - theta relu(w)^2 - nu (g - w)^2.

    By the angle of (g, h) there are three sectors: q = -nu g^2, the quadratic form where w > 0, and
    0 where w = g < 0. This is the derivative of `log_partition`'s integral at c = 0.
    """
    a, b, length = _sector_ends(theta, nu)
    slope = (4.0 * theta * nu - 1.0) / (2.0 * (theta + nu))  # of the form's determinant
    opening = np.arctan(length / (1.0 + a * b))
    first = nu * (a / (a * a + 1.0) - np.arctan(1.0 / a))
    turn = length * ((1.0 + a * b) * 0.5 * slope - 2.0 * nu) / ((1.0 + a * a) * (1.0 + b * b))
    gain: ComplexArray = (first - 0.5 * slope * (math.pi - opening) - turn) / (2.0 * math.pi)
    return gain


def log_partition(
    c: ComplexArray, theta: ComplexArray, nu: ComplexArray, k: ComplexArray
) -> ComplexArray:
    """log E exp(c q(g, k h)), by the angle: the mean of 1 / (1 - 2 c q) over the unit circle.

    A sector's integral of 1 / form is the angle of the sector after the square root of the form,
    over the root of its determinant.
    """
    a, b, length = _sector_ends(theta, nu)
    x = np.sqrt(1.0 + 2.0 * c * nu)
    e = c * k * k / (2.0 * (theta + nu))
    determinant = 1.0 - e + 2.0 * c * nu * (theta / (theta + nu) - e)
    d = np.sqrt(determinant)
    first = np.arctan(k * x / a) / x
    middle = (math.pi - np.arctan(d * k * length / (k * k * x * x + a * b))) / d
    last = math.pi - np.arctan(k / b)
    logarithm: ComplexArray = np.log((first + middle + last) / (2.0 * math.pi))
    return logarithm


def _sector_ends(
    theta: ComplexArray, nu: ComplexArray
) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """The middle sector reaches from (k, -a) to (-k, b) in the plane of (g, h); and b - a."""
    length: Any = 2.0 * np.sqrt(nu * (theta + nu))
    return 2.0 * nu, 2.0 * nu + length, length


def expected_square(alpha: float, layer: Image) -> float:
    """s = alpha E relu(w)^2 at the saddle: minus the derivative of alpha E q by theta."""
    x = np.array([layer.theta, layer.nu])
    gradient: FloatArray = value_and_gradient(lambda z: expected_gain(z[0], z[1]), x)[1]
    return -alpha * float(gradient[0])
