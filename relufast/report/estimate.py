"""Measured numbers with their standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from relufast._validate import FloatArray
from relufast.monte_carlo import Estimate as MonteCarloEstimate
from relufast.report import text


@dataclass(frozen=True)
class Estimate:
    """A mean, or a ratio of two, over independent trials."""

    value: float
    standard_error: float

    def deviation(self, expected: float, expected_error: float = 0.0) -> float:
        """The difference from an expected value, in standard errors of the difference."""
        difference = self.value - expected
        error = math.hypot(self.standard_error, expected_error)
        if error == 0.0:
            return math.copysign(math.inf, difference) if difference else 0.0
        return difference / error

    def __format__(self, _: str) -> str:
        """Two digits of the standard error, and the value to the same place."""
        if self.standard_error == 0.0:
            return text.minus(f"{self.value:,g} ± 0")
        decimals = max(0, 1 - math.floor(math.log10(self.standard_error)))
        return text.minus(f"{self.value:,.{decimals}f} ± {self.standard_error:.{decimals}f}")

    def __str__(self) -> str:
        return format(self)

    @property
    def per_cent(self) -> str:
        """Of a share."""
        return f"{Estimate(100.0 * self.value, 100.0 * self.standard_error)} %"


def of_arrays(values: FloatArray, standard_errors: FloatArray) -> list[Estimate]:
    """Of each of k quantities, both of shape (k,)."""
    pairs = zip(values.tolist(), standard_errors.tolist(), strict=True)
    return [Estimate(value, error) for value, error in pairs]


def mean(trials: ArrayLike) -> Estimate:
    """Of independent trials, shape (n,)."""
    return means(np.asarray(trials, dtype=np.float64)[:, np.newaxis])[0]


def means(trials: ArrayLike) -> list[Estimate]:
    """Of each of k quantities in n independent trials, shape (n, k)."""
    array = np.asarray(trials, dtype=np.float64)
    return of_arrays(array.mean(axis=0), array.std(axis=0, ddof=1) / math.sqrt(len(array)))


def ratio(numerators: ArrayLike, denominators: ArrayLike) -> Estimate:
    """The ratio of two means over the same n independent trials, both of shape (n,).

    Its error is that of a linear expansion, good where the denominator's mean is known well.
    """
    above: FloatArray = np.asarray(numerators, dtype=np.float64)
    below: FloatArray = np.asarray(denominators, dtype=np.float64)
    value = float(above.sum() / below.sum())
    residual = mean(above - value * below)
    return Estimate(value, residual.standard_error / float(below.mean()))


def components(found: MonteCarloEstimate, factor: float) -> list[Estimate]:
    """Of a vector, each component times a factor."""
    return of_arrays(factor * found.mean, factor * found.standard_error)


def combination(found: MonteCarloEstimate, weights: FloatArray) -> Estimate:
    """A weighted sum of the components of an array, whose covariance was estimated."""
    assert found.covariance is not None
    flat = weights.ravel()
    variance = float(flat @ found.covariance.reshape(flat.size, flat.size) @ flat)
    value = float(flat @ found.mean.ravel())
    return Estimate(value, math.sqrt(max(variance, 0.0) / found.n_trials))
