"""How far a linear map followed by ReLU reaches from the unit ball."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _validate
from relufast._blas import single_threaded
from relufast._products import times_transposed
from relufast._progress_count import ProgressOption, count_reports
from relufast._read_only import read_only
from relufast._validate import FloatArray

_MOST_ASCENTS = 50


@dataclass(frozen=True, eq=False)
class ReLUOperatorNorm:
    """max |relu(A x)| over the unit ball, between two bounds.

    Attributes
    ----------
    lower, upper : float
        The maximum lies between them.
    vector : ndarray of float64, shape (n,)
        A unit vector (0 if A is) that reaches `lower`.
    certified : bool
        They meet within `rtol`.
    n_nodes : int
        Subsets of rows that were looked at.
    """

    lower: float
    upper: float
    vector: FloatArray
    certified: bool
    n_nodes: int


def relu_operator_norm(
    A: ArrayLike,
    *,
    rtol: float = 1e-9,
    max_nodes: SupportsIndex = 2000,
    progress: ProgressOption = None,
) -> ReLUOperatorNorm:
    """max |relu(A x)| over |x| <= 1, to a relative tolerance, by branch and bound.

    Parameters
    ----------
    A : array_like of float, shape (m, n)
        Finite, m and n at least 1.
    rtol : float, optional
        Positive: how far apart the bounds may be. Rounding adds m (n + 10) 2**-52.
    max_nodes : int, optional
        At least 1; with fewer than it takes, the bounds are what they are then.
    progress : bool or callable, optional
        True for a bar, or a function that is called with a `WorkProgress` in nodes.

    Returns
    -------
    ReLUOperatorNorm
        At any rate sigma_1 / sqrt(2) <= lower and upper <= sigma_1, but for rounding.

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN, infinity, a number out of its range, and an A so large that the norm
        exceeds float64.

    Notes
    -----
    The square of the norm is the maximum of u^T A A^T u over unit vectors u >= 0. If S is the
    smallest support of one that attains it, u is the leading eigenvector of the rows and columns S
    of A A^T, because a quadratic form has no local maxima on the sphere but the global one. So a
    set of rows whose leading eigenvector has one sign is settled; another one is split by the first
    row, those of the negative sign before others, that S is without. A set's bound is its largest
    eigenvalue, or that of the same matrix with 0 for negative entries. The tree is small for some
    15 rows, and may have 2^m nodes at worst; each takes the eigenvectors of at most m x m.

    References
    ----------
    The norm: arXiv 1812.02566. The method is ours.

    Examples
    --------
    >>> import relufast
    >>> found = relufast.relu_operator_norm([[1.0], [-1.0]])
    >>> round(found.lower, 9), found.certified
    (1.0, True)
    """
    matrix = _validate.nonempty_matrix(A, "A")
    tolerance = _validate.fraction(rtol, "rtol")
    most = _validate.positive_int(max_nodes, "max_nodes")
    largest = np.abs(matrix).max()
    _, exponent = math.frexp(largest)
    with count_reports(progress, most, "nodes") as report, single_threaded():
        search = _Search(np.ldexp(matrix, -exponent), tolerance)
        search.run(most, report)
    try:
        lower, upper = math.ldexp(search.lower, exponent), math.ldexp(search.upper, exponent)
    except OverflowError:
        raise ValueError(f"A has entries up to {largest:.3g}, whose norm exceeds float64") from None
    vector = read_only(search.vector)
    return ReLUOperatorNorm(lower, upper, vector, search.is_done, search.n_nodes)


class _Search:
    """Best bound first."""

    def __init__(self, matrix: FloatArray, tolerance: float) -> None:
        self._matrix = matrix
        self._gram = times_transposed(matrix, matrix)
        self._tolerance = tolerance
        # Of A A^T an entry errs by n 2**-53 |a_i| |a_j|, eigenvalues by m times that, and they are
        # rounded themselves.
        m, n = matrix.shape
        self._inflation = 1.0 + m * (n + 10) * 2.0**-52
        self._open: list[tuple[float, int, tuple[int, ...], frozenset[int], FloatArray]] = []
        self.lower = 0.0
        self.vector = np.zeros(matrix.shape[1])
        self.n_nodes = 0

    @property
    def upper(self) -> float:
        bound = math.sqrt(max(0.0, -self._open[0][0])) if self._open else 0.0
        return float(max(bound, self.lower * (1.0 + self._tolerance) * self._inflation))

    @property
    def is_done(self) -> bool:
        return not self._open or not self._is_open(-self._open[0][0])

    def _is_open(self, squared_bound: float) -> bool:
        return math.sqrt(max(0.0, squared_bound)) > self.lower * (1.0 + self._tolerance)

    def run(self, most: int, report: Callable[[int], object] | None) -> None:
        self._add(tuple(range(len(self._matrix))), frozenset())
        while True:
            if report is not None:
                report(min(self.n_nodes, most))
            if self.is_done or self.n_nodes >= most:
                break
            _, _, rows, kept, negative = heapq.heappop(self._open)
            held = set(kept)
            for row in negative.tolist():
                if row in kept:
                    continue
                self._add(tuple(r for r in rows if r != row), frozenset(held))
                held.add(row)
            # Those that keep all of the negative sign and leave another row out.
            for row in rows:
                if row not in held:
                    self._add(tuple(r for r in rows if r != row), frozenset(held))
                    held.add(row)

    def _add(self, rows: tuple[int, ...], kept: frozenset[int]) -> None:
        """Look at a set of rows that has the support, which has the rows that are kept."""
        from scipy.linalg import eigh  # 0.3 s, which `import relufast` need not take

        if not rows:
            return
        self.n_nodes += 1
        gram = self._gram[np.ix_(rows, rows)]
        values, vectors = eigh(gram)
        bound = min(values[-1], eigh(np.maximum(gram, 0.0), eigvals_only=True)[-1])
        bound *= self._inflation
        vector = vectors[:, -1] * (1.0 if vectors[:, -1].sum() >= 0.0 else -1.0)
        image = vector @ self._matrix[list(rows)]
        self._climb(image)
        self._climb(-image)
        if self._is_open(bound) and (vector < 0.0).any():
            order = np.argsort(vector)
            negative = np.array(rows)[order[: int((vector < 0.0).sum())]]
            heapq.heappush(self._open, (-bound, self.n_nodes, rows, kept, negative))

    def _climb(self, x: FloatArray) -> None:
        """Ascent by x <- A^T relu(A x), which never falls because |relu(A x)|^2 is convex."""
        for _ in range(_MOST_ASCENTS):
            length = math.sqrt(float(x @ x))
            if length == 0.0:
                return
            x = x / length
            image = np.maximum(self._matrix @ x, 0.0)
            reached = math.sqrt(float(image @ image))
            if reached > self.lower:
                self.lower, self.vector = reached, x
            x = image @ self._matrix
