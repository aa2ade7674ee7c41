"""The largest error of a layer of low rank on the unit sphere: searched for, and bounded."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relufast import _core
from relufast._validate import FloatArray

# Up to here branch and bound ends soon; each dimension more takes hundreds of times as many cells.
LARGEST_BOUNDED_DIMENSION = 4
_MOST_CELLS = 1_000_000
# Climbs that begin at the points with the largest errors, and those that begin anywhere.
_FROM_LARGEST, _FROM_ANYWHERE = 32, 32
# Cosine of the angle below which two points are one.
_SAME = 1.0 - 1e-8


class Search(NamedTuple):
    """Maxima that climbs reached, from the largest on."""

    points: FloatArray  #: (count, n)
    squares: FloatArray  #: (count,)


class Bound(NamedTuple):
    """What branch and bound found."""

    upper: float  #: no error is larger
    reached: float  #: the largest one met, or known before
    point: FloatArray  #: (1, n), where one larger than known was met, or (0, n)


def sample(count: int, dimension: int, random: np.random.Generator) -> FloatArray:
    """Points uniform on the unit sphere."""
    points = random.standard_normal((count, dimension))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points


def search(
    A: FloatArray,
    L: FloatArray,
    points: FloatArray,
    squares: FloatArray,
    random: np.random.Generator,
    n_threads: int,
) -> Search:
    """Climb from the points with the largest squared errors and from others."""
    largest = np.argsort(-squares, kind="stable")[:_FROM_LARGEST]
    others = sample(_FROM_ANYWHERE, A.shape[1], random)
    seed = int(random.integers(2**63))
    tops, reached = _core.ascend_on_sphere(
        A, L, np.vstack([points[largest], others]), seed, n_threads
    )
    order = np.argsort(-reached, kind="stable")
    return Search(tops[order], reached[order])


def distinct(points: FloatArray) -> FloatArray:
    """The first one of points that lie together."""
    kept: list[FloatArray] = []
    for point in points:
        if not kept or float(np.max(np.array(kept) @ point)) < _SAME:
            kept.append(point)
    return np.array(kept).reshape(-1, points.shape[1])


def bound(A: FloatArray, L: FloatArray, known: float, rtol: float, negligible: float) -> Bound:
    """A bound of the largest error, proven but for rounding, beside one that is known to occur.

    Up to `LARGEST_BOUNDED_DIMENSION` it is within rtol of the largest one, unless that takes too
    many cells. Otherwise it is |A - L|, because relu contracts, and so where that is near enough or
    negligible.
    """
    from scipy.linalg import svdvals

    n = A.shape[1]
    # LAPACK's singular values err by a small multiple of eps times the largest.
    upper = float(svdvals(A - L)[0]) * (1.0 + 1e-12)
    is_near = upper <= max(known * (1.0 + rtol), negligible)
    if is_near or n > LARGEST_BOUNDED_DIMENSION:
        return Bound(upper, known, np.empty((0, n)))
    square, reached, at, _, _ = _core.bound_on_sphere(A, L, known * known, rtol, _MOST_CELLS)
    return Bound(min(upper, math.sqrt(square)), math.sqrt(reached), at.reshape(-1, n))
