"""An orthonormal basis of the span of rows that arrive piece by piece."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relufast._products import norm, times, times_transposed, times_vector, transposed_times_vector
from relufast._scaling import scaled_rows
from relufast._validate import FloatArray

_AT_ONCE = 64  # rows that are projected by one product


class OrthogonalBasis:
    """Rows further than rtol times the longest row so far from the span of those taken before."""

    def __init__(self, n_columns: int, rtol: float) -> None:
        self.rank = 0
        self._rtol = rtol
        self._rows = np.empty((min(n_columns, _AT_ONCE), n_columns))  # the basis, and room
        self._largest = -math.inf  # logarithm of the norm of the longest row

    def append(self, rows: FloatArray) -> NDArray[np.int64]:
        """Which of the rows are taken."""
        taken = [
            begin + i
            for begin in range(0, len(rows), _AT_ONCE)
            for i in self._append_block(rows[begin : begin + _AT_ONCE])
        ]
        return np.array(taken, np.int64)

    def _append_block(self, rows: FloatArray) -> list[int]:
        units, exponents = scaled_rows(rows)
        lengths = np.sqrt(np.square(units).sum(axis=1))
        with np.errstate(divide="ignore"):
            sizes = np.log2(lengths) + exponents
        thresholds = np.maximum.accumulate(np.maximum(sizes, self._largest))
        self._largest = float(thresholds[-1])
        before = self.rank
        remainders = _without(_without(units, self._rows[:before]), self._rows[:before])
        taken = []
        for i, remainder in enumerate(remainders):
            if self.rank == self._rows.shape[1] or sizes[i] == -math.inf:
                continue
            new = self._rows[before : self.rank]
            rest = _vector_without(_vector_without(remainder, new), new)
            # What is short beside its row may have lost its right angle to the older rows.
            if norm(rest) < 0.5 * lengths[i]:
                rest = _vector_without(rest, self._rows[: self.rank])
            length = norm(rest)
            if length == 0.0 or not self._is_long(
                math.log2(length) + float(exponents[i]), float(thresholds[i])
            ):
                continue
            self._add(rest / length)
            taken.append(i)
        return taken

    def _is_long(self, size: float, largest: float) -> bool:
        return self._rtol == 0.0 or size > math.log2(self._rtol) + largest

    def _add(self, row: FloatArray) -> None:
        if self.rank == len(self._rows):
            n_columns = self._rows.shape[1]
            grown = np.empty((min(2 * self.rank, n_columns), n_columns))
            grown[: self.rank] = self._rows
            self._rows = grown
        self._rows[self.rank] = row
        self.rank += 1


def _without(rows: FloatArray, basis: FloatArray) -> FloatArray:
    """The rows less their projections on an orthonormal basis."""
    if len(rows) == 1:  # for which a product of matrices is slow
        return _vector_without(rows[0], basis)[np.newaxis]
    return rows - times(times_transposed(rows, basis), basis)


def _vector_without(vector: FloatArray, basis: FloatArray) -> FloatArray:
    return vector - transposed_times_vector(basis, times_vector(basis, vector))
