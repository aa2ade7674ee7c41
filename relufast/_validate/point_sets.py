"""Points, and labels for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._validate.arrays import (
    EXACT_INTEGERS,
    FloatArray,
    float_array,
    require_finite,
    unmasked_array,
)

_LARGEST_COORDINATE = 2.0**500  # of points whose distances are squared
_ENTRIES_AT_ONCE = 2**22  # of what may not fit into memory


def points(value: object, name: str, dimension: int) -> FloatArray:
    """One point, shape (dimension,), or m of them, shape (m, dimension); NaN and infinity pass.

    In dimension 1 a number is one point and a vector of length m is m points, never one.
    """
    array = float_array(value, name, finite=False)
    if dimension == 1 and array.ndim < 2:
        return array[..., np.newaxis]
    if array.ndim not in (1, 2) or array.shape[-1] != dimension:
        needed = "(), (m,) or (m, 1)" if dimension == 1 else f"({dimension},) or (m, {dimension})"
        raise ValueError(f"{name} has shape {array.shape}, but needs shape {needed}")
    return array


def finite_points(value: object, name: str, dimension: int) -> FloatArray:
    """At least one finite point, as `points` takes them, of shape (m, dimension) and C order."""
    array = points(value, name, dimension)
    require_finite(array, name)
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs at least one point")
    return np.ascontiguousarray(array.reshape(-1, dimension))


def point_set(value: object, name: str, *, first: int = 0) -> NDArray[Any]:
    """At least one point of at least one dimension, shape (m, d): finite float32 or float64.

    Not copied where it is one of these already, so that a memory-mapped file stays on disk. No
    entry exceeds 2**500, so that squares of distances fit float64. Rows count from `first`.
    """
    array = unmasked_array(value, name)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    elif array.dtype != np.float32:
        array = float_array(value, name, finite=False)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}, but needs shape (m, d), at least one point of at "
            "least one dimension"
        )
    rows = max(1, _ENTRIES_AT_ONCE // array.shape[1])
    for begin in range(0, len(array), rows):
        _require_moderate(array[begin : begin + rows], name, first + begin)
    return array


def labels(value: object, name: str, n_points: int, n_classes: int) -> NDArray[np.int64]:
    """A class, from 0 on, for each point."""
    array = unmasked_array(value, name)
    if array.dtype == np.bool_:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, but needs integers or bools")
    if array.shape != (n_points,):
        raise ValueError(
            f"{name} has shape {array.shape}, but needs shape ({n_points},), one for each point"
        )
    outside = (array < 0) | (array >= n_classes)
    if outside.any():
        i = int(np.argmax(outside))
        raise ValueError(f"{name}[{i}] is {array[i]}, but classes are 0 to {n_classes - 1}")
    return array.astype(np.int64)


def class_labels(value: object, name: str, length: int) -> NDArray[Any]:
    """A vector of that length of integers or texts, from integers, bools, texts or whole floats.

    One column of a matrix is taken as a vector.
    """
    array = unmasked_array(value, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (length,):
        raise ValueError(
            f"{name} has shape {array.shape}, but needs shape ({length},), one for each point"
        )
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    numbers = float_array(array, name)
    if not (numbers == np.rint(numbers)).all() or np.abs(numbers).max(initial=0.0) > EXACT_INTEGERS:
        raise ValueError(f"{name} has numbers that are no classes: give whole numbers, or texts")
    return numbers.astype(np.int64)


def _require_moderate(rows: NDArray[Any], name: str, first: int) -> None:
    # As Python's floats, because float32 does not hold the limit.
    if float(rows.min()) >= -_LARGEST_COORDINATE and float(rows.max()) <= _LARGEST_COORDINATE:
        return  # which no NaN passes
    fits = np.abs(rows.astype(np.float64)) <= _LARGEST_COORDINATE
    i, j = (int(k) for k in np.argwhere(~fits)[0])
    wanted = "at most 2**500 in size" if np.isfinite(rows[i, j]) else "finite"
    raise ValueError(f"{name}[{first + i}, {j}] is {rows[i, j]}, but must be {wanted}")
