"""The fewest pieces of a piecewise linear function within a tolerance of another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relufast import _core, _validate
from relufast._certificate import trust
from relufast._exact_tube import ExactTube
from relufast._read_only import read_only
from relufast._validate import FloatArray

# By how much the tube is narrowed for a function whose rounded knots still lie in it, in units of
# what rounding does to the knots of a shortest path in the whole tube. The first mostly suffices.
_MARGINS = (4.0, 2.0**10, 2.0**20)


_Orientation = Callable[[int, int, int, NDArray[np.int64]], int]


@dataclass(frozen=True, eq=False, repr=False)
class MinimalPieces:
    """A continuous piecewise linear function with as few pieces as any within a tolerance.

    Attributes
    ----------
    count : int
        The least number of pieces.
    tolerance : float
        As given.
    knots : ndarray of float64, shape (count + 1,)
        Where the pieces meet, rising; the first and the last are the ends of x.
    values : ndarray of float64, shape (count + 1,)
        The function's values there.
    deviation : float
        The function is nowhere further than this from the given one: a rigorous bound. It may
        exceed `tolerance` by rounding where a slightly smaller one needs more pieces, or where the
        function is so steep that rounding a knot moves it further; `exact_knots` does not.
    certified : bool
        `count` is proven.
    n_ambiguous : int
        Decisions that stayed open and were taken as float64 has them; 0 if certified.
    """

    count: int
    tolerance: float
    knots: FloatArray
    values: FloatArray
    deviation: float
    certified: bool
    n_ambiguous: int
    _path: _Path | None

    def __call__(self, x: ArrayLike) -> FloatArray:
        """The function at points between its ends.

        Parameters
        ----------
        x : array_like of float
            Of any shape; beyond the ends the value is that at the end.

        Returns
        -------
        ndarray of float64
            Of the same shape.
        """
        points = _validate.float_array(x, "x")
        return np.interp(points, self.knots, self.values)

    def exact_knots(self) -> list[tuple[Fraction, Fraction]]:
        """Knots and values of a function of `count` pieces within the tolerance, exactly.

        Returns
        -------
        list of tuple of two Fraction
            count + 1 pairs. They are other ones than `knots` and `values`: pieces keep to the
            edge of the tolerance.

        Raises
        ------
        RuntimeError
            If the numbers get too long, as they may where hundreds of pieces begin at the end of
            the one before, on smooth functions for instance.

        Notes
        -----
        Costs some 40 microseconds a piece.
        """
        if self._path is None:
            pairs = zip(self.knots.tolist(), self.values.tolist(), strict=True)
            return [(Fraction(x), Fraction(y)) for x, y in pairs]
        return self._path.exact_knots()

    def __repr__(self) -> str:
        words = trust(self.certified, self.n_ambiguous)
        return f"MinimalPieces({self.count:,} within {self.tolerance:g}, {words})"


def minimal_pieces(x: ArrayLike, y: ArrayLike, tolerance: float) -> MinimalPieces:
    """The fewest pieces that approximate a piecewise linear function, and a function with as many.

    The given function f is affine between the points (x[i], y[i]). Among all continuous piecewise
    linear functions g on the same interval with |g - f| <= tolerance everywhere, whose knots may
    lie anywhere, the one returned has as few pieces as any. f is taken as the exact function of the
    float64 numbers.

    Parameters
    ----------
    x : array_like of float, shape (n,)
        At least two finite numbers, each larger than the one before.
    y : array_like of float, shape (n,)
        Finite numbers.
    tolerance : float
        Finite, at least 0. With 0 neighbouring pieces that are collinear merge.

    Returns
    -------
    MinimalPieces

    Raises
    ------
    TypeError
        For a wrong type or dtype.
    ValueError
        For shapes that differ, fewer than two points, NaN, infinity, an x that does not rise, or a
        negative tolerance.

    Notes
    -----
    *How exact.* A tolerance of which one above and below need a different number of pieces is a tie
    that rounding would decide. Every comparison is made in float64 with an error bound, and where
    that leaves it open in exact arithmetic, so that ties are ties. What can stay open, and is
    counted, lies far into long chains of pieces that each begin at the end of the one before: those
    of smooth functions at tolerances near rounding.

    *How much.* Linear in n: 0.1 to 0.5 microseconds a point, and memory for the result alone. A tie
    costs some ten microseconds more where it involves the end of an earlier piece.

    References
    ----------
    Kogan, Jananthan, Kepner, Complexity of One-Dimensional ReLU DNNs, arXiv 2512.08091, minimal
    linear complexity. The algorithm is after Imai and Iri, J. Inform. Process. 9, 1986.

    Examples
    --------
    >>> import relufast
    >>> found = relufast.minimal_pieces([0, 1, 2, 3], [0, 1, 0, 1], 0.25)
    >>> found
    MinimalPieces(3 within 0.25, certified)
    >>> relufast.minimal_pieces([0, 1, 2, 3], [0, 1, 0, 1], 0.5).count
    1
    """
    xs, ys = _validate.polyline(x, y)
    limit = _validate.non_negative_float(tolerance, "tolerance")
    if limit == 0.0:
        return _merged(xs, ys)
    path = _Path(xs.copy(), ys.copy(), limit)  # which exact_knots goes back to
    knots, values, deviation = path.rounded()
    return MinimalPieces(
        count=path.count,
        tolerance=limit,
        knots=read_only(knots),
        values=read_only(values),
        deviation=deviation,
        certified=path.n_open == 0,
        n_ambiguous=path.n_open,
        _path=path,
    )


def count_minimal_pieces(x: FloatArray, y: FloatArray, tolerance: float) -> tuple[int, int]:
    """The count alone and the number of open decisions, of checked input."""
    path = _Path(x, y, tolerance)
    return path.count, path.n_open


class _Path:
    """A shortest link path in the tube of a positive tolerance."""

    def __init__(self, x: FloatArray, y: FloatArray, tolerance: float) -> None:
        self._given = x, y, tolerance
        # Float64 has no room for differences and products of the largest and smallest numbers.
        self._x_unit, self._y_unit = _unit(x), _unit(y, tolerance)
        self._x, self._y = _divided(x, self._x_unit), _divided(y, self._y_unit)
        self._tolerance = tolerance / self._y_unit
        self._found = self._search(self._tolerance, _orientation(x, y, tolerance))
        self.count: int = self._found["count"]
        self.n_open: int = self._found["n_open"]

    def _search(self, tolerance: float, exact: _Orientation | None) -> dict[str, Any]:
        found: dict[str, Any] = _core.minimal_pieces(self._x, self._y, tolerance, exact)
        return found

    def rounded(self) -> tuple[FloatArray, FloatArray, float]:
        """Knots, values and deviation of a function of `count` pieces, in the tube if possible."""
        best = self._rounded(self._found)
        tolerance = self._given[2]
        for margin in _MARGINS:
            excess = (best[2] - tolerance) / self._y_unit
            narrower = self._tolerance - margin * excess
            if best[2] <= tolerance or not 0.5 * self._tolerance < narrower:
                break
            found = self._search(narrower, None)
            if found["count"] != self.count:
                break
            best = min(best, self._rounded(found), key=lambda rounded: rounded[2])
        if best[2] > tolerance:
            own = _merged(*self._given[:2])
            if own.count == self.count:
                return own.knots, own.values, 0.0
        return best

    def _rounded(self, found: dict[str, Any]) -> tuple[FloatArray, FloatArray, float]:
        scaled = found["knots"], found["values"]
        if self._x_unit == self._y_unit == 1.0:
            return *scaled, _core.largest_deviation(self._x, self._y, *scaled)
        with np.errstate(all="ignore"):
            knots, values = scaled[0] * self._x_unit, scaled[1] * self._y_unit
            _make_rise(knots)
            kept = np.array_equal(knots / self._x_unit, scaled[0]) and np.array_equal(
                values / self._y_unit, scaled[1]
            )
        if not kept:  # subnormal numbers, to which rounding is coarse
            return knots, values, _core.largest_deviation(*self._given[:2], knots, values)
        deviation = _core.largest_deviation(self._x, self._y, *scaled)
        return knots, values, math.nextafter(deviation * self._y_unit, math.inf)

    def exact_knots(self) -> list[tuple[Fraction, Fraction]]:
        tube = ExactTube(*self._given)
        exits = self._found["exits"]
        tube.add_exits(exits)
        lines = [tube.line(int(start), int(stop)) for start, stop, *_ in exits]
        first, second = (tube.line(int(start), int(stop)) for start, stop in self._found["last"])
        if None in lines or first is None or second is None:
            raise RuntimeError("the exact knots of this function need more than 20,000 bits each")
        path = [line for line in lines if line is not None]
        path.append(tube.mean(first, second))
        ends = [tube.vertical(0), *path, tube.vertical(len(self._x) - 1)]
        return [tube.knot(a, b) for a, b in pairwise(ends)]


def _merged(x: FloatArray, y: FloatArray) -> MinimalPieces:
    """For tolerance 0: the function without the points at which it does not bend."""
    vertices, n_open = _core.bends(x, y, _orientation(x, y, 0.0))
    return MinimalPieces(
        count=len(vertices) - 1,
        tolerance=0.0,
        knots=read_only(x[vertices]),
        values=read_only(y[vertices]),
        deviation=0.0,
        certified=n_open == 0,
        n_ambiguous=n_open,
        _path=None,
    )


def _unit(values: FloatArray, other: float = 0.0) -> float:
    """1, or for numbers of extreme size a power of two by which they can be divided exactly."""
    largest = max(float(values.max()), -float(values.min()), other)
    _, exponent = math.frexp(largest)
    if abs(exponent) <= 200:
        return 1.0
    unit = 2.0 ** max(-1022, min(exponent, 1023))
    given = np.append(values, other)
    return unit if np.array_equal(_divided(given, unit) * unit, given) else 1.0


def _divided(values: FloatArray, unit: float) -> FloatArray:
    if unit == 1.0:
        return values
    with np.errstate(all="ignore"):
        return values / unit


def _make_rise(knots: FloatArray) -> None:
    """Move knots apart that are one subnormal number."""
    if (knots[1:] > knots[:-1]).all():
        return
    for i in range(1, len(knots) - 1):
        knots[i] = max(knots[i], math.nextafter(knots[i - 1], math.inf))
    for i in range(len(knots) - 2, 0, -1):
        knots[i] = min(knots[i], math.nextafter(knots[i + 1], -math.inf))


def _orientation(x: FloatArray, y: FloatArray, tolerance: float) -> _Orientation:
    """Exact decisions, prepared when the first is needed: few functions need any."""
    tube: list[ExactTube] = []

    def orientation(a: int, b: int, c: int, new_exits: NDArray[np.int64]) -> int:
        if not tube:
            tube.append(ExactTube(x, y, tolerance))
        return tube[0].orientation(a, b, c, new_exits)

    return orientation
