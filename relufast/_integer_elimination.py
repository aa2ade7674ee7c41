"""Elimination of integers without fractions: bases and kernels of small matrices, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

Row = Sequence[int]


class Echelon(NamedTuple):
    """Independent rows, each of which is zero in the pivot columns of the others."""

    rows: list[list[int]]
    pivots: list[int]  # the column of each


def reduced_echelon(rows: Sequence[Row]) -> Echelon:
    """Of rows of integers of one length, each divided by the divisors that its entries share."""
    echelon = Echelon([], [])
    for given in rows:
        row = list(given)
        for other, pivot in zip(echelon.rows, echelon.pivots, strict=True):
            row = _eliminated(row, other, pivot)
        new = next((column for column, entry in enumerate(row) if entry != 0), None)
        if new is None:
            continue
        for k, other in enumerate(echelon.rows):
            echelon.rows[k] = _eliminated(other, row, new)
        echelon.rows.append(row)
        echelon.pivots.append(new)
        if len(echelon.pivots) == len(row):
            break
    return echelon


def kernel_vector(rows: Sequence[Row], n_columns: int) -> list[int] | None:
    """Integers, not all zero, that are orthogonal to every row; None if there are none."""
    # One column more than there are rows is enough.
    n_used = min(n_columns, len(rows) + 1)
    echelon = reduced_echelon([row[:n_used] for row in rows])
    free = next((c for c in range(n_used) if c not in echelon.pivots), None)
    if free is None:
        return None
    # The entry at a pivot is -row[free] / row[pivot] times that at `free`.
    common = math.lcm(*(row[pivot] for row, pivot in zip(*echelon, strict=True)))
    vector = [0] * n_columns
    vector[free] = common
    for row, pivot in zip(*echelon, strict=True):
        vector[pivot] = -row[free] * (common // row[pivot])
    return primitive(vector)


def primitive(row: Row) -> list[int]:
    """The same direction in integers that share no divisor."""
    divisor = math.gcd(*row)
    return [entry // divisor for entry in row] if divisor > 1 else list(row)


def _eliminated(row: list[int], other: list[int], pivot: int) -> list[int]:
    """A combination of both that is zero at the pivot of the other."""
    if row[pivot] == 0:
        return row
    divisor = math.gcd(row[pivot], other[pivot])
    mine, others = other[pivot] // divisor, row[pivot] // divisor
    return primitive([mine * a - others * b for a, b in zip(row, other, strict=True)])
