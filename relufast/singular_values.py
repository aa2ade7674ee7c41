"""Singular values of a ReLU layer: how near layers of each rank come to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _sphere_search as sphere
from relufast import _validate
from relufast._blas import single_threaded
from relufast._cpus import thread_count
from relufast._low_rank_fits import Factors
from relufast._rank_fitters import Fit, PointFitter, RankFitter, Settings, SphereFitter
from relufast._read_only import read_only
from relufast._validate import FloatArray

# How far from 1 the norm of a point of the unit sphere may be: what rounding in float32 leaves.
_NORM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class LowRankFit:
    """A matrix L = W M of rank k at the most.

    Attributes
    ----------
    W : ndarray of float64, shape (m, k)
    M : ndarray of float64, shape (k, n)
        W = U sqrt(S) and M = sqrt(S) V^T of the singular value decomposition of L, but for k =
        min(m, n), where one of the two is the identity and the other A.
    """

    W: FloatArray
    M: FloatArray


@dataclass(frozen=True, eq=False)
class ReLUSingularValues:
    """How near layers relu(L x + b), L of rank k at the most, come to relu(A x + b).

    Errors are |relu(A x + b) - relu(L x + b)|, and s_k is the largest one of the best L. All arrays
    have an entry for each of `ks`.

    Attributes
    ----------
    ks : tuple of int
        The ranks, rising from 0 at the least to min(m, n) at the most.
    upper : ndarray of float64
        The largest error of `fits`. At given points it includes a bound of all rounding, so that it
        is not below s_k over these points. On the sphere it is the largest one that was met by
        climbs from many points, and by branch and bound in up to 4 dimensions. Never rises.
    bound : ndarray of float64
        s_k is not larger: over the points the same as `upper`; over the sphere, and so over the
        ball, what was proven.
    lower : ndarray of float64
        sigma_k / sqrt(2) times `radius`: over the ball of that radius s_k is not smaller. NaN where
        there is a bias.
    linear : ndarray of float64
        sigma_k, the singular values of A from sigma_0 = |A| on, 0 beyond the last: times `radius`
        the largest error of the linear layers.
    too_sparse : ndarray of bool
        `upper` is below `lower`: the points are too few to stand for their ball.
    converged : ndarray of bool
        On the sphere: the last search met no error larger than that at the points by more than
        `rtol`. At given points always True.
    fits : tuple of LowRankFit
    radius : float
        1 for the sphere; the largest norm of the points.
    n_points : int
        Points of the fits, those added included.
    objective : str
        As given.
    """

    ks: tuple[int, ...]
    upper: FloatArray
    bound: FloatArray
    lower: FloatArray
    linear: FloatArray
    too_sparse: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    fits: tuple[LowRankFit, ...]
    radius: float
    n_points: int
    objective: str

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.upper[:8])
        more = ", ..." if len(self.ks) > 8 else ""
        return f"ReLUSingularValues({values}{more}; {self.n_points:,} points)"


@dataclass(frozen=True)
class SingularValueProgress:
    """A moment of `relu_singular_values`: a rank is done.

    Attributes
    ----------
    k : int
        The rank.
    upper : float
        Its largest error.
    n_done, n_ranks : int
        Ranks done so far, and to be done.
    """

    k: int
    upper: float
    n_done: int
    n_ranks: int


def relu_singular_values(
    A: ArrayLike,
    bias: ArrayLike | None = None,
    X: ArrayLike | None = None,
    *,
    ks: SupportsIndex | ArrayLike | None = None,
    objective: str = "max",
    refine: bool | None = None,
    n_points: SupportsIndex = 1000,
    n_starts: SupportsIndex = 0,
    rtol: float = 2e-3,
    seed: SupportsIndex = 0,
    n_threads: SupportsIndex | None = None,
    progress: Callable[[SingularValueProgress], object] | None = None,
) -> ReLUSingularValues:
    """Singular values of the layer relu(A x + bias): its distance from layers of rank k.

    s_k is the minimum, over matrices L of rank k at the most, of the largest |relu(A x + bias) -
    relu(L x + bias)|: over given points, or over the unit ball if there are none. It is bounded
    from above by fits L = W M and, over a ball without bias, from below.

    Parameters
    ----------
    A : array_like of float, shape (m, n)
        Finite, m and n at least 1.
    bias : array_like of float, shape (m,), optional
        Finite; none by default. It needs X.
    X : array_like of float, shape (N, n), optional
        Finite, at least one point. By default the unit sphere, where without bias the largest error
        in the ball is, because everything is positively homogeneous.
    ks : int or array_like of int, optional
        Ranks from 0 to min(m, n); by default all.
    objective : {"max", "squares"}, optional
        What a fit makes small at the points: the largest error, or the sum of squared errors, as
        the paper does.
    refine : bool, optional
        Whether points are a sample of the unit sphere, to which those are added where a fit is
        worst, until its largest error on the sphere is that at the points, but for `rtol`. By
        default so if X is not given. With the objective "squares" no points are added: the largest
        error on the sphere is only searched for.
    n_points : int, optional
        Of the first sample of the sphere, uniform; ignored if X is given.
    n_starts : int, optional
        Random starts of a fit besides those described below, at least 0. The problem has many
        minima; each start more takes as long as another one.
    rtol : float, optional
        Between 0 and 1: how near to a minimum a fit gets, about; how much larger than at the points
        an error on the sphere may be; how far from it its proven bound in up to 4 dimensions.
    seed : int, optional
        Of samples and random starts. The result is the same for the same seed, whatever `n_threads`
        is.
    n_threads : int, optional
        All CPUs by default.
    progress : callable, optional
        Called with a `SingularValueProgress` after every rank.

    Returns
    -------
    ReLUSingularValues

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity, a value out of its range, a bias without X or with
        ``refine=True``, points off the unit sphere with ``refine=True``, and for numbers so large
        that the errors overflow.

    Notes
    -----
    *Fits.* They begin at the truncated singular value decomposition or that of the outputs A X^T,
    whichever is nearer, at the last fit with what it lacks to A, truncated, and at `n_starts`
    random perturbations of these. From each, L-BFGS minimises sums of powers e^q of squared errors,
    q = 4, 16, 64, ..., the last ones near to the maximum, over the points that matter in them. The
    best fit is never worse than the truncated decomposition. With "squares" it is q = 1 alone, to
    convergence.

    *On the sphere.* A climb goes from great circle to great circle, to the largest error on each,
    which is exact, kinks included. In up to 4 dimensions branch and bound proves the result, so
    that it holds over the sphere; beyond that `bound` is |A - L| or sigma_k, and `upper` what the
    search met.

    *How exact.* `upper` is an upper bound of s_k over given points, all rounding included. How far
    above s_k it is, is not known: the problem is not convex. `lower` tells, on a ball.

    *Cost.* An evaluation takes 4 m n N operations, a rank some 100 to 500 evaluations a start, the
    later ones on fewer points where N is large beside k (m + n). Memory is for N (m + n) numbers.

    References
    ----------
    Dittmer, King and Maass, Singular Values for ReLU Layers, arXiv 1812.02566. The lower bound is
    our own: L of rank k has a kernel of dimension n - k at least, where relu(L x) = 0, and as
    |relu(A x)|^2 + |relu(-A x)|^2 = |A x|^2, x or -x there has an error of |A x| / sqrt(2).

    Examples
    --------
    >>> import relufast
    >>> relufast.relu_singular_values([[3.0, 0.0], [0.0, 1.0]]).upper.round(3)
    array([3., 1., 0.])
    >>> values = relufast.relu_singular_values([[1.0], [-1.0]])
    >>> values.upper.round(3), values.lower.round(3), values.linear.round(3)
    (array([1., 0.]), array([1., 0.]), array([1.414, 0.   ]))
    """
    problem = _problem(A, bias, X, refine, n_points, seed)
    m, n = problem.A.shape
    ranks = _validate.ranks_up_to(ks, "ks", min(m, n))
    settings = Settings(
        _validate.choice(objective, "objective", ("max", "squares")),
        _validate.non_negative_int(n_starts, "n_starts"),
        _validate.fraction(rtol, "rtol"),
        thread_count(n_threads),
    )
    report = _validate.callable_or_none(progress, "progress")
    with single_threaded():
        fitter = problem.fitter(settings)
        fits: list[Fit] = []
        for k in ranks:
            fits.append(_next_fit(problem, fitter, k, fits[-1] if fits else None))
            if report is not None:
                upper = problem.error(fits[-1].upper)
                report(SingularValueProgress(k, upper, len(fits), len(ranks)))
        return _as_result(problem, fitter, settings, ranks, fits)


@dataclass(frozen=True, eq=False)
class _Problem:
    """A layer and points, divided by powers of two so that outputs are about 1 in size."""

    A: FloatArray
    bias: FloatArray
    points: FloatArray
    refine: bool
    log2_A: int
    log2_X: int
    random: np.random.Generator

    def fitter(self, settings: Settings) -> RankFitter:
        if self.refine:
            return SphereFitter(self.A, self.points, settings, self.random)
        return PointFitter(self.A, self.bias, self.points, settings, self.random)

    def error(self, scaled: float) -> float:
        """An error in the caller's units."""
        try:
            return math.ldexp(scaled, self.log2_A + self.log2_X)
        except OverflowError:
            raise ValueError(
                "A and X are so large that errors overflow; divide A, bias or X by a power of two"
            ) from None


