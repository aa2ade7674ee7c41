"""Approximate eigenvectors of the Fisher information, in four groups."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from relufast import _validate
from relufast._directions import Directions
from relufast._validate import FloatArray

GROUPS = ("norm", "linear", "product", "square")


@dataclass(frozen=True, eq=False)
class FisherBasis:
    """Approximate eigenvectors of the Fisher information of Gaussian inputs, by groups.

    Column names with a and b, rows of W being w_i, of dimension d:

    - group "norm", one vector: |w_i|;
    - "linear", d vectors: W_ia;
    - "product", d (d - 1) / 2 vectors: W_ia W_ib / |w_i|, a < b;
    - "square", d - 1 vectors: combinations of v(gg)_i = W_ig^2 / |w_i|, all orthogonal to "norm".
      Number g = 1..d-1 is sqrt(g / (g + 1)) times the mean of v(00), ..., v(g-1, g-1) less
      v(gg), less its projection on "norm".

    Attributes
    ----------
    vectors : ndarray of float64, shape (m, 1 + d + d (d + 1) / 2 - 1)
        Not normalised, group after group.
    groups : tuple of str
        The group of each column.
    indices : tuple of tuples of int
        () for "norm", (a,) for "linear", (a, b) for "product", (g,) for "square".
    """

    vectors: FloatArray
    groups: tuple[str, ...]
    indices: tuple[tuple[int, ...], ...]

    def group(self, name: str) -> FloatArray:
        """The vectors of one group, as columns."""
        known = _validate.choice(name, "name", GROUPS)
        return self.vectors[:, [group == known for group in self.groups]]


def approximate_eigenvectors(rows: Directions) -> FisherBasis:
    """Of the Fisher information of the weights with these rows."""
    norms, units = rows
    m, d = units.shape
    pairs = list(itertools.combinations(range(d), 2))
    vectors = np.empty((m, d * (d + 3) // 2))
    vectors[:, 0] = norms
    vectors[:, 1 : d + 1] = norms[:, np.newaxis] * units
    for column, (a, b) in enumerate(pairs, start=d + 1):
        vectors[:, column] = norms * units[:, a] * units[:, b]
    squares = vectors[:, d + 1 + len(pairs) :]
    before = np.zeros(m)
    for g in range(1, d):
        before += np.square(units[:, g - 1])
        contrast = before / g - np.square(units[:, g])
        squares[:, g - 1] = np.sqrt(g / (g + 1.0)) * norms * contrast
    largest = norms.max(initial=0.0)
    if largest > 0.0:
        direction = norms / largest
        squares -= np.outer(direction, (direction @ squares) / (direction @ direction))
    return FisherBasis(
        vectors=vectors,
        groups=("norm",) + ("linear",) * d + ("product",) * len(pairs) + ("square",) * (d - 1),
        indices=((), *((a,) for a in range(d)), *pairs, *((g,) for g in range(1, d))),
    )
