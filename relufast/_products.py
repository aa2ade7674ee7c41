"""Matrix products on SciPy's BLAS.

Unlike NumPy's they have the same bits for any number of threads inside `_blas.single_threaded`.
"""

from __future__ import annotations

import math

import numpy as np

from relufast._validate import FloatArray

# SciPy is imported inside because it takes 0.3 s, which `import relufast` need not. BLAS sees
# C arrays as transposes, which costs no copy.


def times(A: FloatArray, B: FloatArray) -> FloatArray:
    """A @ B, of C order."""
    from scipy.linalg.blas import dgemm

    product: FloatArray = dgemm(1.0, B.T, A.T)
    return product.T


def times_transposed(A: FloatArray, B: FloatArray) -> FloatArray:
    """A @ B.T, of C order."""
    from scipy.linalg.blas import dgemm

    product: FloatArray = dgemm(1.0, B.T, A.T, trans_a=True)
    return product.T


def norm(v: FloatArray) -> float:
    """|v|, of which NumPy's own would be a product of its BLAS."""
    return math.sqrt(float(np.square(v).sum()))


def times_vector(A: FloatArray, v: FloatArray) -> FloatArray:
    """A @ v."""
    from scipy.linalg.blas import dgemv

    if A.size == 0:  # which BLAS refuses
        return np.zeros(len(A))
    product: FloatArray = dgemv(1.0, A.T, v, trans=True)
    return product


def transposed_times_vector(A: FloatArray, v: FloatArray) -> FloatArray:
    """A.T @ v."""
    from scipy.linalg.blas import dgemv

    if A.size == 0:
        return np.zeros(A.shape[1])
    product: FloatArray = dgemv(1.0, A.T, v)
    return product
