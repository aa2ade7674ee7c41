"""Arc-cosine kernels by the textbook's formulas, slow and in high precision."""

from __future__ import annotations

import mpmath
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def angle_function(cosine: float, degree: int) -> mpmath.mpf:
    """Of the float64 number as it is."""
    with mpmath.workdps(40):
        c = mpmath.mpf(cosine)
        angle = mpmath.acos(c)
        if degree == 0:
            return mpmath.pi - angle
        return mpmath.sin(angle) + (mpmath.pi - angle) * c


def kernel(x: FloatArray, y: FloatArray, degree: int) -> mpmath.mpf:
    """Of two vectors, by Cho and Saul's normalisation."""
    with mpmath.workdps(40):
        a, b = ([mpmath.mpf(float(entry)) for entry in vector] for vector in (x, y))
        norms = mpmath.sqrt(mpmath.fdot(a, a)) * mpmath.sqrt(mpmath.fdot(b, b))
        if norms == 0:
            return mpmath.mpf(0)
        cosine = min(mpmath.mpf(1), max(mpmath.mpf(-1), mpmath.fdot(a, b) / norms))
        angle = mpmath.acos(cosine)
        if degree == 0:
            return (mpmath.pi - angle) / mpmath.pi
        return norms * (mpmath.sin(angle) + (mpmath.pi - angle) * cosine) / mpmath.pi


def kernel_matrix(X: FloatArray, Y: FloatArray, degree: int) -> FloatArray:
    return np.array([[float(kernel(x, y, degree)) for y in Y] for x in X])


def hidden_weights(m: int, d: int, rng: np.random.Generator) -> FloatArray:
    """From N(0, 1/m)."""
    weights: FloatArray = rng.standard_normal((m, d)) / np.sqrt(m)
    return weights


def fisher_matrix(W: FloatArray) -> FloatArray:
    """By NumPy's arccos, which loses digits near the diagonal only in the second order."""
    norms = np.linalg.norm(W, axis=1)
    products = np.outer(norms, norms)
    cosines = np.clip(W @ W.T / np.where(products > 0.0, products, 1.0), -1.0, 1.0)
    angles = np.arccos(cosines)
    matrix: FloatArray = products * (np.sin(angles) + (np.pi - angles) * cosines) / (2.0 * np.pi)
    return matrix