def _problem(
    A: object, bias: object, X: object, refine: object, n_points: object, seed: object
) -> _Problem:
    matrix = _validate.nonempty_matrix(A, "A")
    m, n = matrix.shape
    offset = np.zeros(m) if bias is None else _validate.vector(bias, "bias", m)
    count = _validate.size(n_points, "n_points")
    is_sphere = X is None if refine is None else _validate.flag(refine, "refine")
    if bias is not None and (X is None or is_sphere):
        raise ValueError(
            "bias is given, but the unit sphere stands for its ball only without; give X, and not "
            "refine=True"
        )
    random = np.random.default_rng(_validate.seed(seed))
    points = sphere.sample(count, n, random) if X is None else _points(X, n, is_sphere)
    log2_X = 0 if is_sphere else _exponent(points)
    log2_A = _exponent(matrix)
    if offset.any():
        log2_A = max(log2_A, _exponent(offset) - log2_X)
    return _Problem(
        np.ascontiguousarray(np.ldexp(matrix, -log2_A)),
        np.ldexp(offset, -(log2_A + log2_X)),
        np.ascontiguousarray(np.ldexp(points, -log2_X)),
        is_sphere,
        log2_A,
        log2_X,
        random,
    )


def _points(X: object, dimension: int, is_sphere: bool) -> FloatArray:
    points = _validate.batch(X, "X", dimension)
    if len(points) == 0:
        raise ValueError(f"X has shape {points.shape}, but needs at least one point")
    if not is_sphere:
        return points
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(points, axis=1)
    far = np.abs(norms - 1.0) > _NORM_TOLERANCE
    if far.any():
        i = int(np.argmax(far))
        raise ValueError(
            f"X[{i}] has norm {norms[i]:.6g}, but refine=True needs points of the unit sphere"
        )
    normalised: FloatArray = points / norms[:, np.newaxis]
    return normalised


