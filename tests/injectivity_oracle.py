"""Cells of small ReLU layers from the definition, in fractions or by linear programs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rank_oracle import exact_rank
from scipy.optimize import linprog

FloatArray = NDArray[np.float64]
Row = tuple[Fraction, ...]
Signs = tuple[bool, ...]


class Facts(NamedTuple):
    """What there is to know of a layer's cells."""

    n_cells: int
    n_deficient: int
    min_active: int


def facts(A: FloatArray, bias: FloatArray, cells: Sequence[Signs]) -> Facts:
    """Of cells given by the signs of rows that are not zero; zero rows have the sign of b."""
    n = A.shape[1]
    moves = A.any(axis=1)
    n_deficient, fewest = 0, len(A)
    for cell in cells:
        active = np.zeros(len(A), dtype=bool)
        active[moves] = cell
        active[~moves] = bias[~moves] > 0.0
        n_deficient += exact_rank(A[active]) < n
        fewest = min(fewest, int(active.sum()))
    return Facts(len(cells), n_deficient, fewest)


def cells_by_elimination(A: FloatArray, bias: FloatArray) -> list[Signs]:
    """Every pattern of signs of the rows that are not zero, tried one by one in fractions."""
    rows = [
        (*map(Fraction, row.tolist()), Fraction(float(b)))
        for row, b in zip(A, bias, strict=True)
        if row.any()
    ]
    cells = []
    for signs in product((False, True), repeat=len(rows)):
        system = [
            row if up else tuple(-x for x in row) for row, up in zip(rows, signs, strict=True)
        ]
        if _is_feasible(system, A.shape[1]):
            cells.append(signs)
    return cells


def _is_feasible(system: list[Row], n: int) -> bool:
    """Whether some x has a.x + b > 0 for all (a, b): Fourier's and Motzkin's elimination."""
    for k in range(n):
        rising = [row for row in system if row[k] > 0]
        falling = [row for row in system if row[k] < 0]
        rest = [row for row in system if row[k] == 0]
        sums = {
            tuple(x / up[k] - y / down[k] for x, y in zip(up, down, strict=True))
            for up in rising
            for down in falling
        }
        system = [*rest, *sums]
    return all(row[-1] > 0 for row in system)


def n_cells_by_subsets(A: FloatArray, bias: FloatArray) -> int:
    """Whitney's and Zaslavsky's sum over all sets of distinct hyperplanes that have a point."""
    both = np.column_stack([A, bias])[A.any(axis=1)]
    distinct: list[NDArray[np.float64]] = []
    for row in both:
        if all(exact_rank(np.array([row, other])) == 2 for other in distinct):
            distinct.append(row)
    total = 0
    for size in range(len(distinct) + 1):
        for chosen in combinations(distinct, size):
            rows = np.array(chosen).reshape(size, both.shape[1])
            rank = exact_rank(rows[:, :-1])
            if exact_rank(rows) == rank:
                total += (-1) ** (size - rank)
    return total


def cells_by_linear_programs(A: FloatArray, bias: FloatArray) -> list[Signs]:
    """Hyperplane after hyperplane, with a program for the far side of each that a cell may have.

    An inner point of each cell is verified in fractions; that a side is empty is HiGHS's word.
    """
    m, n = A.shape
    cells: list[tuple[list[bool], FloatArray]] = [([], np.zeros(n))]
    for i in range(m):
        following = []
        for signs, point in cells:
            found = {}
            value = float(A[i] @ point + bias[i])
            if i > 0 and value != 0.0:
                found[value > 0.0] = point
            for side in (False, True):
                if side not in found:
                    inner = _inner_point(A[: i + 1], bias[: i + 1], [*signs, side])
                    if inner is not None:
                        found[side] = inner
            following += [([*signs, side], inner) for side, inner in found.items()]
        cells = following
    for signs, point in cells:
        x = [Fraction(t) for t in point.tolist()]
        for row, b, up in zip(A.tolist(), bias.tolist(), signs, strict=True):
            z = sum((Fraction(a) * t for a, t in zip(row, x, strict=True)), Fraction(b))
            assert z > 0 if up else z < 0
    return [tuple(signs) for signs, _ in cells]


def _inner_point(A: FloatArray, bias: FloatArray, signs: list[bool]) -> FloatArray | None:
    """The point of a cell, within a large box, that is furthest inside."""
    n = A.shape[1]
    side = np.where(signs, 1.0, -1.0)
    rows = np.column_stack([-side[:, np.newaxis] * A, np.linalg.norm(A, axis=1)])
    found = linprog(
        np.eye(n + 1)[n] * -1.0,
        A_ub=rows,
        b_ub=side * bias,
        bounds=[(-1e6, 1e6)] * n + [(-inf, 1.0)],
        method="highs",
    )
    return found.x[:n] if found.status == 0 and found.x[n] > 1e-8 else None
