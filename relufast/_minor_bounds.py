"""How large the minors of a matrix can be, so that enough primes prove that they are zero."""

from __future__ import annotations

import math

import numpy as np

from relufast._validate import ExactMatrix, FloatArray

# Logarithms of at most 2**16 rows are added, each a few roundings off.
_MARGIN = 1.0 + 2.0**-30


def minor_bits(matrix: ExactMatrix, order: int) -> float:
    """No minor of that order of the matrix, made integer, is 2 to this power or larger.

    Rows, then columns, are divided by powers of two, which leaves the zero minors zero. By
    Hadamard's inequality a minor is at most the product of the norms of its rows, and at most that
    of its columns.
    """
    sizes, last_places = _logarithms(matrix)
    for axis in (1, 0):
        smallest = last_places.min(axis=axis, keepdims=True, initial=math.inf)
        smallest[np.isinf(smallest)] = 0.0
        sizes, last_places = sizes - smallest, last_places - smallest
    by_axis = [_largest_product(sizes, axis, order) for axis in (0, 1)]
    return min(by_axis) * _MARGIN + 1.0


def _largest_product(sizes: FloatArray, axis: int, order: int) -> float:
    """The logarithm of the product of the `order` largest norms along an axis."""
    largest = np.maximum(sizes.max(axis=axis), 0.0)
    with np.errstate(under="ignore"):
        squares = np.exp2(2.0 * (sizes - np.expand_dims(largest, axis))).sum(axis=axis)
        # Vectors of integers are zero or at least 1 long.
        norms = largest + 0.5 * np.log2(np.maximum(squares, 1.0))
    return float(np.sort(norms)[len(norms) - order :].sum())


def _logarithms(matrix: ExactMatrix) -> tuple[FloatArray, FloatArray]:
    """To base 2: of the size of each entry, and of its last bit that is not zero.

    Minus and plus infinity for a zero.
    """
    if matrix.dtype == np.float64:
        fractions, exponents = np.frexp(matrix)
        integers = np.ldexp(np.abs(fractions), 53).astype(np.uint64)
        exponents = exponents - 53.0
    else:
        # Two's complement of a negative number has the last bit of its size.
        integers = matrix.astype(np.uint64)
        exponents = np.zeros(matrix.shape)
    last_bits = integers & (~integers + np.uint64(1))
    is_zero = integers == 0
    _, places = np.frexp(last_bits.astype(np.float64))
    last_places = np.where(is_zero, math.inf, places - 1.0 + exponents)
    with np.errstate(divide="ignore"):
        if matrix.dtype == np.float64:
            sizes = np.log2(integers.astype(np.float64)) + exponents
        else:
            sizes = np.log2(np.abs(matrix.astype(np.float64)))
    return sizes, last_places
