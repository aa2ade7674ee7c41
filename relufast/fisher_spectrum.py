"""The exact eigenvalues of the Fisher information of infinitely wide two-layer networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np

from relufast import _validate
from relufast._read_only import read_only
from relufast._validate import FloatArray

# E_2n / (4 n), of Euler's numbers. From that dimension on what is left out is below 1e-17.
_SERIES = tuple(e / (4 * n) for n, e in enumerate((-1, 5, -61, 1385, -50521), start=1))
_LARGE = 32


@dataclass(frozen=True, eq=False)
class FisherSpectrum:
    """Eigenvalues by the degree of their spherical harmonics, 0, ..., max_degree.

    All arrays have shape (max_degree + 1,) and are read-only.

    Attributes
    ----------
    dimension : int
        Number of inputs, d.
    eigenvalues : ndarray of float64
        lambda_k, exact but for rounding.
    multiplicities : tuple of int
        N(d, k), the number of independent spherical harmonics of degree k, exact integers however
        large.
    shares : ndarray of float64
        N(d, k) lambda_k / (d/2): of the trace. They add up to 1 over all degrees.
    leading_eigenvalues : ndarray of float64
        The simple approximations: the leading term of lambda_k as d grows, d/(2 pi), 1/4,
        1/(2 pi d), 0, 1/(2 pi d^3), ... Of use while (k + 1)^2 is small beside d; in degrees far
        beyond they grow, to infinity where float64 ends.
    limit_shares : ndarray of float64
        What the shares tend to as d grows: 1/pi, 1/2, 1/(2 pi), 0, 1/(24 pi), ...
    """

    dimension: int
    eigenvalues: FloatArray
    multiplicities: tuple[int, ...]
    shares: FloatArray
    leading_eigenvalues: FloatArray
    limit_shares: FloatArray

    @property
    def trace(self) -> float:
        """Of the whole matrix: d/2, whatever `max_degree` is."""
        return self.dimension / 2

    def __repr__(self) -> str:
        last = len(self.multiplicities) - 1
        return f"FisherSpectrum(dimension {self.dimension}, degrees 0 to {last})"


def fisher_spectrum(dimension: SupportsIndex, max_degree: SupportsIndex) -> FisherSpectrum:
    """The eigenvalues of the Fisher information of a two-layer network of infinite width.

    The network is f(x) = v . relu(W x) with unit noise, W of shape (m, d) with entries from
    N(0, 1/m) and x from N(0, I). Its Fisher information about v, E[relu(W x) relu(W x)^T], has as m
    grows an eigenvalue lambda_k for each degree k of spherical harmonics.

    Parameters
    ----------
    dimension : int
        Number of inputs, d, from 1 to 2**53.
    max_degree : int
        At least 0.

    Returns
    -------
    FisherSpectrum

    Raises
    ------
    TypeError
        For what is not an integer.
    ValueError
        For an integer out of its range.

    Notes
    -----
    *Where it comes from.* lambda_k = (d c_k)^2, where c_k is the Funk-Hecke coefficient of relu on
    the unit sphere, the mean of relu(t) P_k(t) over the first coordinate t of a uniform point, P_k
    the Legendre polynomial of d dimensions with P_k(1) = 1. For the kernel of the matrix is itself
    an average of relu(u.x) relu(u'.x), whose coefficients are squares of relu's. With the formula
    of Rodrigues, two integrations by parts leave the (k - 2)th derivative of
    (1 - t^2)^(k + (d - 3)/2) at 0, so that consecutive even degrees have a plain ratio:

        c_{k+2} / c_k = -(k - 1) / (k + d + 1),
        lambda_{k+2} / lambda_k = ((k - 1) / (k + d + 1))^2.

    It begins with lambda_0 = d^2 e1^2, e1 = Gamma(d/2) / (2 sqrt(pi) Gamma((d + 1)/2)), and with
    lambda_1 = 1/4 and lambda_3 = 0, which makes all odd ones from there 0. For large d
    e1 = exp(sum_n E_2n / (4 n D^2n)) / sqrt(pi D), D = 2 d - 1, with Euler's numbers E_2n, so that
    no difference of large logarithms is taken.
    Each ratio is one of exact integers, rounded once.

    *How accurate.* The relative error of `eigenvalues` and `shares` is below (k + 16) 2**-53. An
    eigenvalue below 1e-308 loses digits, and below 5e-324 is 0; its share is not affected.

    *Large d.* To leading order lambda_k = a_k^2 k! d^(1 - k), and the share is 2 a_k^2, where a_k
    is the coefficient of relu in normalised Hermite polynomials: a_0^2 = 1/(2 pi), a_1^2 = 1/4,
    a_{k+2}^2 / a_k^2 = (k - 1)^2 / ((k + 1)(k + 2)). So lambda_0 is about d/(2 pi) and lambda_2
    about 1/(2 pi d), the simple approximations in use, and degrees up to 2 take 97.7 % of the
    trace. The relative error is of order (k + 1)^2 / d: +1/(2d) of lambda_0, -3/(2d) of lambda_2.

    *One input.* The sphere is two points, which have harmonics of degree 0 (both alike) and 1 (of
    opposite sign) alone: hidden units with positive and with negative weight. Both eigenvalues are
    1/4; from degree 2 on multiplicities, eigenvalues and shares are 0.

    Costs microseconds a degree, and more where the multiplicities are integers of thousands of
    digits.

    References
    ----------
    Ho, Takeishi and Takeuchi, Approximating Simple ReLU Networks based on Spectral Decomposition of
    Fisher Information, arXiv 2505.17907, on the spaces of degrees 0, 1 and 2. The formulas for all
    degrees are derived here; the coefficients of relu are also in Bach, Breaking the Curse of
    Dimensionality with Convex Neural Networks, JMLR 18, 2017, appendix D.

    Examples
    --------
    >>> import relufast
    >>> spectrum = relufast.fisher_spectrum(10, 4)
    >>> spectrum.eigenvalues
    array([1.67301212e+00, 2.50000000e-01, 1.38265464e-02, 0.00000000e+00,
           8.18138841e-05])
    >>> spectrum.multiplicities
    (1, 10, 54, 210, 660)
    >>> spectrum.shares
    array([0.33460242, 0.5       , 0.1493267 , 0.        , 0.01079943])
    """
    d = _validate.integer_of_float(dimension, "dimension")
    last = _validate.non_negative_int(max_degree, "max_degree")
    lambda_0 = (d * mean_of_relu(d)) ** 2
    # Two points of a sphere in one dimension have no harmonics of degree 2.
    stop = last if d > 1 else min(last, 1)
    by_degree = (
        _sequence(last, stop, lambda_0, 0.25, lambda k: ((k - 1) ** 2, (k + d + 1) ** 2)),
        _sequence(last, stop, lambda_0 / (0.5 * d), 0.5, lambda k: _ratio_of_shares(d, k)),
        _sequence(last, last, d / (2 * math.pi), 0.25, lambda k: ((k - 1) ** 2, d**2)),
        _sequence(last, last, 1 / math.pi, 0.5, lambda k: ((k - 1) ** 2, (k + 1) * (k + 2))),
    )
    eigenvalues, shares, leading, limits = by_degree
    return FisherSpectrum(d, eigenvalues, _multiplicities(d, last), shares, leading, limits)


def mean_of_relu(dimension: int) -> float:
    """Of the first coordinate of a uniform point on the unit sphere: e1, to 4 * 2**-53."""
    if dimension >= _LARGE:
        D = 2 * dimension - 1
        square = 1.0 / D**2
        series = 0.0
        for coefficient in reversed(_SERIES):
            series = (series + coefficient) * square
        return math.exp(series) / math.sqrt(math.pi * D)
    # e1 of d + 2 dimensions is that of d times d / (d + 1).
    smaller = range(2 - dimension % 2, dimension, 2)
    ratio = math.prod(smaller) / math.prod(d + 1 for d in smaller)
    return ratio / (2.0 if dimension % 2 else math.pi)


def _sequence(
    last: int, stop: int, first: float, second: float, ratio: Callable[[int], tuple[int, int]]
) -> FloatArray:
    """By degree: even ones by the ratio to the one before, odd ones 0 but the first."""
    values = np.zeros(last + 1)
    value = first
    values[0] = value
    if last >= 1:
        values[1] = second
    for k in range(0, stop - 1, 2):
        numerator, denominator = ratio(k)
        # Python rounds a quotient of integers once, whatever their size.
        value *= numerator / denominator
        values[k + 2] = value
    return read_only(values)


def _ratio_of_shares(d: int, k: int) -> tuple[int, int]:
    """Of the eigenvalues of degrees k + 2 and k times that of their multiplicities; d > 1."""
    if k == 0:
        return (d + 2) * (d - 1), 2 * (d + 1) ** 2
    return (
        (k - 1) ** 2 * (2 * k + d + 2) * (k + d - 1) * (k + d - 2),
        (k + d + 1) ** 2 * (2 * k + d - 2) * (k + 1) * (k + 2),
    )


def _multiplicities(d: int, last: int) -> tuple[int, ...]:
    """Homogeneous polynomials of degree k, less |x|^2 times those of degree k - 2."""
    polynomials = [1]
    for k in range(last):
        polynomials.append(polynomials[-1] * (k + d) // (k + 1))
    return tuple(n - polynomials[k - 2] if k >= 2 else n for k, n in enumerate(polynomials))
