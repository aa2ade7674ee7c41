"""Quadrature for the spectral measure of a symmetric matrix and a vector, by Lanczos's process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from relufast._products import norm, times_vector, transposed_times_vector
from relufast._validate import FloatArray


class SpectralMeasure(NamedTuple):
    """Point masses: the integral of g is the sum of weights * g(nodes)."""

    nodes: FloatArray
    weights: FloatArray


def spectral_measure(
    product: Callable[[FloatArray], FloatArray],
    v: FloatArray,
    rank: int,
    n_points: Callable[[float], int],
) -> SpectralMeasure:
    """Of a positive semidefinite matrix given by its products, at v: v^T g(J) v.

    With n points it is exact for polynomials to degree 2 n - 1. `n_points` says how many are
    needed, from the largest node so far; `rank` bounds the dimension of the space of v's images.
    """
    mass = float(np.square(v).sum())
    if mass == 0.0 or rank == 0:
        return SpectralMeasure(np.zeros(1), np.zeros(1))
    basis = np.empty((16, len(v)))
    basis[0] = v / np.sqrt(mass)
    diagonal: list[float] = []
    beside: list[float] = []
    # The largest node rises from step to step, and with it what is needed: no quadrature before.
    needed = 1
    while True:
        n = len(diagonal) + 1
        image = product(basis[n - 1])
        scale = norm(image)
        diagonal.append(float((basis[n - 1] * image).sum()))
        if n >= needed:
            nodes, weights = _points(diagonal, beside)
            needed = min(rank, n_points(float(nodes[-1])))
            if n >= needed:
                break
        # Twice, so that the basis stays orthogonal to rounding.
        for _ in range(2):
            image -= transposed_times_vector(basis[:n], times_vector(basis[:n], image))
        length = norm(image)
        if length <= 1e-14 * scale:
            # A space that the matrix keeps.
            nodes, weights = _points(diagonal, beside)
            break
        beside.append(length)
        if n == len(basis):
            basis = np.concatenate([basis, np.empty_like(basis)])
        basis[n] = image / length
    return SpectralMeasure(nodes, mass * weights)


def _points(diagonal: list[float], beside: list[float]) -> tuple[FloatArray, FloatArray]:
    """Nodes, rising, and weights of sum 1, of a tridiagonal matrix at its first unit vector."""
    # Imported here because it takes 0.3 s, which `import relufast` need not.
    from scipy.linalg import eigh_tridiagonal

    nodes, vectors = eigh_tridiagonal(np.array(diagonal), np.array(beside))
    return np.asarray(nodes, np.float64), np.asarray(vectors[0], np.float64) ** 2
