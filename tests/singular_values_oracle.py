"""Errors of layers of low rank from the definition, and searches through all of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def largest_error(
    A: FloatArray, L: FloatArray, X: FloatArray, bias: FloatArray | float = 0.0
) -> float:
    """The largest |relu(A x + bias) - relu(L x + bias)| over rows x."""
    largest = 0.0
    for x in X:
        difference = np.maximum(A @ x + bias, 0.0) - np.maximum(L @ x + bias, 0.0)
        largest = max(largest, math.sqrt(float(difference @ difference)))
    return largest


def circle(count: int) -> FloatArray:
    angles = 2.0 * np.pi * np.arange(count) / count
    return np.column_stack([np.cos(angles), np.sin(angles)])


def sphere(count: int, dimension: int, seed: int) -> FloatArray:
    points = np.random.default_rng(seed).standard_normal((count, dimension))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def least_on_grid(A: FloatArray, X: FloatArray, reach: float, step: float) -> float:
    """The smallest largest error of all L = u v^T of a grid, A with two rows and two columns."""
    values = np.arange(-reach, reach + step / 2.0, step)
    angles = np.arange(0.0, np.pi, step)
    best = math.inf
    targets = np.maximum(X @ A.T, 0.0)
    for angle in angles:
        along = X @ [math.cos(angle), math.sin(angle)]
        # Of each row by itself, for all factors at once: (points, factors).
        squares = [
            (np.maximum(np.outer(along, values), 0.0) - targets[:, [row]]) ** 2 for row in range(2)
        ]
        for factor in range(len(values)):
            largest = (squares[0][:, [factor]] + squares[1]).max(axis=0)
            best = min(best, math.sqrt(float(largest.min())))
    return best
