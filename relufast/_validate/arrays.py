"""Arrays, vectors and matrices of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relufast._validate.messages import type_of

FloatArray = NDArray[np.float64]
ExactMatrix = NDArray[Any]  # of float64, int64 or uint64

EXACT_INTEGERS = 2**53


def float_array(value: object, name: str, *, finite: bool = True) -> FloatArray:
    """An array of any shape as float64, not copied where it is float64 already.

    Only what float64 represents exactly is taken: integers (up to 2**53 in size), float16, float32
    and float64, of any layout. NaN and infinity pass with ``finite=False``.
    """
    array = unmasked_array(value, name)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "iuf" or size > 8:
        scalar = array.ndim == 0 and not isinstance(value, np.ndarray)
        came = f"is {type_of(value)}" if scalar else f"has dtype {array.dtype}"
        raise TypeError(f"{name} {came}, but needs real numbers that float64 can hold")
    if kind in "iu" and size == 8:
        largest = largest_in_size(array)
        if largest > EXACT_INTEGERS:
            raise ValueError(
                f"{name} has an integer of size {largest}, but float64 holds all integers only "
                "up to 2**53; round it yourself by converting to float64"
            )
    array = array.astype(np.float64, copy=False)
    if finite:
        require_finite(array, name)
    return array


def vector(value: object, name: str, length: int | None = None) -> FloatArray:
    """A finite vector, of that length if one is given."""
    array = float_array(value, name)
    if array.ndim != 1 or length not in (None, len(array)):
        needed = "(m,)" if length is None else f"({length},)"
        raise ValueError(f"{name} has shape {array.shape}, but needs shape {needed}")
    return array


def positive_vector(value: object, name: str) -> FloatArray:
    """One or more positive finite numbers, copied."""
    array = np.array(float_array(value, name))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape (n,), n at least 1")
    if array.min() <= 0.0:
        raise ValueError(f"{name} has {array.min()}, but all must be positive")
    return array


def block_of_vectors(value: object, name: str, length: int) -> FloatArray:
    """Finite columns of that length, shape (length, k); k may be 0."""
    array = float_array(value, name)
    if array.ndim != 2 or array.shape[0] != length:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape ({length}, k)")
    return array


def batch(value: object, name: str, dimension: int) -> FloatArray:
    """Finite points, shape (m, dimension); m may be 0."""
    array = float_array(value, name)
    if array.ndim != 2 or array.shape[1] != dimension:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape (m, {dimension})")
    return array


def matrix(value: object, name: str) -> FloatArray:
    """A finite matrix; either side may be 0."""
    array = float_array(value, name)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but needs a matrix, shape (m, n)")
    return array


def nonempty_matrix(value: object, name: str) -> FloatArray:
    """A finite matrix with at least one row and one column."""
    array = matrix(value, name)
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs at least one row and column")
    return array


def exact_matrix(value: object, name: str) -> ExactMatrix:
    """A finite matrix as float64, int64 or uint64, whichever holds it exactly, in C order.

    Integers may be of any size that their 64 bits hold; either side may be 0.
    """
    array = unmasked_array(value, name)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if array.ndim == 2 and kind in "iu" and size == 8 and largest_in_size(array) > EXACT_INTEGERS:
        return np.ascontiguousarray(array, f"{kind}8")
    floats = np.ascontiguousarray(matrix(value, name))
    # NumPy makes a list of integers that no 64-bit type holds, with a float, to float64.
    if not isinstance(value, np.ndarray) and np.abs(floats).max(initial=0.0) >= EXACT_INTEGERS:
        for index, number in np.ndenumerate(np.asarray(value, object)):
            if isinstance(number, (int, np.integer)) and int(number) != int(floats[index]):
                entry = f"{name}[{', '.join(map(str, index))}]"
                raise ValueError(f"{entry} is {number}, but float64, as beside it, would round it")
    return floats


def pattern(value: object, name: str = "pattern") -> NDArray[np.bool_]:
    """A matrix of bools; either side may be 0."""
    array = unmasked_array(value, name)
    if array.dtype != np.bool_:
        raise TypeError(
            f"{name} has dtype {array.dtype}, but needs bools; for a matrix A give A != 0"
        )
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape (m, n)")
    return array


def require_columns(array: NDArray[Any], name: str, number: int, *, of: str | None = None) -> None:
    """That a matrix has so many columns, perhaps as another argument has."""
    if array.shape[1] != number:
        beside = "" if of is None else f", as {of} has"
        raise ValueError(f"{name} has shape {array.shape}, but needs {number} columns{beside}")


def eigenvector_shape(shape: tuple[int, ...], name: str, n_rows: int, n_pairs: int) -> None:
    """That eigenpairs are of a matrix of that size, and enough."""
    if shape[0] != n_rows:
        raise ValueError(f"{name} has vectors of length {shape[0]}, but needs length {n_rows}")
    if shape[1] < n_pairs:
        raise ValueError(f"{name} has {shape[1]} pairs, but needs at least {n_pairs}")


def by_layer(value: object, name: str, depth: int, *, or_zero: bool = False) -> FloatArray:
    """A positive number for each layer, from one for all or from as many; with or_zero also 0.

    Copied.
    """
    array = float_array(value, name)
    if array.shape not in ((), (depth,)):
        raise ValueError(
            f"{name} has shape {array.shape}, but needs a number or one for each of {depth} layers"
        )
    smallest = float(array.min())
    if smallest < 0.0 or (smallest == 0.0 and not or_zero):
        wanted = "must not be negative" if or_zero else "must be positive"
        raise ValueError(f"{name} is {smallest}, but {wanted}")
    return np.full(depth, array)


def unmasked_array(value: object, name: str) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, but needs an array without a mask")
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged, but needs rows of equal length") from None


def largest_in_size(integers: NDArray[Any]) -> int:
    """In size, as Python's integer, because no other holds that of -2**63 and 2**64 - 1."""
    return max(int(integers.max(initial=0)), -int(integers.min(initial=0)))


def require_finite(array: FloatArray, name: str) -> None:
    finite = np.isfinite(array)
    if finite.all():
        return
    index = tuple(int(i) for i in np.argwhere(~finite)[0])
    entry = f"{name}[{', '.join(map(str, index))}]" if index else name
    raise ValueError(f"{entry} is {array[index]}, but must be finite")
