"""Whether a ReLU layer is injective, decided exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import SupportsIndex

from numpy.typing import ArrayLike

from relufast import _validate
from relufast._progress_count import ProgressOption, count_reports
from relufast._read_only import read_only
from relufast._relu_layer import MOST_DIMENSIONS, IntArray, Point, ReluLayer
from relufast.rank import matrix_rank

# Of one flat, as measured: for the estimate in an error message.
_SECONDS_A_FLAT = 5e-7
_SECONDS_A_ROW = 1.5e-8


@dataclass(frozen=True, eq=False, repr=False)
class InjectivityVerdict:
    """Whether x -> relu(A x + b) is injective on R^n, and what proves it.

    Attributes
    ----------
    injective : bool
    witness : tuple of two tuples of Fraction, or None
        Two different inputs with the same output, where there are any: verified in rationals.
    n_cells : int or None
        The full-dimensional cells of the arrangement of the rows. None, as are all that follow, if
        the enumeration ended at the first deficient cell.
    n_deficient : int or None
        Cells whose active rows do not span R^n: 0 if and only if the layer is injective.
    min_active : int or None
        The smallest number of active rows, a_i.x + b_i > 0, over all cells. Where no row is zero it
        is also the smallest number of rows with a_i.x + b_i >= 0 over all x.
    cell : tuple of Fraction, or None
        A point inside a cell with so few.
    active_rows : ndarray of int64, shape (min_active,), or None
        The rows that are active there. Read-only.
    """

    injective: bool
    witness: tuple[Point, Point] | None
    n_cells: int | None
    n_deficient: int | None
    min_active: int | None
    cell: Point | None
    active_rows: IntArray | None

    def __repr__(self) -> str:
        verdict = "injective" if self.injective else "not injective"
        if self.n_cells is None:
            return f"InjectivityVerdict({verdict})"
        return (
            f"InjectivityVerdict({verdict}, {self.n_cells:,} cells, "
            f"{self.n_deficient:,} deficient, at least {self.min_active:,} rows active)"
        )


def is_injective(
    A: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    complete: bool = True,
    budget: SupportsIndex = 10_000_000,
    progress: ProgressOption = None,
) -> InjectivityVerdict:
    """Whether x -> relu(A x + b) is injective on R^n: proven, for small layers.

    Parameters
    ----------
    A : array_like of float, shape (m, n)
        Finite. Zero, repeated and parallel rows, less than full rank and m < n are fine.
    bias : array_like of float, shape (m,), optional
        Zeros if not given.
    complete : bool, optional
        Whether all cells are looked at, so that `n_cells` and `min_active` are known, even if one
        has shown that the layer is not injective.
    budget : int, optional
        The most flats to visit. There are at most sum_{k < d} C(M, k) of M distinct hyperplanes of
        d dimensions: the rank of A without biases; with them one more of both.
    progress : bool or callable, optional
        True for a bar, or a function that is called with a `WorkProgress` in flats.

    Returns
    -------
    InjectivityVerdict

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For a wrong shape, NaN or infinity, a budget below 1, and a layer that is too large for the
        budget, or has more than 12 dimensions; the message has an estimate of the work.

    Notes
    -----
    *What is decided.* The layer is injective if and only if in each full-dimensional cell of the
    arrangement of hyperplanes a_i.x + b_i = 0 the active rows span R^n. If they do not, two
    points of the cell differ along a direction orthogonal to them. If x and y have the same output,
    then all points between have it, as rows that are positive at one end are constant, and the
    others are nowhere positive; in any cell next to the middle active rows are orthogonal to x - y.

    *How exact.* The float64 numbers are taken as they are. Signs of minors are certified in float64
    or settled modulo primes; nothing is rounded, so that rows a last bit apart count as different
    and coincidences as such. See docs/injectivity-decisions.md.

    *How much.* The time is that of one flat, a microsecond or so, times their number: n = 4 and
    m = 20 take some milliseconds, n = 6 and m = 40 seconds, and as much again for a point in each
    of the cells that are shown. Memory grows with the number of flats on more hyperplanes than
    their rank, and is small where rows are generic.

    References
    ----------
    The condition on all x: Puthawala et al., Globally Injective ReLU Networks, J. Mach. Learn. Res.
    23, 2022, theorem 1. The form with cells, with biases, and its proof are ours.

    Examples
    --------
    >>> import relufast
    >>> relufast.is_injective([[1, 0], [-1, 0], [0, 1], [0, -1]])
    InjectivityVerdict(injective, 4 cells, 0 deficient, at least 2 rows active)
    >>> verdict = relufast.is_injective([[1, 0], [-1, 0], [0, 1], [-1, -1]])
    >>> verdict
    InjectivityVerdict(not injective, 6 cells, 1 deficient, at least 1 rows active)
    >>> x, y = verdict.witness
    >>> print(*x, "and", *y)
    1 -1/2 and 1 0
    """
    layer = checked_layer(A, bias)
    is_complete = _validate.flag(complete, "complete")
    allowed = _validate.positive_int(budget, "budget")
    if not is_complete and layer.has_low_rank:
        # No set of rows spans, in whatever cell.
        return InjectivityVerdict(False, layer.collision_everywhere(), None, None, None, None, None)
    require_affordable(layer, allowed)
    with count_reports(progress, layer.hyperplanes.n_flats, "flats") as report:
        cells = layer.cells(stop_at_deficient=not is_complete, report=report)
    witness = None
    if cells.deficient is not None:
        witness = layer.collision(layer.point_in(cells.deficient))
        if witness is None:
            raise RuntimeError("active rows of a deficient cell span the inputs: a fault of ours")
    if not cells.is_complete:
        return InjectivityVerdict(False, witness, None, None, None, None, None)
    cell = layer.point_in(cells.smallest)
    active_rows = read_only(layer.active_rows(cell))
    return InjectivityVerdict(
        witness is None,
        witness,
        cells.n_cells,
        cells.n_deficient,
        cells.min_active,
        cell,
        active_rows,
    )


def checked_layer(A: ArrayLike, bias: ArrayLike | None) -> ReluLayer:
    matrix = _validate.nonempty_matrix(A, "A")
    return ReluLayer(matrix, None if bias is None else _validate.vector(bias, "bias", len(matrix)))


def is_affordable(layer: ReluLayer, budget: int) -> bool:
    return _reason_against(layer, budget) is None


def require_affordable(layer: ReluLayer, budget: int) -> None:
    reason = _reason_against(layer, budget)
    if reason is not None:
        raise ValueError(f"{reason}; min_active_rows searches for few active rows instead")


def _reason_against(layer: ReluLayer, budget: int) -> str | None:
    """Why not to visit all cells."""
    # A proven lower bound, at once, where hyperplanes of many dimensions would take long to tell.
    rank = matrix_rank(layer.A).lower if layer.n_inputs >= MOST_DIMENSIONS else layer.rank
    d = rank + (layer.bias is not None)
    if d > MOST_DIMENSIONS:
        return (
            f"A has rank {rank:,}{' and biases' * (d > rank)}, but cells of at most "
            f"{MOST_DIMENSIONS} dimensions, one of them for biases, can be enumerated"
        )
    n_flats, m = layer.hyperplanes.n_flats, len(layer.hyperplanes.integers)
    if n_flats <= budget:
        return None
    seconds = n_flats * (_SECONDS_A_FLAT + _SECONDS_A_ROW * m * math.sqrt(d))
    return (
        f"A has {m:,} distinct hyperplanes of {d:,} dimensions, up to {n_flats:.3g} flats, some "
        f"{seconds:.2g} s of work, but budget is {budget:,}"
    )
