"""The four groups of approximate eigenvectors, which are also their functions' forms.

An eigenvector of degree k is v_i = |w_i| Y(w_i / |w_i|), Y a spherical harmonic, and its function
tends to sqrt(lambda_k) |x| Y(x / |x|). So both are one function, of rows of weights or of inputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relufast._directions import directions
from relufast._validate import FloatArray

DEGREES = {"norm": 0, "linear": 1, "product": 2, "square": 2}


def indices(group: str, dimension: int, *, combined: bool) -> tuple[tuple[int, ...], ...]:
    """What tells the members of a group from each other."""
    if group == "norm":
        return ((),)
    if group == "product":
        return tuple(zip(*(ends.tolist() for ends in _pairs(dimension)), strict=True))
    first = 1 if group == "square" and combined else 0
    return tuple((j,) for j in range(first, dimension))


def values(rows: FloatArray, name: str, group: str, *, combined: bool) -> FloatArray:
    """All members of a group at all rows, of shape (rows, members); 0 at a row of zeros."""
    if group == "linear":
        return rows
    norms, units = directions(rows, name)
    if group == "norm":
        return norms[:, np.newaxis]
    if group == "product":
        a, b = _pairs(rows.shape[1])
        return rows[:, a] * units[:, b]
    squares = rows * units
    return contrasts(squares) if combined else squares


def contrasts(squares: FloatArray) -> FloatArray:
    """Of the mean of the columns before with each but the first, of shape (rows, columns - 1).

    Coefficients have sum 0 and sum of squares 1, and are orthogonal to each other.
    """
    g = np.arange(1.0, squares.shape[1])
    means = np.cumsum(squares, axis=1)[:, :-1] / g
    return np.sqrt(g / (g + 1.0)) * (means - squares[:, 1:])


def mean_square(group: str, dimension: int) -> float:
    """Of a member of a group (combined) at a standard normal row."""
    if group == "norm":
        return float(dimension)
    if group == "linear":
        return 1.0
    return (1.0 if group == "product" else 2.0) / (dimension + 2.0)


def _pairs(dimension: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(dimension, 1)
