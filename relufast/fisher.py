"""The Fisher information of the output weights of a wide two-layer ReLU network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._blas import single_threaded
from relufast._block_krylov import GUARDS, Approximation, approximations
from relufast._cpus import thread_count
from relufast._directions import directions
from relufast._feature_form import FeatureForm
from relufast._fisher_basis import GROUPS, FisherBasis, approximate_eigenvectors
from relufast._kernel_form import KernelForm
from relufast._products import times
from relufast._read_only import read_only
from relufast._symmetric_operator import SymmetricOperator
from relufast._validate import FloatArray


@dataclass(frozen=True, eq=False)
class FisherEigenpairs:
    """Leading eigenpairs of a Fisher information matrix.

    Attributes
    ----------
    eigenvalues : ndarray of float64, shape (k,)
        Descending.
    eigenvectors : ndarray of float64, shape (m, k)
        Orthonormal columns; in each the entry of largest size is positive.
    residuals : ndarray of float64, shape (k,)
        |J v - lambda v|: as far as that from lambda there is an eigenvalue.
    passes : int
        Products of the matrix with a block of vectors, one in single precision counted too.
    """

    eigenvalues: FloatArray
    eigenvectors: FloatArray
    residuals: FloatArray
    passes: int

    def __repr__(self) -> str:
        return (
            f"FisherEigenpairs({len(self.eigenvalues)} pairs, residuals up to "
            f"{self.residuals.max():.1e}, {self.passes} passes)"
        )


class FisherConvergenceError(RuntimeError):
    """Eigenpairs did not become as accurate as asked for.

    Attributes
    ----------
    eigenpairs : FisherEigenpairs
        The best ones so far, with their residuals.
    """

    def __init__(self, message: str, eigenpairs: FisherEigenpairs) -> None:
        super().__init__(message)
        self.eigenpairs = eigenpairs

    def __reduce__(self) -> tuple[type[FisherConvergenceError], tuple[Any, ...]]:
        return type(self), (str(self), self.eigenpairs)


@dataclass(frozen=True)
class EigenProgress:
    """A moment of `FisherInformation.eigh`.

    Attributes
    ----------
    passes : int
        Done so far.
    n_converged, k : int
        Of the k pairs so many have small residuals.
    largest_residual : float
        In units of the largest eigenvalue; infinite after a pass in single precision, which tells
        none.
    """

    passes: int
    n_converged: int
    k: int
    largest_residual: float


class _Form(Protocol):
    def product(self, block: FloatArray, n_threads: int) -> FloatArray: ...
    def diagonal(self) -> FloatArray: ...
    def to_dense(self, n_threads: int) -> FloatArray: ...


class FisherInformation(SymmetricOperator):
    """The Fisher information of v in f_v(x) = v . relu(W x), with unit Gaussian noise.

    It is J = E[relu(W x) relu(W x)^T], m x m, for x ~ N(0, I_d)::

        J_ij = |w_i| |w_j| (sin t + (pi - t) cos t) / (2 pi)

    with t the angle between rows i and j of W. The matrix is never formed, unless `to_dense` is
    called: m may be 100,000. `empirical` and `on_sphere` make the same for other inputs.

    Parameters
    ----------
    W : array_like of float, shape (m, d)
        Finite, m and d at least 1. Zero rows give zero rows of J.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity or a row whose squared norm overflows.

    Notes
    -----
    An entry errs by less than 4 eps |w_i| |w_j|, eps = 2**-52, given the cosine of t, and passes
    on the error of that, about (d + 4) eps at most. Squares of norms below 1e-154 lose digits, as
    float64 does there. A product with k vectors makes half of the
    entries, 2 d operations and 2 to 4 ns each, and takes 2 k operations for every entry. Memory is
    O(m (d + k)).

    References
    ----------
    arXiv 2505.17907. The kernel: Cho and Saul, NIPS 2009, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> W = np.random.default_rng(1).standard_normal((2000, 3)) / np.sqrt(2000)
    >>> J = relufast.FisherInformation(W)
    >>> round(J.trace, 2)
    1.5
    >>> pairs = J.eigh(4)
    >>> pairs.eigenvalues.round(2)
    array([0.57, 0.27, 0.25, 0.23])
    >>> bool(pairs.residuals.max() < 1e-8 * pairs.eigenvalues[0])
    True
    """

    def __init__(self, W: ArrayLike) -> None:
        self._set_weights(W)
        self._set_kernel(1.0 / (2.0 * math.pi))

    @classmethod
    def on_sphere(cls, W: ArrayLike, *, radius: float | None = None) -> FisherInformation:
        """For inputs uniform on the sphere around the origin.

        Parameters
        ----------
        W : array_like of float, shape (m, d)
            As for the class.
        radius : float, optional
            Positive; sqrt(d) by default, for which it is the same as for Gaussian inputs.

        Returns
        -------
        FisherInformation
            That of Gaussian inputs times radius^2 / d, because relu scales with its argument and
            a Gaussian vector's length, of mean square d, is independent of its direction.

        Raises
        ------
        TypeError, ValueError
            As the class, and for a radius that is not positive or so large that J overflows.
        """
        self = cls.__new__(cls)
        self._set_weights(W)
        factor = 1.0
        if radius is not None:
            length = _validate.positive_float(radius, "radius")
            factor = length * length / self.dimension
            self._require_room(factor, "radius and W are")
        self._set_kernel(factor / (2.0 * math.pi))
        return self

    @classmethod
    def empirical(cls, W: ArrayLike, X: ArrayLike) -> FisherInformation:
        """For the empirical law of given inputs: the mean of relu(W x) relu(W x)^T over rows of X.

        Parameters
        ----------
        W : array_like of float, shape (m, d)
            As for the class.
        X : array_like of float, shape (n, d)
            Finite, n at least 1.

        Returns
        -------
        FisherInformation
            A product takes 2 n m (d + 2 k) operations. Features are made anew in each, in chunks
            of some 2**20, so that memory is O((m + n) d + m k) for each thread.

        Raises
        ------
        TypeError, ValueError
            As the class, for X too, for X of another dimension than W, and if J would overflow.
        """
        self = cls.__new__(cls)
        self._set_weights(W)
        points = _validate.nonempty_matrix(X, "X").copy()
        _validate.require_columns(points, "X", self.dimension, of="W")
        with np.errstate(over="ignore"):
            self._require_room(float(np.square(directions(points, "X").norms).sum()), "X and W are")
        self._form = FeatureForm(self._weights, points)
        return self

    def _set_weights(self, W: ArrayLike) -> None:
        self._weights = _validate.nonempty_matrix(W, "W").copy()
        self._rows = directions(self._weights, "W")
        self._n_rows, self._dimension = map(int, self._weights.shape)

    def _require_room(self, factor: float, what: str) -> None:
        """For the sum of all squared norms of rows of W, times that of the inputs."""
        with np.errstate(over="ignore"):
            room = factor * float(np.square(self._rows.norms).sum())
        if not math.isfinite(room):
            raise ValueError(
                f"{what} so large that J exceeds float64; divide one by a power of two"
            )

    def _set_kernel(self, factor: float) -> None:
        self._form: _Form = KernelForm(self._rows, degree=1, factor=factor)

    def _product(self, block: FloatArray, n_threads: int) -> FloatArray:
        return self._form.product(block, n_threads)

    @property
    def dimension(self) -> int:
        """d, the dimension of inputs."""
        return self._dimension

    @property
    def trace(self) -> float:
        """The sum of all eigenvalues."""
        return float(self.diagonal.sum())

    @property
    def diagonal(self) -> FloatArray:
        """Shape (m,): |w_i|^2 / 2 for Gaussian inputs."""
        return self._form.diagonal()

    def to_dense(self, *, n_threads: SupportsIndex | None = None) -> FloatArray:
        """The matrix itself, shape (m, m): 8 m^2 bytes."""
        return self._form.to_dense(thread_count(n_threads))

    def inner_product(self, u: ArrayLike, v: ArrayLike) -> float:
        """u^T J v = E[f_u(x) f_v(x)].

        Parameters
        ----------
        u, v : array_like of float, shape (m,)

        Raises
        ------
        TypeError, ValueError
            For a wrong type, dtype or shape, NaN and infinity.
        """
        left = _validate.vector(u, "u", self._n_rows)
        return float(left @ self.matvec(v))

    def basis(self) -> FisherBasis:
        """Vectors that tend to eigenvectors as m grows, for rows of W from a Gaussian law.

        Returns
        -------
        FisherBasis
            Groups "norm" (eigenvalue lambda_0), "linear" (lambda_1), "product" and "square" (both
            lambda_2), with memory for m d (d + 3) / 2 numbers.
        """
        return approximate_eigenvectors(self._rows)

    def alignment(
        self,
        *,
        eigenpairs: FisherEigenpairs | None = None,
        tol: float = 1e-8,
        seed: SupportsIndex = 0,
        n_threads: SupportsIndex | None = None,
    ) -> dict[str, FloatArray]:
        """Principal angles between each group of `basis` and the eigenspace that it tends to.

        The eigenspaces are those of the leading eigenvector ("norm"), of the next d ("linear") and
        of the next d (d + 1) / 2 - 1 ("product" and "square", which each span a part of it).

        Parameters
        ----------
        eigenpairs : FisherEigenpairs, optional
            What `eigh` of this matrix returned for d (d + 3) / 2 pairs or more, if they are known
            already.
        tol, seed, n_threads
            As for `eigh`, where eigenpairs are not given.

        Returns
        -------
        dict of str to ndarray of float64
            For each group that is not empty as many angles as it has vectors, in radians, rising.

        Raises
        ------
        TypeError
            For a wrong type.
        ValueError
            For `eigenpairs` of too few pairs or another number of rows; if W has fewer rows than
            `basis` has vectors, d (d + 3) / 2, or where a group's vectors are linearly dependent.
        FisherConvergenceError
            As `eigh`.
        """
        basis = self.basis()
        d, n_vectors = self._dimension, basis.vectors.shape[1]
        if self._n_rows < n_vectors:
            raise ValueError(
                f"W has {self._n_rows} rows, but alignment needs at least {n_vectors}, d (d + 3)/2"
            )
        if eigenpairs is None:
            eigenpairs = self.eigh(n_vectors, tol=tol, seed=seed, n_threads=n_threads)
        else:
            _validate.instance(eigenpairs, "eigenpairs", FisherEigenpairs, "what eigh returns")
            shape = eigenpairs.eigenvectors.shape
            _validate.eigenvector_shape(shape, "eigenpairs", self._n_rows, n_vectors)
        found = eigenpairs.eigenvectors[:, :n_vectors]
        spaces = {"norm": found[:, :1], "linear": found[:, 1 : d + 1]}
        spaces["product"] = spaces["square"] = found[:, d + 1 :]
        return {
            group: _angles(basis.group(group), spaces[group], group)
            for group in GROUPS
            if group in basis.groups
        }

    def eigh(
        self,
        k: SupportsIndex,
        *,
        tol: float = 1e-8,
        max_passes: SupportsIndex = 100,
        seed: SupportsIndex = 0,
        n_threads: SupportsIndex | None = None,
        progress: Callable[[EigenProgress], object] | None = None,
    ) -> FisherEigenpairs:
        """The k leading eigenpairs.

        Parameters
        ----------
        k : int
            From 1 to m.
        tol : float, optional
            Between 0 and 1: how large a residual |J v - lambda v| may be, in units of the largest
            eigenvalue.
        max_passes : int, optional
            At least 1.
        seed : int, optional
            Of the random vectors that the first block has besides those of `basis`. The result is
            the same for the same seed, whatever `n_threads` is.
        n_threads : int, optional
            For products; all CPUs by default.
        progress : callable, optional
            Called with an `EigenProgress` after every pass.

        Returns
        -------
        FisherEigenpairs

        Raises
        ------
        TypeError
            For a wrong type.
        ValueError
            For a value out of its range, or k above m.
        FisherConvergenceError
            If `max_passes` were not enough, or `tol` is below what rounding allows, about 1e-15
            times a small power of m. The best pairs are attached.

        Notes
        -----
        Block Krylov started from `basis`, with all products kept and restarts. For Gaussian W and
        k at the end of a group (1, 1 + d, d (d + 3) / 2) some 3 to 5 passes do, because the next
        group's eigenvalues are far smaller; k inside of a group or beyond the last takes more.
        There are at least 2 passes, unless all residuals vanish at the first. The first one, of the
        start, is in single precision for k in the second group, d + 2 to d (d + 3) / 2; all others,
        and all residuals, are in double. Memory is for about 10 (k + 4) vectors of length m, or 10
        times the size of `basis` where k comes near that; k above m / 2 is done by one pass with
        the identity, that is the dense matrix.

        Residuals prove that there is an eigenvalue near each one found. That none in between is
        missed is not proven, but random vectors in the block make it unlikely.

        References
        ----------
        Stewart, A Krylov-Schur algorithm for large eigenproblems, SIAM J. Matrix Anal. Appl. 23(3),
        2002, for restarts; here with blocks.
        """
        number = _validate.count_up_to(k, "k", self._n_rows, "rows of W")
        tolerance = _validate.fraction(tol, "tol")
        most = _validate.positive_int(max_passes, "max_passes")
        random = np.random.default_rng(_validate.seed(seed))
        threads = thread_count(n_threads)
        report = _validate.callable_or_none(progress, "progress")

        def product(block: FloatArray) -> FloatArray:
            return self._form.product(block, threads)

        best: Approximation | None = None
        with single_threaded():
            start = self._first_block(number, random)
            passes = 0
            if most > 1 and self._gains_by_a_rough_pass(number):
                start = self._rough_image(start, threads)
                passes = 1
                if report is not None:
                    report(EigenProgress(passes, 0, number, math.inf))
            for found in approximations(product, start, number, tolerance, random, passes):
                best = found
                small = found.residuals <= tolerance * abs(found.values[0])
                if report is not None:
                    scale = abs(float(found.values[0])) or 1.0
                    worst = float(found.residuals.max()) / scale
                    report(EigenProgress(found.passes, int(small.sum()), number, worst))
                is_whole = len(start) == self._n_rows
                if small.all() and (found.passes > 1 or is_whole):
                    return _as_eigenpairs(found)
                if found.passes == most:
                    break
        assert best is not None
        pairs = _as_eigenpairs(best)
        small = best.residuals <= tolerance * abs(best.values[0])
        if small.all():
            return pairs
        raise FisherConvergenceError(
            f"{int((~small).sum())} of {number} eigenpairs have residuals above {tolerance:g} of "
            f"the largest eigenvalue after {best.passes} passes; the largest is "
            f"{best.residuals.max():.3g}",
            pairs,
        )

    def _gains_by_a_rough_pass(self, k: int) -> bool:
        """Whether the image of the first block is that much better a start.

        It is where the second group is wanted: the eigenvalues beyond are some 100 times smaller,
        so that single precision does not limit what one pass gains. Between the first groups the
        gaps are narrower.
        """
        d = self._dimension
        few = 2 * (k + GUARDS) < self._n_rows
        return isinstance(self._form, KernelForm) and few and d + 1 < k <= d * (d + 3) // 2

    def _rough_image(self, start: FloatArray, n_threads: int) -> FloatArray:
        """Of vectors as rows, up to a factor, by a pass in single precision."""
        assert isinstance(self._form, KernelForm)
        return np.ascontiguousarray(self._form.rough_product(start.T, n_threads).T)

    def _first_block(self, k: int, random: np.random.Generator) -> FloatArray:
        """Vectors as rows, whose span is near that of the leading ones."""
        m, d = self._weights.shape
        if 2 * (k + GUARDS) >= m:
            return np.eye(m)
        n_linear = 1 + d
        if k <= n_linear:
            rows = (self._rows.norms, (self._rows.norms[:, np.newaxis] * self._rows.units).T)
            start = np.vstack(rows)
        else:
            start = self.basis().vectors.T
            lengths = np.linalg.norm(start, axis=1, keepdims=True)
            start = start / np.where(lengths > 0.0, lengths, 1.0)
            n_second = 2 * (k - n_linear) + 2 * GUARDS
            if n_second < len(start) - n_linear:
                # Not all of a large group: random combinations of it.
                mix = random.standard_normal((n_second, len(start) - n_linear))
                start = np.vstack([start[:n_linear], times(mix, start[n_linear:])])
        n_random = max(GUARDS, k + GUARDS - len(start))
        more = random.standard_normal((n_random, m))
        return np.vstack([start, more])

    def __repr__(self) -> str:
        return f"FisherInformation({self._n_rows:,} neurons, {self._dimension} inputs)"


def _as_eigenpairs(found: Approximation) -> FisherEigenpairs:
    vectors = found.vectors.T
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0.0, -1.0, 1.0)
    return FisherEigenpairs(
        read_only(found.values.copy()),
        read_only(np.ascontiguousarray(vectors * signs)),
        read_only(found.residuals),
        found.passes,
    )


def _angles(group: FloatArray, space: FloatArray, name: str) -> FloatArray:
    """Rising; from sines where they are small, from cosines where not, both to rounding."""
    from scipy.linalg import subspace_angles

    with single_threaded():
        angles = np.asarray(subspace_angles(group, space))
    if len(angles) < group.shape[1]:
        raise ValueError(f"W makes the vectors of the group {name!r} linearly dependent")
    return angles[::-1].copy()
