"""What a Monte Carlo run returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from relufast import _validate
from relufast._read_only import read_only
from relufast._validate import FloatArray
from relufast.monte_carlo.moments import Moments


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """Means over independent trials, with their errors.

    Arrays have the shape of one trial's value, and are read-only.

    Attributes
    ----------
    mean : ndarray of float64
    standard_error : ndarray of float64
        sqrt(variance / n_trials); infinite for a single trial.
    variance : ndarray of float64
        Of one trial, unbiased; infinite for a single trial.
    covariance : ndarray of float64 or None
        Of shape ``(*shape, *shape)``, where asked for.
    minimum, maximum : ndarray of float64
    n_trials : int
    n_uncertified : int
        Trials whose value rounding could have changed; 0 for statistics that do not say.
    seed : int
    """

    mean: FloatArray
    standard_error: FloatArray
    variance: FloatArray
    covariance: FloatArray | None
    minimum: FloatArray
    maximum: FloatArray
    n_trials: int
    n_uncertified: int
    seed: int

    @classmethod
    def _of(cls, moments: Moments, shape: tuple[int, ...], seed: int) -> Estimate:
        freedom = moments.n - 1
        spread = moments.spread / freedom if freedom else np.full_like(moments.spread, math.inf)
        covariance = None
        if spread.ndim == 2:
            covariance, spread = _own(spread, (*shape, *shape)), np.diagonal(spread)
        return cls(
            mean=_own(moments.mean, shape),
            standard_error=_own(np.sqrt(spread / moments.n), shape),
            variance=_own(spread, shape),
            covariance=covariance,
            minimum=_own(moments.minimum, shape),
            maximum=_own(moments.maximum, shape),
            n_trials=moments.n,
            n_uncertified=moments.n_uncertified,
            seed=seed,
        )

    def confidence_interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """The interval that contains the true mean with this probability, by the normal law.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        tuple of two ndarrays
            Lower and upper ends, for each component alone.
        """
        reach = _quantile(_validate.fraction(level, "level")) * self.standard_error
        return self.mean - reach, self.mean + reach

    def to_dict(self) -> dict[str, Any]:
        """All attributes as lists and numbers that JSON holds."""
        values = {
            name: getattr(self, name)
            for name in ("mean", "standard_error", "variance", "covariance", "minimum", "maximum")
        }
        return {
            **{name: None if value is None else value.tolist() for name, value in values.items()},
            "n_trials": self.n_trials,
            "n_uncertified": self.n_uncertified,
            "seed": self.seed,
        }

    def __repr__(self) -> str:
        return f"Estimate({self._summary()}, {self.n_trials:,} trials)"

    def _summary(self) -> str:
        """Means with their errors, if they are few."""
        if self.mean.size > 6:
            return f"of shape {self.mean.shape}"
        pairs = zip(self.mean.ravel().tolist(), self.standard_error.ravel().tolist(), strict=True)
        return ", ".join(_rounded(*pair) for pair in pairs)


@dataclass(frozen=True)
class Precision:
    """When an estimate is good enough to stop.

    Every component's confidence interval of probability `level` must reach no further from the
    mean than `absolute`, or than `relative` times the mean's size; either will do, if both are
    given. At least 100 trials are taken in any case.

    Parameters
    ----------
    relative, absolute : float, optional
        Positive; at least one of them.
    level : float, optional
        Between 0 and 1: 0.95 if not given.

    Raises
    ------
    TypeError, ValueError
        For a number of another type or out of its range, or none.
    """

    relative: float | None = None
    absolute: float | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        _validate.at_least_one(
            "a precision needs one of them", relative=self.relative, absolute=self.absolute
        )
        for name in ("relative", "absolute"):
            if getattr(self, name) is not None:
                _validate.positive_float(getattr(self, name), name)
        _validate.fraction(self.level, "level")

    def holds(self, estimate: Estimate) -> bool:
        """Whether an estimate has it."""
        allowed = np.full_like(estimate.mean, self.absolute or 0.0)
        if self.relative is not None:
            allowed = np.maximum(allowed, self.relative * np.abs(estimate.mean))
        reach = _quantile(self.level) * estimate.standard_error
        return estimate.n_trials >= 100 and bool((reach <= allowed).all())


def _quantile(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + 0.5 * level)


def _rounded(mean: float, error: float) -> str:
    """Two digits of the error, and the mean to the same place."""
    if error == 0.0 or not math.isfinite(error):
        return f"{mean:g} ± {error:g}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{mean:.{decimals}f} ± {error:.{decimals}f}"


def _own(array: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    # Copied, because sums are merged with others yet.
    return read_only(array.reshape(shape).copy())
