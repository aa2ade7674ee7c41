"""The width of a set of points in a random direction, as a statistic."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from relufast import _core, _validate
from relufast._mean_norm import mean_norm
from relufast._validate import FloatArray
from relufast._widths import Widths
from relufast.monte_carlo.statistic import Rows, Statistic

# Directions in a block. One size for all sets: chunks and the whole of a set have the same trials.
BLOCK_SIZE = 256


class MeanWidth(Statistic):
    """The width of a set of points in a random direction: `gaussian_mean_width` averages it.

    Parameters
    ----------
    K : array_like of float, shape (m, d)
        As for `gaussian_mean_width`, no iterable.
    spherical : bool, optional
        For a direction uniform on the sphere, not a normal one.
    n_threads : int, optional
        Of the core in each block; 1 if not given, because an executor has workers of its own.

    Attributes
    ----------
    shape : tuple of int
        ().
    block_size : int

    Raises
    ------
    TypeError, ValueError
        As `gaussian_mean_width`.

    Examples
    --------
    >>> import numpy as np
    >>> import relufast
    >>> square = relufast.statistics.MeanWidth([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> relufast.monte_carlo(square, n_trials=1000, seed=1)
    Estimate(1.5892 ± 0.0051, 1,000 trials)
    """

    shape = ()
    block_size = BLOCK_SIZE

    def __init__(
        self, K: ArrayLike, *, spherical: bool = False, n_threads: SupportsIndex = 1
    ) -> None:
        self._points = _validate.point_set(K, "K")
        self._spherical = _validate.flag(spherical, "spherical")
        self._n_threads = _validate.positive_int(n_threads, "n_threads")
        self._widths = Widths(self._points)

    def key(self) -> Mapping[str, Any]:
        # Directions find the same points whatever type holds these.
        content = hashlib.sha256()
        for row in self._points:
            content.update(np.ascontiguousarray(row, "<f8").tobytes())
        return {
            "statistic": "MeanWidth",
            "block_size": self.block_size,
            "spherical": self._spherical,
            "shape": self._points.shape,
            "points": content.hexdigest(),
        }

    def rows(self, sequence: np.random.SeedSequence, n_trials: int) -> Rows:
        directions = directions_of(sequence, n_trials, self._widths.dimension)
        widths = self._widths.of(directions, self._n_threads)
        return Rows(scaled_widths(widths, directions, self._spherical)[:, np.newaxis])


def directions_of(
    sequence: np.random.SeedSequence, n_trials: int, dimension: int, *, space: int = 0
) -> FloatArray:
    """Standard normal vectors of a block's trials; `space` tells several sets of them apart."""
    (block,) = sequence.spawn_key
    first = block * BLOCK_SIZE
    return numbered_directions(sequence.entropy, first, n_trials, dimension, space=space)


def numbered_directions(
    seed: Any, first: int, count: int, dimension: int, *, space: int = 0
) -> FloatArray:
    """Number first, first + 1, ...: each depends on its number alone, not on its block."""
    return _core.gaussian_directions(seed, space, first, count, dimension)


def scaled_widths(widths: FloatArray, directions: FloatArray, spherical: bool) -> FloatArray:
    """For directions of length 1, or of the mean length of a normal vector."""
    # The length of a normal vector is independent of its direction, so that its mean may stand for
    # it: the same expectation, and a smaller variance.
    lengths = np.sqrt(np.add.reduce(np.square(directions), axis=1))
    length = 1.0 if spherical else mean_norm(directions.shape[1])
    scaled: FloatArray = widths * (length / lengths)
    return scaled
