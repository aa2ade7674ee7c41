"""Symmetric matrices s_i s_j N(cos t_ij) of an arc-cosine angle function N, never formed."""

from __future__ import annotations

import math

import numpy as np

from relufast import _core
from relufast._blas import single_threaded
from relufast._directions import Directions
from relufast._validate import FloatArray

_ENTRIES_AT_ONCE = 2**17  # 1 MB


class KernelForm:
    """``factor`` times the arc-cosine function of degree 0 or 1 between vectors, the rows.

    Degree 1 has s_i = |row i|. Degree 0 has s_i = 1, and 0 where the row is zero.
    """

    def __init__(self, rows: Directions, *, degree: int, factor: float) -> None:
        self.units = rows.units
        self.scales = rows.norms if degree == 1 else np.sign(rows.norms)
        self._degree = degree
        self._factor = factor

    def product(self, block: FloatArray, n_threads: int) -> FloatArray:
        """With a block of vectors, shape (m, k)."""
        scaled = self.scales[:, np.newaxis] * block
        with single_threaded():
            result = _core.arc_cosine_product(self.units, scaled, self._degree, n_threads)
        result *= (self._factor * self.scales)[:, np.newaxis]
        return result

    def rough_product(self, block: FloatArray, n_threads: int) -> FloatArray:
        """Some multiple of it to single precision, for less than half of the time."""
        scales = self.scales / (self.scales.max(initial=0.0) or 1.0)
        scaled = np.multiply(scales[:, np.newaxis], block, order="C").astype(np.float32)
        units = self.units.astype(np.float32)
        with single_threaded():
            result = _core.arc_cosine_product_single(units, scaled, self._degree, n_threads)
        return scales[:, np.newaxis] * result

    def diagonal(self) -> FloatArray:
        return (math.pi * self._factor) * np.square(self.scales)

    def to_dense(self, n_threads: int) -> FloatArray:
        with single_threaded():
            dense = _core.arc_cosine_gram(self.units, self._degree, n_threads)
        scale_entries(dense, self.scales, self.scales, self._factor)
        return dense


def scale_entries(
    matrix: FloatArray, of_rows: FloatArray, of_columns: FloatArray, factor: float
) -> None:
    """Multiply each entry by both scales and the factor, in place.

    Scales are multiplied with each other first, so that what is symmetric stays so to the bit.
    """
    at_once = max(1, _ENTRIES_AT_ONCE // len(of_columns))
    for begin in range(0, len(matrix), at_once):
        rows = slice(begin, begin + at_once)
        matrix[rows] *= np.outer(of_rows[rows], of_columns) * factor
