"""One ReLU layer in exact numbers: its hyperplanes, its cells, and points in them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast import _core
from relufast._integer_elimination import kernel_vector, primitive, reduced_echelon
from relufast._scaled_integers import scaled_integers
from relufast._validate import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Point = tuple[Fraction, ...]

# Hyperplanes of more dimensions are not enumerated: see arrangement.hpp.
MOST_DIMENSIONS = 12


@dataclass(frozen=True)
class Hyperplanes:
    """Where neurons switch: distinct hyperplanes through the origin.

    With biases they are those of (x, 1), and the last of them is the one at infinity, x_{n+1} = 0.
    Inputs that do not matter, because others span all rows, are left out.
    """

    integers: list[list[int]]  # of each, without common divisors
    normals: FloatArray  # the same up to positive factors of rows and columns
    n_above: IntArray  # active neurons where the normal's product is positive
    n_below: IntArray  # and where it is negative
    columns: list[int]  # the inputs that are kept
    row_at_infinity: int  # -1 without biases

    @property
    def n_flats(self) -> int:
        """An upper bound: of all sets of fewer hyperplanes than dimensions."""
        m, d = self.normals.shape
        return sum(math.comb(m, k) for k in range(d))


@dataclass(frozen=True)
class Cells:
    """What an enumeration gave. Cells are bools, one for each hyperplane."""

    is_complete: bool
    n_cells: int
    n_deficient: int
    min_active: int
    smallest: BoolArray
    deficient: BoolArray | None


class ReluLayer:
    """x -> relu(A x + b) of float64 numbers, as they are."""

    def __init__(self, A: FloatArray, bias: FloatArray | None) -> None:
        self.A = A
        self.bias = None if bias is None or not bias.any() else bias
        self.n_inputs: int = A.shape[1]

    def rows_from(self, first: int, step: int) -> ReluLayer:
        """The layer of every `step`-th row."""
        rows = slice(first, None, step)
        return ReluLayer(self.A[rows], None if self.bias is None else self.bias[rows])

    @property
    def _has_bias(self) -> bool:
        return self.bias is not None

    @cached_property
    def _floats(self) -> FloatArray:
        return self.A if self.bias is None else np.column_stack([self.A, self.bias])

    @cached_property
    def rows(self) -> list[list[int]]:
        """(a_i, b_i) of every neuron times one power of two; b_i only where there are biases."""
        rows: list[list[int]] = scaled_integers(self._floats).integers.tolist()
        return rows

    def preactivations(self, point: Point) -> tuple[list[int], int]:
        """Those of `rows`, times the integer that comes with them."""
        factor = math.lcm(*(t.denominator for t in point))
        x = [t.numerator * (factor // t.denominator) for t in point]
        if self._has_bias:
            x.append(factor)
        return [sum(map(operator.mul, row, x)) for row in self.rows], factor

    @cached_property
    def hyperplanes(self) -> Hyperplanes:
        n = self.n_inputs
        columns = sorted(reduced_echelon([row[:n] for row in self.rows]).pivots)
        kept = [*columns, n] if self._has_bias else columns
        above: dict[tuple[int, ...], list[int]] = {}  # neurons on either side, by normal
        first: list[int] = []  # a neuron of each hyperplane
        for i, row in enumerate(self.rows):
            if not any(row[:n]):
                continue
            normal = primitive([row[c] for c in kept])
            is_below = next(entry for entry in normal if entry) < 0
            key = tuple(-entry if is_below else entry for entry in normal)
            if key not in above:
                above[key] = [0, 0]
                first.append(i)
            above[key][is_below] += 1
        integers = [list(key) for key in above]
        signs = np.array([-1.0 if _leads_below(self.rows[i], kept) else 1.0 for i in first])
        normals = self._floats[np.ix_(first, kept)] * signs[:, np.newaxis]
        counts = np.array(list(above.values()), dtype=np.int64).reshape(-1, 2)
        if self._has_bias:
            at_infinity = [0] * len(columns) + [1]
            integers.append(at_infinity)
            normals = np.vstack([normals, at_infinity])
            counts = np.vstack([counts, [0, 0]])
        return Hyperplanes(
            integers,
            _equilibrated(normals),
            counts[:, 0].copy(),
            counts[:, 1].copy(),
            columns,
            len(integers) - 1 if self._has_bias else -1,
        )

    @property
    def n_constant(self) -> int:
        """Neurons that are active everywhere."""
        return 0 if self.bias is None else int(np.sum(~self.A.any(axis=1) & (self.bias > 0.0)))

    @property
    def has_low_rank(self) -> bool:
        """Whether the rows of A do not span all inputs."""
        return len(self.A) < self.n_inputs or self.rank < self.n_inputs

    @property
    def rank(self) -> int:
        """Of A."""
        return len(self.hyperplanes.columns)

    def cells(
        self, *, stop_at_deficient: bool = False, report: Callable[[int], object] | None = None
    ) -> Cells:
        """All cells of full dimension, or those up to the first whose active rows do not span."""
        planes = self.hyperplanes
        if self.rank == 0:  # nothing switches anywhere
            none = np.zeros(len(planes.integers), dtype=np.bool_)
            return Cells(True, 1, 1, self.n_constant, none, none)
        found = _core.cells_of_layer(
            planes.normals,
            self.rank,
            planes.n_above,
            planes.n_below,
            self.n_constant,
            planes.row_at_infinity,
            stop_at_deficient and self.rank == self.n_inputs,
            report,
        )
        cells = Cells(**found)
        if report is not None and cells.is_complete:
            report(planes.n_flats)  # the core reports now and then, and a short search not at all
        if self.rank < self.n_inputs:
            # No set of rows spans all inputs.
            deficient = cells.smallest
            return Cells(True, cells.n_cells, cells.n_cells, cells.min_active, deficient, deficient)
        return cells

    def point_in(self, cell: BoolArray) -> Point:
        """A point inside, of short fractions where that is possible."""
        planes = self.hyperplanes
        if self.rank == 0:
            return tuple([Fraction(0)] * self.n_inputs)
        inside = _sum_of_rays(planes, cell)
        divisor = Fraction(max(abs(t) for t in inside))
        if self._has_bias:
            divisor = inside.pop()
        point = [t / divisor for t in inside]
        signs = [1 if is_above else -1 for is_above in cell.tolist()]
        if self._has_bias:
            signs.pop()
        n_bits = 4
        while True:
            short = [Fraction(round(t * 2**n_bits), 2**n_bits) for t in point]
            if self._lies_in(short, signs):
                break
            n_bits *= 2
        x = [Fraction(0)] * self.n_inputs
        for column, t in zip(planes.columns, short, strict=True):
            x[column] = t
        return tuple(x)

    def _lies_in(self, point: list[Fraction], signs: list[int]) -> bool:
        """Whether hyperplanes, but for the one at infinity, have these signs there."""
        x = [*point, Fraction(1)] if self._has_bias else point
        rows = self.hyperplanes.integers
        return all(
            sign * sum(a * t for a, t in zip(row, x, strict=True)) > 0
            for row, sign in zip(rows, signs, strict=False)
        )

    def collision(self, point: Point) -> tuple[Point, Point] | None:
        """This point, on no hyperplane, and another of one output; None if active rows span."""
        integers, factor = self.preactivations(point)
        values = [Fraction(z, factor) for z in integers]
        n = self.n_inputs
        active = [row[:n] for row, z in zip(self.rows, values, strict=True) if z > 0]
        direction = kernel_vector(active, n)
        if direction is None:
            return None
        # As far as the first inactive neuron allows, halved until it is a power of two.
        step = Fraction(1)
        for row, z in zip(self.rows, values, strict=True):
            slope = sum(a * t for a, t in zip(row[:n], direction, strict=True))
            if z <= 0 < slope:
                while z + step * slope > 0:
                    step /= 2
        return self._verified(
            point, tuple(x + step * t for x, t in zip(point, direction, strict=True))
        )

    def collision_everywhere(self) -> tuple[Point, Point]:
        """The origin and a point in the kernel of A, which has one."""
        direction = kernel_vector([row[: self.n_inputs] for row in self.rows], self.n_inputs)
        assert direction is not None
        origin = tuple([Fraction(0)] * self.n_inputs)
        return self._verified(origin, tuple(Fraction(t) for t in direction))

    def _verified(self, point: Point, other: Point) -> tuple[Point, Point]:
        if not self._same_output(point, other):
            raise RuntimeError("two points that should have one output have not: a fault of ours")
        return point, other

    def _same_output(self, first: Point, second: Point) -> bool:
        (values, factor), (others, other_factor) = map(self.preactivations, (first, second))
        return first != second and all(
            max(z, 0) * other_factor == max(other, 0) * factor
            for z, other in zip(values, others, strict=True)
        )

    def active_rows(self, point: Point) -> IntArray:
        """The neurons that are active there."""
        return np.flatnonzero([z > 0 for z in self.preactivations(point)[0]])


def _leads_below(row: list[int], columns: list[int]) -> bool:
    return next(row[c] for c in columns if row[c]) < 0


def _sum_of_rays(planes: Hyperplanes, cell: BoolArray) -> list[Fraction]:
    """A point inside a cell of hyperplanes through the origin."""
    d = len(planes.integers[0])
    inside = [Fraction(0)] * d
    signs = [1 if is_above else -1 for is_above in cell.tolist()]
    if d == 1:
        return [Fraction(signs[0] * planes.integers[0][0])]
    for rows in _core.rays_of_cell(planes.normals, cell).reshape(-1, d - 1).tolist():
        ray = kernel_vector([planes.integers[row] for row in rows], d)
        assert ray is not None
        side = next(
            sign * value
            for sign, row in zip(signs, planes.integers, strict=True)
            if (value := sum(a * t for a, t in zip(row, ray, strict=True)))
        )
        length = 1 << max(abs(t) for t in ray).bit_length()
        inside = [
            x + Fraction(t if side > 0 else -t, length) for x, t in zip(inside, ray, strict=True)
        ]
    return inside


def _equilibrated(normals: FloatArray) -> FloatArray:
    """With columns of like size: the same cells, whose signs are easier to tell."""
    _, row_exponents = np.frexp(np.abs(normals).max(axis=1, initial=0.0))
    _, exponents = np.frexp(normals)
    scaled: Any = np.where(normals == 0.0, -(2**20), exponents - row_exponents[:, np.newaxis])
    shifts = -scaled.max(axis=0, initial=-(2**20))
    with np.errstate(over="ignore", under="ignore"):
        result = np.ldexp(normals, shifts)
        exact = np.array_equal(np.ldexp(result, -shifts), normals)
    return np.ascontiguousarray(result if exact else normals)
