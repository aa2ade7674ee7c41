"""The tube of a tolerance around a piecewise linear function, in integers.

Points are triples (X, Y, W) of integers, W > 0: x = X / W and y = Y / W in units that make all
vertices and the tolerance integers. The core asks here for the few orientations that float64 leaves
open, and names points by the codes of cpp/include/relufast/tube.hpp.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np
from numpy.typing import NDArray

from relufast._validate import FloatArray

# As in cpp/include/relufast/tube.hpp.
_UNDECIDED = 2
# An exit's size grows with each exit that it follows from. At this one a decision takes some
# milliseconds.
_LARGEST_BITS = 20_000

Point = tuple[int, int, int]
Line = tuple[int, int, int]


class ExactTube:
    """The corners of a tube, the exits from it, and orientations of both."""

    def __init__(self, x: FloatArray, y: FloatArray, tolerance: float) -> None:
        self._x = x
        self._y = y
        self._x_unit = _unit(x)
        self._y_unit = _unit(np.append(y, tolerance))
        self._tolerance = _multiple(tolerance, self._y_unit)
        self._rows: list[list[int]] = []
        self._exits: list[Point | None] = []

    def orientation(self, a: int, b: int, c: int, new_exits: NDArray[np.int64]) -> int:
        """1 if c lies above the line from a to b, -1 below, 0 on it; 2 if that takes too long."""
        self.add_exits(new_exits)
        points = [self._point(code) for code in (a, b, c)]
        if None in points:
            return _UNDECIDED
        first, second, third = (point for point in points if point is not None)
        value = _dot(_cross(first, second), third)
        return (value > 0) - (value < 0)

    def add_exits(self, rows: NDArray[np.int64]) -> None:
        self._rows += rows.tolist()

    def knot(self, line: Line, other: Line) -> tuple[Fraction, Fraction]:
        """Where two lines meet."""
        return self._fractions(_cross(line, other))

    def line(self, start: int, stop: int) -> Line | None:
        """Through two points; None if they are too large."""
        first, second = self._point(start), self._point(stop)
        return None if first is None or second is None else _cross(first, second)

    def vertical(self, vertex: int) -> Line:
        x, _, w = self._vertex(vertex, 0)
        return w, 0, -x

    @staticmethod
    def mean(line: Line, other: Line) -> Line:
        """The line halfway between two that are not vertical."""
        (a, b, c), (d, e, f) = line, other
        return a * e + d * b, 2 * b * e, c * e + f * b

    def _fractions(self, point: Point) -> tuple[Fraction, Fraction]:
        x, y, w = point
        return Fraction(x, w) / self._x_unit, Fraction(y, w) / self._y_unit

    def _point(self, code: int) -> Point | None:
        if code >= 0:
            return self._vertex(code // 2, 1 if code % 2 else -1)
        number = -1 - code
        # Exits only follow from earlier ones.
        while len(self._exits) <= number:
            self._exits.append(self._exit(*self._rows[len(self._exits)]))
        return self._exits[number]

    def _vertex(self, i: int, side: int) -> Point:
        y = _multiple(float(self._y[i]), self._y_unit) + side * self._tolerance
        return _multiple(float(self._x[i]), self._x_unit), y, 1

    def _exit(self, start: int, stop: int, segment: int, side: int) -> Point | None:
        line = self.line(start, stop)
        if line is None:
            return None
        boundary = _cross(self._vertex(segment - 1, side), self._vertex(segment, side))
        x, y, w = _cross(line, boundary)
        divisor = gcd(x, y, w) * (1 if w > 0 else -1)
        if w.bit_length() - divisor.bit_length() > _LARGEST_BITS:
            return None
        return x // divisor, y // divisor, w // divisor


def _unit(values: FloatArray) -> int:
    """The smallest power of two of which all values are multiples of the inverse."""
    _, exponents = np.frexp(values[values != 0.0])
    return 1 << max(0, 53 - int(exponents.min(initial=53)))


def _multiple(value: float, unit: int) -> int:
    numerator, denominator = value.as_integer_ratio()
    multiple: int = numerator * unit // denominator
    return multiple


def _cross(a: tuple[int, int, int], b: tuple[int, int, int]) -> tuple[int, int, int]:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def _dot(a: tuple[int, int, int], b: tuple[int, int, int]) -> int:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
