"""Layers of low rank fitted to a layer at given points."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relufast import _core
from relufast._products import times
from relufast._validate import FloatArray

# Evaluations of a power sum and its gradient that one of its stages may take.
_EVALUATIONS_EACH = 300
# log2 of the power q of squared errors that a fit begins with, from anywhere.
FAR_LOG2_Q = 2
# Of the entries of a start's factors, relative to their root mean square.
_PERTURBATION = 0.3
_EPS = 2.0**-52  # twice the roundoff, for what is left out of second order


class Factors(NamedTuple):
    """A matrix W @ M of low rank."""

    W: FloatArray  #: (m, k)
    M: FloatArray  #: (k, n)

    def product(self) -> FloatArray:
        return np.ascontiguousarray(times(self.W, self.M))

    def padded(self, k: int) -> Factors:
        """The same matrix as one of a rank up to k."""
        more = k - self.W.shape[1]
        return Factors(np.pad(self.W, ((0, 0), (0, more))), np.pad(self.M, ((0, more), (0, 0))))


def truncated(A: FloatArray, k: int, metric: FloatArray | None = None) -> Factors:
    """The matrix of rank k next to A, in the Frobenius norm, or that of (A - L) R for a metric R.

    With R R^T = X^T X it is the one whose linear outputs at the points X are next to those of A.
    """
    from scipy.linalg import svd

    m, n = A.shape
    if k == 0:
        return Factors(np.zeros((m, 0)), np.zeros((0, n)))
    left, values, right = svd(A if metric is None else times(A, metric), full_matrices=False)
    if metric is None:
        roots = np.sqrt(values[:k])
        return _contiguous(left[:, :k] * roots, roots[:, np.newaxis] * right[:k])
    # The outputs' leading directions: L is A projected onto them.
    basis = np.ascontiguousarray(left[:, :k])
    return balanced(Factors(basis, times(np.ascontiguousarray(basis.T), A)))


def balanced(factors: Factors) -> Factors:
    """W = U sqrt(S) and M = sqrt(S) V^T of the product's singular value decomposition."""
    return truncated(factors.product(), factors.W.shape[1])


def metric_of(X: FloatArray) -> FloatArray:
    """A square matrix R with R R^T = X^T X / N, up to rounding."""
    from scipy.linalg import eigh

    values, vectors = eigh(times(np.ascontiguousarray(X.T), X) / len(X))
    return np.ascontiguousarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def starts(
    A: FloatArray,
    truncation: Factors,
    metric: FloatArray,
    before: Factors | None,
    n_perturbed: int,
    random: np.random.Generator,
) -> list[Factors]:
    """Where fits begin: a truncation, the last fit of a smaller rank and what it lacks, others."""
    k = truncation.W.shape[1]
    found = [truncation]
    if before is not None and 0 < before.W.shape[1] < k:
        rest = truncated(A - before.product(), k - before.W.shape[1], metric)
        found.append(Factors(np.hstack([before.W, rest.W]), np.vstack([before.M, rest.M])))
    for i in range(n_perturbed):
        found.append(_perturbed(found[i % len(found)], random))
    return [_contiguous(*start) for start in found]


def fit_maximum(
    errors: _core.LayerErrors, start: Factors, first_log2_q: int, last_log2_q: int, n_threads: int
) -> tuple[Factors, float]:
    """A fit that is nowhere as far off as the start where that is farthest; its largest square."""
    first = min(first_log2_q, last_log2_q)
    W, M, largest, _ = errors.fit(*start, first, last_log2_q, _EVALUATIONS_EACH, n_threads)
    return Factors(W, M), largest


def fit_squares(errors: _core.LayerErrors, start: Factors, n_threads: int) -> tuple[Factors, float]:
    """A fit by least squares, and the sum of its squared errors."""
    W, M, _, _ = errors.fit(*start, 0, 0, 10 * _EVALUATIONS_EACH, n_threads)
    fit = Factors(W, M)
    return fit, float(errors.squares(fit.product(), n_threads).sum())


def last_power(A: FloatArray, k: int, rtol: float) -> int:
    """log2 of a q whose power sums lead to the maximum but for a factor of about 1 + rtol.

    At a minimum of the maximum about as many points share it as L has degrees of freedom, and the
    norm of so many equal numbers is larger than they by their number to the power 1 / (2 q).
    """
    freedom = k * (sum(A.shape) - k)
    least = max(rtol, 2.0**-52)  # below it rounding decides
    return max(FAR_LOG2_Q, math.floor(math.log2(math.log(freedom + 1.0) / (2.0 * least))))


def rounding_bound(A: FloatArray, bias: FloatArray, fit: Factors, radius: float) -> float:
    """How far computed errors are from those of exactly W @ M, in the ball of that radius.

    Higham's bounds of dot products, of rows in the Frobenius norm. Besides, squares are added up
    with a relative error, which `relative_rounding` bounds.
    """
    k, n = fit.M.shape
    sizes = np.linalg.norm(A) + np.linalg.norm(fit.W) * np.linalg.norm(fit.M)
    return float((n + k + 4) * _EPS * radius * sizes + 2.0 * _EPS * np.linalg.norm(bias))


def relative_rounding(m: int) -> float:
    """Of a norm of m differences."""
    return (m + 8) * _EPS


def _perturbed(start: Factors, random: np.random.Generator) -> Factors:
    W, M = (
        factor + _PERTURBATION * np.sqrt(np.mean(factor**2)) * random.standard_normal(factor.shape)
        for factor in start
    )
    return Factors(W, M)


def _contiguous(W: FloatArray, M: FloatArray) -> Factors:
    return Factors(np.ascontiguousarray(W), np.ascontiguousarray(M))
