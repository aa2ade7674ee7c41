"""The four groups of approximate eigenvectors, which are also their functions' forms.

An eigenvector of degree k is v_i = |w_i| Y(w_i / |w_i|), Y a spherical harmonic, and its function
tends to sqrt(lambda_k) |x| Y(x / |x|). So both are one function, of rows of weights or of inputs.
"""

from __future__ import annotations

import itertools

import numpy as np

from relufast._directions import Directions
from relufast._validate import FloatArray

DEGREES = {"norm": 0, "linear": 1, "product": 2, "square": 2}


def indices(group: str, dimension: int, *, combined: bool) -> tuple[tuple[int, ...], ...]:
    """What tells the members of a group from each other."""
    if group == "norm":
        return ((),)
    if group == "product":
        return tuple(itertools.combinations(range(dimension), 2))
    first = 1 if group == "square" and combined else 0
    return tuple((j,) for j in range(first, dimension))


def sizes(dimension: int, *, combined: bool) -> dict[str, int]:
    """How many members each group has."""
    d = dimension
    of_groups = (1, d, d * (d - 1) // 2, d - 1 if combined else d)
    return dict(zip(DEGREES, of_groups, strict=True))


def values(rows: Directions, group: str, *, combined: bool) -> FloatArray:
    """All members of a group at all rows, of shape (rows, members); 0 at a row of zeros."""
    members = sizes(rows.units.shape[1], combined=combined)[group]
    out = np.empty((len(rows.norms), members))
    _write(out, rows, group, combined)
    return out


def all_values(rows: Directions, *, combined: bool) -> FloatArray:
    """Of all groups side by side."""
    numbers = sizes(rows.units.shape[1], combined=combined)
    out = np.empty((len(rows.norms), sum(numbers.values())))
    first = 0
    for group, members in numbers.items():
        _write(out[:, first : first + members], rows, group, combined)
        first += members
    return out


def _write(out: FloatArray, rows: Directions, group: str, combined: bool) -> None:
    units, norms = rows.units, rows.norms[:, np.newaxis]
    d = units.shape[1]
    if group == "norm":
        out[:] = norms
    elif group == "linear":
        np.multiply(norms, units, out=out)
    elif group == "product":
        column = 0
        for a in range(d - 1):
            part = out[:, column : column + d - 1 - a]
            np.multiply(norms * units[:, a : a + 1], units[:, a + 1 :], out=part)
            column += d - 1 - a
    else:
        squares = norms * np.square(units)
        out[:] = contrasts(squares) if combined else squares


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
