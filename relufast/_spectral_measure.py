"""Quadrature for the spectral measure of a symmetric matrix and a vector, by Lanczos's process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from relufast._validate import FloatArray


class SpectralMeasure(NamedTuple):
    """Point masses: the integral of g is the sum of weights * g(nodes)."""

    nodes: FloatArray
    weights: FloatArray


def spectral_measure(
    product: Callable[[FloatArray], FloatArray], v: FloatArray, rank: int, n_points: int
) -> SpectralMeasure:
    """Of a matrix given by its products, at v: v^T g(J) v, exact for degrees to 2 n_points - 1.

    `rank` bounds the dimension of the space that v and its images lie in.
    """
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg import eigh_tridiagonal

    mass = float(v @ v)
    if mass == 0.0 or rank == 0:
        return SpectralMeasure(np.zeros(1), np.zeros(1))
    basis = np.empty((min(n_points, rank), len(v)))
    basis[0] = v / np.sqrt(mass)
    diagonal: list[float] = []
    beside: list[float] = []
    for n in range(len(basis)):
        image = product(basis[n])
        scale = float(np.linalg.norm(image))
        diagonal.append(float(basis[n] @ image))
        if n + 1 == len(basis):
            break
        # Twice, so that the basis stays orthogonal to rounding.
        for _ in range(2):
            image -= basis[: n + 1].T @ (basis[: n + 1] @ image)
        length = float(np.linalg.norm(image))
        if length <= 1e-14 * scale:
            break  # a space that the matrix keeps
        beside.append(length)
        basis[n + 1] = image / length
    nodes, vectors = eigh_tridiagonal(np.array(diagonal), np.array(beside))
    first: FloatArray = np.asarray(vectors[0], np.float64)
    return SpectralMeasure(np.asarray(nodes, np.float64), mass * first**2)
