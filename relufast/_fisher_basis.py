"""Approximate eigenvectors of the Fisher information, in four groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relufast import _fisher_groups, _validate
from relufast._directions import Directions
from relufast._read_only import read_only
from relufast._validate import FloatArray

GROUPS = tuple(_fisher_groups.DEGREES)


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
    vectors : ndarray of float64, shape (m, d (d + 3) / 2)
        Not normalised, group after group; read-only.
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
    d = rows.units.shape[1]
    vectors = _fisher_groups.all_values(rows, combined=True)
    largest = rows.norms.max(initial=0.0)
    if largest > 0.0:
        direction = rows.norms / largest
        squares = vectors[:, vectors.shape[1] - (d - 1) :]
        squares -= np.outer(direction, (direction @ squares) / (direction @ direction))
    indices = [_fisher_groups.indices(group, d, combined=True) for group in GROUPS]
    return FisherBasis(
        vectors=read_only(vectors),
        groups=tuple(g for g, own in zip(GROUPS, indices, strict=True) for _ in own),
        indices=tuple(index for own in indices for index in own),
    )
