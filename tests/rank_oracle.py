"""Ranks by exact integers, python-flint's."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from numpy.typing import NDArray


def exact_rank(matrix: NDArray[Any]) -> int:
    """Over the rationals, of exactly these numbers."""
    m, n = matrix.shape
    entries: list[int] = []
    for row in matrix.tolist():
        fractions = [Fraction(value) for value in row]
        denominator = math.lcm(*(value.denominator for value in fractions))
        entries += [int(value * denominator) for value in fractions]
    return int(flint.fmpz_mat(m, n, entries).rank()) if m * n else 0


def exact_prefix_ranks(matrix: NDArray[Any]) -> list[int]:
    """Of the first rows: one, two and so on."""
    return [exact_rank(matrix[: k + 1]) for k in range(len(matrix))]


def rank_modulo(matrix: NDArray[np.float64], prime: int) -> int:
    """Of a matrix of integers."""
    m, n = matrix.shape
    return int(flint.nmod_mat(m, n, [int(value) % prime for value in matrix.flat], prime).rank())
