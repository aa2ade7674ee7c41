"""Sums over trials that merge without losing digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relufast._validate import FloatArray


@dataclass(frozen=True, eq=False)
class Moments:
    """Of k quantities over n trials. Merging is the same to the bit for the same order."""

    n: int
    n_uncertified: int  # trials whose result rounding could have changed
    mean: FloatArray  # (k,)
    spread: FloatArray  # (k,) sums of squared deviations, or (k, k) sums of their products
    minimum: FloatArray  # (k,)
    maximum: FloatArray  # (k,)

    @classmethod
    def of_rows(cls, rows: FloatArray, n_uncertified: int, *, covariance: bool) -> Moments:
        """Of at least one trial, a row for each; not finite where a value is not."""
        with np.errstate(over="ignore", invalid="ignore"):
            # As rows.mean and the like, which take twice as long for few rows.
            mean = np.add.reduce(rows) / len(rows)
            deviations = rows - mean
            # Not a matrix product, whose bits would depend on the BLAS and its threads.
            spread = (
                np.einsum("ti,tj->ij", deviations, deviations, optimize=False)
                if covariance
                else np.add.reduce(deviations**2)
            )
            minimum, maximum = np.minimum.reduce(rows), np.maximum.reduce(rows)
        return cls(len(rows), n_uncertified, mean, spread, minimum, maximum)

    @property
    def is_finite(self) -> bool:
        """False where squares or sums left the range of float64."""
        # No deviation from a mean that is not finite is.
        return bool(np.isfinite(self.spread).all())

    @np.errstate(over="ignore", invalid="ignore")
    def merged(self, other: Moments) -> Moments:
        """Of both (Chan, Golub and LeVeque, Amer. Statist. 37, 1983)."""
        n = self.n + other.n
        difference = other.mean - self.mean
        products = (
            difference**2 if self.spread.ndim == 1 else np.multiply.outer(difference, difference)
        )
        return Moments(
            n,
            self.n_uncertified + other.n_uncertified,
            self.mean + difference * (other.n / n),
            self.spread + other.spread + products * (self.n * (other.n / n)),
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )
