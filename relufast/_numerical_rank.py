"""The rank that float64 sees: singular values above a tolerance."""

from __future__ import annotations

from relufast._scaling import scaled
from relufast._validate import FloatArray

_EPS = 2.0**-52


def numerical_rank(matrix: FloatArray, rtol: float | None = None) -> int:
    """Singular values above rtol, by default max(m, n) eps, times the largest.

    For a matrix of zeros or without entries 0.
    """
    if not matrix.any():
        return 0
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg import svdvals

    tolerance = max(matrix.shape) * _EPS if rtol is None else rtol
    units, _ = scaled(matrix)
    values = svdvals(units, overwrite_a=True, check_finite=False)
    return int((values > tolerance * values[0]).sum())
