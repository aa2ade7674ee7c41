"""Ranks of matrices: exact, numerical, of every leading block, and of rows that keep coming."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _core, _validate
from relufast._blas import single_threaded
from relufast._distinct_rows import distinct_rows
from relufast._minor_bounds import minor_bits
from relufast._numerical_rank import numerical_rank
from relufast._orthogonal_basis import OrthogonalBasis
from relufast._primes import first_primes, prime
from relufast._validate import ExactMatrix
from relufast.structural_rank import structural_rank

# Primes that are tried where no proof is in sight: a false drop at all of them has a chance of
# about 2**-69 for a matrix that was not made for them.
_UNPROVEN_PRIMES = 3
# Floating-point operations that a proof may cost: seconds.
_PROOF_WORK = 4e10
_MOST_PRIMES = 2**16
_BITS_OF_PRIME = 22.58  # at least: they are larger than 2**23 - 2**21


@dataclass(frozen=True)
class RankResult:
    """The rank of a matrix, and what is proven of it.

    Attributes
    ----------
    rank : int
        The rank. Where `certified` is False it is `lower`.
    lower, upper : int
        Of the exact method: proven bounds of the rank over the rationals. Of the numerical one both
        are `rank`.
    certified : bool
        The rank is proven: `lower` and `upper` meet. Never so for the numerical method.
    primes : tuple of int
        The primes modulo which the matrix was eliminated.
    """

    rank: int
    lower: int
    upper: int
    certified: bool
    primes: tuple[int, ...]


def matrix_rank(A: ArrayLike, *, method: str = "exact", rtol: float | None = None) -> RankResult:
    """The rank of a matrix: over the rationals, or of singular values above a tolerance.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Finite real numbers. An empty matrix has rank 0. The exact method takes integers of 64 bits
        as they are, however large; for the numerical one they must not exceed 2**53 in size.
    method : {"exact", "numerical"}
        "exact" is the rank of exactly these numbers, so that 0.1 is the float64 next to 1/10.
        "numerical" is the number of singular values above `rtol` times the largest.
    rtol : float, optional
        Of the numerical method only, at least 0. By default max(m, n) times 2**-52.

    Returns
    -------
    RankResult

    Raises
    ------
    TypeError
        For a wrong type or dtype: object, complex, bool.
    ValueError
        For a shape that is no matrix's, NaN or infinity, a negative `rtol` or one for the exact
        method.

    Notes
    -----
    *Exact.* Rows and columns that are zero or repeated are left out, which bounds the rank from
    above, as does the pattern of zeros. Elimination modulo a prime of 23 bits bounds it from below.
    Where the two meet the rank is proven, for most matrices of full rank at once. Otherwise minors
    larger than the rank found are zero modulo the prime. As soon as the product of primes with
    this outcome exceeds Hadamard's bound of these minors, they are zero, and the rank is proven.
    Rank r of float64 numbers takes some 3 r primes. Where that would cost more than 4e10 operations
    (for float64 numbers at nearly full rank more than some 350 rows and columns) it is not tried:
    three primes are, `certified` is False, and `rank` is wrong only if all three divide every minor
    of the size of the rank, a chance of about 2**-69 for a matrix that was not made for them.

    *Numerical.* The matrix is first divided by a power of two, so that neither 1e308 nor subnormal
    numbers overflow or vanish.

    *How much.* For each prime about a third of the time of a product of n x n matrices at full
    rank, and 2 r m n operations at a small rank r. Memory for one copy.

    Examples
    --------
    >>> import relufast
    >>> relufast.matrix_rank([[1e-30, 0.0], [0.0, 1.0]]).rank
    2
    >>> relufast.matrix_rank([[1e-30, 0.0], [0.0, 1.0]], method="numerical").rank
    1
    >>> relufast.matrix_rank([[2**62, 1], [2**62 + 1, 1]])
    RankResult(rank=2, lower=2, upper=2, certified=True, primes=(7424201,))
    """
    if _method(method) == "numerical":
        rank = numerical_rank(_validate.matrix(A, "A"), _validate.tolerance_or_none(rtol, "rtol"))
        return RankResult(rank, rank, rank, False, ())
    _validate.absent(rtol, "rtol", "the exact method has no tolerance")
    matrix = _validate.exact_matrix(A, "A")
    # Several threads are slower at such sizes, by far on a machine that is busy.
    with single_threaded():
        return _exact_rank(matrix)


def column_rank_profile(A: ArrayLike) -> NDArray[np.int64]:
    """The columns that raise the rank of those before them: the first basis in order.

    Parameters
    ----------
    A : array_like, shape (m, n)
        As for the exact method of `matrix_rank`.

    Returns
    -------
    ndarray of int64, shape (rank,)
        Rising column numbers.

    Raises
    ------
    TypeError, ValueError
        As `matrix_rank`.

    Notes
    -----
    From one elimination modulo a prime of 23 bits. These columns are independent, which is proven.
    That each other one depends on those before it is not: it is wrong only where the prime divides
    every minor that would show otherwise, a chance of about 2**-23 for each number in the profile.

    Examples
    --------
    >>> import relufast
    >>> relufast.column_rank_profile([[0, 1, 2, 0], [0, 1, 2, 3]]).tolist()
    [1, 3]
    """
    return _profile(_validate.exact_matrix(A, "A"), axis=1)


def prefix_ranks(A: ArrayLike, *, axis: int) -> NDArray[np.int64]:
    """The rank of every leading block of rows or of columns, from one elimination.

    Parameters
    ----------
    A : array_like, shape (m, n)
        As for the exact method of `matrix_rank`.
    axis : int
        0 for leading rows, 1 for leading columns.

    Returns
    -------
    ndarray of int64, shape (m,) or (n,)
        Entry k is the rank of the first k + 1 rows or columns.

    Raises
    ------
    TypeError, ValueError
        As `matrix_rank`, and for another axis.

    Notes
    -----
    Each is a proven lower bound, and the rank but for a chance of about 2**-23: see
    `column_rank_profile`.

    Examples
    --------
    >>> import relufast
    >>> relufast.prefix_ranks([[0, 1, 2, 0], [0, 1, 2, 3]], axis=1).tolist()
    [0, 1, 1, 2]
    """
    matrix = _validate.exact_matrix(A, "A")
    along = _validate.matrix_axis(axis)
    raises = np.zeros(matrix.shape[along], np.int64)
    raises[_profile(matrix, along)] = 1
    return np.cumsum(raises)


class IncrementalRank:
    """The rank of rows that arrive piece by piece.

    Parameters
    ----------
    n_columns : int
        The length of a row, at least 1.
    method : {"exact", "numerical"}
        "exact": elimination modulo a prime of 23 bits, of exactly the numbers given. Ranks are
        proven lower bounds, and wrong with a chance of about 2**-23 each; `matrix_rank` of the
        whole matrix can prove them.
        "numerical": a row counts if its distance from the span of the rows that counted before is
        more than `rtol` times the norm of the longest row so far. It depends on the order of rows
        and is not the number of large singular values, though mostly the same.
    rtol : float, optional
        Of the numerical method only, at least 0. By default max(n_columns, 32) times 2**-52;
        distances are accurate to a few times 2**-52 of the row's norm.

    Raises
    ------
    TypeError, ValueError
        For a wrong type or value.

    Notes
    -----
    All rows together cost what one elimination of all does, 2 m r n operations at the most, if they
    come some 64 at a time; single ones cost more. Memory is for one row more than the rank, not for
    all rows. Not to be used by two threads at once.

    The numerical method keeps an orthonormal basis, by Gram and Schmidt's process applied twice
    (Giraud, Langou, Rozloznik, Computers Math. Applic. 50, 2005).

    Examples
    --------
    >>> import relufast
    >>> rows = relufast.IncrementalRank(3)
    >>> rows.append([[1, 2, 3], [2, 4, 6]]).tolist()
    [1, 1]
    >>> rows.append([[0, 0, 1]]).tolist()
    [2]
    >>> rows.independent_rows.tolist()
    [0, 2]
    """

    def __init__(
        self, n_columns: SupportsIndex, *, method: str = "exact", rtol: float | None = None
    ) -> None:
        self._n_columns = _validate.size(n_columns, "n_columns")
        self._is_exact = _method(method) == "exact"
        self._basis: _core.Echelon | OrthogonalBasis
        if self._is_exact:
            _validate.absent(rtol, "rtol", "the exact method has no tolerance")
            self._basis = _core.Echelon(self._n_columns, prime(0))
        else:
            tolerance = _validate.tolerance_or_none(rtol, "rtol")
            if tolerance is None:
                tolerance = max(self._n_columns, 32) * 2.0**-52
            self._basis = OrthogonalBasis(self._n_columns, tolerance)
        self._n_rows = 0
        self._independent: list[NDArray[np.int64]] = []

    def append(self, rows: ArrayLike) -> NDArray[np.int64]:
        """Take more rows.

        Parameters
        ----------
        rows : array_like, shape (m, n_columns)
            As `matrix_rank` takes them. If they are refused nothing changes.

        Returns
        -------
        ndarray of int64, shape (m,)
            The rank after each of them.

        Raises
        ------
        TypeError, ValueError
            For rows that `matrix_rank` would refuse, and for another number of columns.
        """
        name = "rows"
        if self._is_exact:
            matrix: ExactMatrix = _validate.exact_matrix(rows, name)
        else:
            matrix = _validate.matrix(rows, name)
        _validate.require_columns(matrix, name, self._n_columns)
        before = self.rank
        # Several threads are slower at such sizes, by far on a machine that is busy.
        with single_threaded():
            independent = self._basis.append(matrix)
        self._independent.append(self._n_rows + independent)
        self._n_rows += len(matrix)
        raises = np.zeros(len(matrix), np.int64)
        raises[independent] = 1
        return before + np.cumsum(raises)

    @property
    def rank(self) -> int:
        """The rank of all rows so far."""
        return int(self._basis.rank)

    @property
    def n_rows(self) -> int:
        """How many rows there are so far."""
        return self._n_rows

    @property
    def independent_rows(self) -> NDArray[np.int64]:
        """The numbers of the rows that raised the rank, rising, shape (rank,)."""
        if not self._independent:
            return np.empty(0, np.int64)
        return np.concatenate(self._independent)

    def __repr__(self) -> str:
        method = "exact" if self._is_exact else "numerical"
        return f"IncrementalRank(rank {self.rank} of {self._n_rows:,} rows, {method})"


def _method(method: object) -> str:
    return _validate.choice(method, "method", ("exact", "numerical"))


def _exact_rank(matrix: ExactMatrix) -> RankResult:
    if 0 in matrix.shape:
        return RankResult(0, 0, 0, True, ())
    lower = _core.rank_modulo(matrix, prime(0))
    upper = min(matrix.shape)
    if lower < upper:
        matrix = _without_repetitions(matrix)
        upper = min(matrix.shape)
    if lower < upper:
        upper = structural_rank(matrix != 0)
    used = 1
    while lower < upper:
        needed = _primes_for_proof(matrix, lower)
        found = lower
        while used < (needed or _UNPROVEN_PRIMES) and found == lower:
            found = max(lower, _core.rank_modulo(matrix, prime(used)))
            used += 1
        if found == lower:
            upper = lower if needed is not None else upper
            break
        lower = found
    return RankResult(lower, lower, upper, lower == upper, first_primes(used))


def _profile(matrix: ExactMatrix, axis: int) -> NDArray[np.int64]:
    if 0 in matrix.shape:
        return np.empty(0, np.int64)
    with single_threaded():
        profile, _ = _core.pivots_modulo(matrix, prime(0), axis == 0)
    return profile


def _without_repetitions(matrix: ExactMatrix) -> ExactMatrix:
    """Without zero rows and columns, and with one of those that are equal: of the same rank."""
    for _ in range(2):
        matrix = np.ascontiguousarray(distinct_rows(matrix[matrix.any(axis=1)]).T)
    return matrix


def _primes_for_proof(matrix: ExactMatrix, rank: int) -> int | None:
    """How many primes prove that minors of order rank + 1 are zero; None if that is too much."""
    needed = math.ceil(minor_bits(matrix, rank + 1) / _BITS_OF_PRIME)
    # Of an elimination, and of finding the residues.
    r, (m, n) = rank, matrix.shape
    work = 2.0 * r * (m * n - r * (m + n) / 2.0 + r * r / 3.0) + 30.0 * m * n
    return needed if needed <= min(_MOST_PRIMES, _PROOF_WORK / work) else None
