"""Matrix products on SciPy's BLAS.

Unlike NumPy's they have the same bits for any number of threads inside `_blas.single_threaded`.
"""

from __future__ import annotations

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