def _exponent(values: FloatArray) -> int:
    """Of the power of two above all of them; 0 for zeros."""
    return math.frexp(float(np.abs(values).max()))[1]


def _next_fit(problem: _Problem, fitter: RankFitter, k: int, before: Fit | None) -> Fit:
    """The fit of rank k, or that of a smaller rank where it is not worse."""
    m, n = problem.A.shape
    if k == min(m, n):
        exact = (problem.A, np.eye(n)) if k == n else (np.eye(m), problem.A)
        return Fit(Factors(*exact), 0.0, 0.0, True)
    fit = fitter.fit(k, None if before is None else before.factors)
    if before is None:
        return fit
    bound = min(fit.bound, before.bound)
    if before.upper <= fit.upper:
        return Fit(before.factors.padded(k), before.upper, bound, before.converged)
    return fit._replace(bound=bound)


def _as_result(
    problem: _Problem,
    fitter: RankFitter,
    settings: Settings,
    ranks: tuple[int, ...],
    fits: list[Fit],
) -> ReLUSingularValues:
    from scipy.linalg import svdvals  # 0.3 s, which `import relufast` need not take

    radius = 1.0 if problem.refine else float(np.linalg.norm(problem.points, axis=1).max())
    sigma = np.append(svdvals(problem.A), 0.0)[list(ranks)]
    upper = np.array([fit.upper for fit in fits])
    bound = np.array([fit.bound for fit in fits])
    # LAPACK's singular values err by a small multiple of eps times the largest.
    bound = np.minimum(bound, radius * (sigma + 1e-13 * sigma[0])) if problem.refine else bound
    lower = radius * sigma / math.sqrt(2.0)
    if problem.bias.any():
        lower = np.full(len(ranks), math.nan)
    too_sparse = upper < lower * (1.0 - 1e-12)

    def in_units(errors: FloatArray) -> FloatArray:
        return np.array([problem.error(error) for error in errors])

    half = problem.log2_A // 2
    factors = [
        LowRankFit(np.ldexp(fit.factors.W, half), np.ldexp(fit.factors.M, problem.log2_A - half))
        for fit in fits
    ]
    result = ReLUSingularValues(
        ks=ranks,
        upper=in_units(upper),
        bound=in_units(bound),
        lower=in_units(lower),
        linear=np.ldexp(sigma, problem.log2_A),
        too_sparse=too_sparse,
        converged=np.array([fit.converged for fit in fits]),
        fits=tuple(factors),
        radius=math.ldexp(radius, problem.log2_X),
        n_points=len(fitter.points),
        objective=settings.objective,
    )
    for array in (*vars(result).values(), *(part for fit in factors for part in (fit.W, fit.M))):
        if isinstance(array, np.ndarray):
            read_only(array)
    return result
