"""The only place that coerces and rejects input.

Every function takes a value and the name that the caller of relufast knows it by, and gives it back
in the one form that the rest of the package works with. A wrong type or dtype is a TypeError; a
wrong shape or range, NaN and infinity are a ValueError. The message says what came and what is
needed.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, SupportsIndex, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ExactMatrix = NDArray[Any]  # of float64, int64 or uint64
_Kind = TypeVar("_Kind")

_EXACT_INTEGERS = 2**53
_LARGEST_COORDINATE = 2.0**500  # of points whose distances are squared
_ENTRIES_AT_ONCE = 2**22  # of what may not fit into memory


def float_array(value: object, name: str, *, finite: bool = True) -> FloatArray:
    """An array of any shape as float64, not copied where it is float64 already.

    Only what float64 represents exactly is taken: integers (up to 2**53 in size), float16, float32
    and float64, of any layout. NaN and infinity pass with ``finite=False``.
    """
    array = _unmasked_array(value, name)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "iuf" or size > 8:
        scalar = array.ndim == 0 and not isinstance(value, np.ndarray)
        came = f"is {_type(value)}" if scalar else f"has dtype {array.dtype}"
        raise TypeError(f"{name} {came}, but needs real numbers that float64 can hold")
    if kind in "iu" and size == 8:
        largest = _largest(array)
        if largest > _EXACT_INTEGERS:
            raise ValueError(
                f"{name} has an integer of size {largest}, but float64 holds all integers only "
                "up to 2**53; round it yourself by converting to float64"
            )
    array = array.astype(np.float64, copy=False)
    if finite:
        _require_finite(array, name)
    return array


def vector(value: object, name: str, length: int) -> FloatArray:
    """A finite vector of that length."""
    array = float_array(value, name)
    if array.shape != (length,):
        raise ValueError(f"{name} has shape {array.shape}, but needs shape ({length},)")
    return array


def matrix(value: object, name: str) -> FloatArray:
    """A finite matrix; either side may be 0."""
    array = float_array(value, name)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but needs a matrix, shape (m, n)")
    return array


def eigenvector_shape(shape: tuple[int, ...], name: str, n_rows: int, n_pairs: int) -> None:
    """That eigenpairs are of a matrix of that size, and enough."""
    if shape[0] != n_rows:
        raise ValueError(f"{name} has vectors of length {shape[0]}, but needs length {n_rows}")
    if shape[1] < n_pairs:
        raise ValueError(f"{name} has {shape[1]} pairs, but needs at least {n_pairs}")


def require_columns(array: NDArray[Any], name: str, number: int, *, of: str | None = None) -> None:
    """That a matrix has so many columns, perhaps as another argument has."""
    if array.shape[1] != number:
        beside = "" if of is None else f", as {of} has"
        raise ValueError(f"{name} has shape {array.shape}, but needs {number} columns{beside}")


def nonempty_matrix(value: object, name: str) -> FloatArray:
    """A finite matrix with at least one row and one column."""
    array = matrix(value, name)
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs at least one row and column")
    return array


def block_of_vectors(value: object, name: str, length: int) -> FloatArray:
    """Finite columns of that length, shape (length, k); k may be 0."""
    array = float_array(value, name)
    if array.ndim != 2 or array.shape[0] != length:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape ({length}, k)")
    return array


def pattern(value: object, name: str = "pattern") -> NDArray[np.bool_]:
    """A matrix of bools; either side may be 0."""
    array = _unmasked_array(value, name)
    if array.dtype != np.bool_:
        raise TypeError(
            f"{name} has dtype {array.dtype}, but needs bools; for a matrix A give A != 0"
        )
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape (m, n)")
    return array


def exact_matrix(value: object, name: str) -> ExactMatrix:
    """A finite matrix as float64, int64 or uint64, whichever holds it exactly, in C order.

    Integers may be of any size that their 64 bits hold; either side may be 0.
    """
    array = _unmasked_array(value, name)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if array.ndim == 2 and kind in "iu" and size == 8 and _largest(array) > _EXACT_INTEGERS:
        return np.ascontiguousarray(array, f"{kind}8")
    floats = np.ascontiguousarray(matrix(value, name))
    # NumPy makes a list of integers that no 64-bit type holds, with a float, to float64.
    if not isinstance(value, np.ndarray) and np.abs(floats).max(initial=0.0) >= _EXACT_INTEGERS:
        for index, number in np.ndenumerate(np.asarray(value, object)):
            if isinstance(number, (int, np.integer)) and int(number) != int(floats[index]):
                entry = f"{name}[{', '.join(map(str, index))}]"
                raise ValueError(f"{entry} is {number}, but float64, as beside it, would round it")
    return floats


def polyline(x: object, y: object) -> tuple[FloatArray, FloatArray]:
    """At least two finite points (x[i], y[i]), x rising."""
    xs, ys = float_array(x, "x"), float_array(y, "y")
    if xs.ndim != 1 or len(xs) < 2:
        raise ValueError(f"x has shape {xs.shape}, but needs shape (n,), n at least 2")
    if ys.shape != xs.shape:
        raise ValueError(f"y has shape {ys.shape}, but needs shape {xs.shape}, as x has")
    rises = xs[1:] > xs[:-1]
    if not rises.all():
        i = int(np.argmin(rises)) + 1
        raise ValueError(f"x[{i}] is {xs[i]} after {xs[i - 1]}, but x must rise at every step")
    return xs, ys


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
    _require_finite(array, name)
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs at least one point")
    return np.ascontiguousarray(array.reshape(-1, dimension))


def point_set(value: object, name: str, *, first: int = 0) -> NDArray[Any]:
    """At least one point of at least one dimension, shape (m, d): finite float32 or float64.

    Not copied where it is one of these already, so that a memory-mapped file stays on disk. No
    entry exceeds 2**500, so that squares of distances fit float64. Rows count from `first`.
    """
    array = _unmasked_array(value, name)
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
    array = _unmasked_array(value, name)
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


def batch(value: object, name: str, dimension: int) -> FloatArray:
    """Finite points, shape (m, dimension); m may be 0."""
    array = float_array(value, name)
    if array.ndim != 2 or array.shape[1] != dimension:
        raise ValueError(f"{name} has shape {array.shape}, but needs shape (m, {dimension})")
    return array


def line(start: object, stop: object, dimension: int) -> tuple[FloatArray, FloatArray]:
    """Two different finite points, copied: results keep them."""
    first = vector(start, "start", dimension).copy()
    second = vector(stop, "stop", dimension).copy()
    if np.array_equal(first, second):
        raise ValueError("start and stop are equal, but a line needs two different points")
    return first, second


def line_or_none(start: object, stop: object) -> tuple[FloatArray, FloatArray] | None:
    """Two different finite points of any one dimension, if they are given."""
    if start is None and stop is None:
        return None
    _require_both(start, stop)
    first = float_array(start, "start")
    if first.ndim != 1 or len(first) == 0:
        raise ValueError(f"start has shape {first.shape}, but needs shape (n_inputs,)")
    return line(first, stop, len(first))


def line_of_inputs(
    n_inputs: int, ends: object, start: object, stop: object, whole_line: object
) -> tuple[tuple[float, float], tuple[FloatArray, FloatArray] | None]:
    """The interval of x, and the points at which x is 0 and 1 unless x itself is the one input."""
    lo, hi = interval(ends)
    is_whole = flag(whole_line, "whole_line")
    if start is None and stop is None:
        if n_inputs != 1:
            raise ValueError(
                f"network has {n_inputs} inputs, so that a line through them is needed: "
                "give start and stop"
            )
        if is_whole:
            raise ValueError(
                "whole_line is True, but start and stop, which it extends, are missing"
            )
        return (lo, hi), None
    _require_both(start, stop)
    if (lo, hi) != (-math.inf, math.inf):
        raise ValueError(
            f"interval is {(lo, hi)}, but start and stop already say where the line ends"
        )
    points_of_line = line(start, stop, n_inputs)
    return ((lo, hi) if is_whole else (0.0, 1.0)), points_of_line


def interval(value: object, name: str = "interval") -> tuple[float, float]:
    """The two ends lo < hi, each of them possibly infinite."""
    array = float_array(value, name, finite=False)
    if array.shape != (2,):
        raise ValueError(f"{name} has shape {array.shape}, but needs the two numbers (lo, hi)")
    lo, hi = array.tolist()
    # Not lo >= hi, which is False for NaN.
    if not lo < hi:
        raise ValueError(f"{name} is ({lo}, {hi}), but needs lo < hi")
    return lo, hi


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


def finite_float(value: object, name: str) -> float:
    """A Python float from a real number: int, float, NumPy scalar or array without dimensions."""
    array = float_array(value, name)
    if array.ndim != 0:
        raise ValueError(f"{name} has shape {array.shape}, but needs a single number")
    return float(array)


def positive_float(value: object, name: str) -> float:
    number = finite_float(value, name)
    if number <= 0.0:
        raise ValueError(f"{name} is {number}, but must be positive")
    return number


def non_negative_float(value: object, name: str) -> float:
    number = finite_float(value, name)
    if number < 0.0:
        raise ValueError(f"{name} is {number}, but must not be negative")
    return number


def tolerance_or_none(value: object, name: str) -> float | None:
    return None if value is None else non_negative_float(value, name)


def integer(value: object, name: str) -> int:
    """A Python int from whatever Python indexes with, except bool."""
    if type(value) is int:
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{name} is {_type(value)}, but needs an integer")
    try:
        return operator.index(value)
    except TypeError:
        # An array has __index__ whatever its shape and dtype.
        raise TypeError(f"{name} is {_type(value)}, but needs an integer") from None


def positive_int(value: object, name: str) -> int:
    number = integer(value, name)
    if number < 1:
        raise ValueError(f"{name} is {number}, but must be at least 1")
    return number


def integer_of_float(value: object, name: str) -> int:
    """A positive integer that float64 holds."""
    number = positive_int(value, name)
    if number > _EXACT_INTEGERS:
        raise ValueError(f"{name} is {number}, but must be at most 2**53")
    return number


def count_up_to(value: object, name: str, largest: int, of_what: str) -> int:
    number = positive_int(value, name)
    if number > largest:
        raise ValueError(f"{name} is {number}, but there are only {largest} {of_what}")
    return number


def depth_up_to(value: object, name: str, largest: int, method: str) -> int:
    number = positive_int(value, name)
    if number > largest:
        raise ValueError(f"{name} is {number}, but must be at most {largest} for {method!r}")
    return number


def prime_count(value: object, name: str) -> int:
    number = positive_int(value, name)
    if number > 2**16:
        raise ValueError(f"{name} is {number}, but there are 65536 primes to take")
    return number


def non_negative_int(value: object, name: str) -> int:
    number = integer(value, name)
    if number < 0:
        raise ValueError(f"{name} is {number}, but must not be negative")
    return number


def step_numbers(value: object, name: str) -> NDArray[np.int64]:
    """0, 1, ..., up to an integer, or a vector of integers as it is; none negative."""
    array = _unmasked_array(value, name)
    if array.ndim == 0:
        return np.arange(non_negative_int(value, name) + 1, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, but needs integers")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}, but needs an integer or shape (n,), n at least 1"
        )
    if array.min() < 0:
        raise ValueError(f"{name} has the entry {array.min()}, but must not be negative")
    if _largest(array) > _EXACT_INTEGERS:
        raise ValueError(f"{name} has the entry {_largest(array)}, but must be at most 2**53")
    return array.astype(np.int64)


def dimension_of_all_groups(value: object, name: str) -> int:
    """A number of inputs with which no group of `function_form` is empty."""
    number = positive_int(value, name)
    if number < 2:
        raise ValueError(f"{name} is {number}, but must be at least 2 for all groups to exist")
    return number


def class_labels(value: object, name: str, length: int) -> NDArray[Any]:
    """A vector of that length of integers or texts, from integers, bools, texts or whole floats.

    One column of a matrix is taken as a vector.
    """
    array = _unmasked_array(value, name)
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
    if (
        not (numbers == np.rint(numbers)).all()
        or np.abs(numbers).max(initial=0.0) > _EXACT_INTEGERS
    ):
        raise ValueError(f"{name} has numbers that are no classes: give whole numbers, or texts")
    return numbers.astype(np.int64)


def ranks_up_to(value: object, name: str, largest: int) -> tuple[int, ...]:
    """Different numbers from 0 to `largest`, rising: from None all, from an integer that one."""
    if value is None:
        return tuple(range(largest + 1))
    array = _unmasked_array(value, name)
    if array.ndim == 0:
        numbers = np.array([integer(value, name)], object)
    elif array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}, but needs an integer or shape (n,), n at least 1"
        )
    elif array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, but needs integers")
    else:
        numbers = array
    for number in numbers:
        if not 0 <= number <= largest:
            raise ValueError(f"{name} has {number}, but ranks here are 0 to {largest}")
    ranks = sorted({int(number) for number in numbers})
    if len(ranks) < len(numbers):
        raise ValueError(f"{name} has a number twice, but needs different ones")
    return tuple(ranks)


def group_degree(value: object, name: str) -> int:
    number = integer(value, name)
    if number not in (0, 1, 2):
        raise ValueError(f"{name} is {number}, but must be 0, 1 or 2")
    return number


def fraction(value: object, name: str) -> float:
    """Between 0 and 1, neither of them."""
    number = finite_float(value, name)
    if not 0.0 < number < 1.0:
        raise ValueError(f"{name} is {number}, but must lie between 0 and 1")
    return number


def seed(value: object, name: str = "seed") -> int:
    number = integer(value, name)
    if not 0 <= number < 2**64:
        raise ValueError(f"{name} is {number}, but must be at least 0 and below 2**64")
    return number


def flag(value: object, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {_type(value)}, but needs True or False")
    return bool(value)


def choice(value: object, name: str, choices: Sequence[str]) -> str:
    known = ", ".join(repr(known) for known in choices)
    if not isinstance(value, str):
        raise TypeError(f"{name} is {_type(value)}, but needs one of {known}")
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, but must be one of {known}")
    return value


def text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {_type(value)}, but needs a str")
    return value


def character(value: object, name: str) -> str:
    checked = text(value, name)
    if len(checked) != 1:
        raise ValueError(f"{name} is {checked!r}, but needs one character")
    return checked


def matrix_axis(value: object, name: str = "axis") -> int:
    number = integer(value, name)
    if number not in (0, 1):
        raise ValueError(f"{name} is {number}, but must be 0, for rows, or 1, for columns")
    return number


def kernel_degree(value: object, name: str = "degree") -> int:
    number = integer(value, name)
    if number not in (0, 1):
        raise ValueError(f"{name} is {number}, but must be 0 or 1")
    return number


def callable_or_none(value: object, name: str) -> Callable[..., object] | None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {_type(value)}, but needs a function or None")
    return value


def function(value: object, name: str) -> Callable[..., Any]:
    if not callable(value):
        raise TypeError(f"{name} is {_type(value)}, but needs a callable")
    return value


def is_jitted(value: object) -> bool:
    """Whether Numba's njit has made it; does not import Numba."""
    return hasattr(value, "py_func") and hasattr(value, "signatures")


def jitted_function(value: object, name: str) -> Any:
    if not is_jitted(value):
        raise TypeError(f"{name} is {_type(value)}, but needs a function made by njit")
    return value


def function_of_generator(value: object, name: str) -> Callable[..., Any]:
    """A Python function f(rng), in the place of a statistic."""
    if is_jitted(value):
        raise TypeError(
            f"{name} is a Numba function, whose shape is not known: give "
            "statistics.JittedFunction(f, shape)"
        )
    if not callable(value):
        raise TypeError(
            f"{name} is {_type(value)}, but needs one of relufast.statistics or a callable f(rng)"
        )
    return value


def returned_array(
    value: object, function: str, shape: tuple[int, ...] | None = None
) -> FloatArray:
    """What a user's function returned, as float64: of this shape, or of any with an entry.

    NaN and infinity pass.
    """
    if np.ma.is_masked(value):
        raise TypeError(
            f"{function} returns an array with masked entries, but needs numbers in all of them"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{function} returns dtype {array.dtype}, but needs real numbers")
    if shape is None and array.size == 0:
        raise ValueError(f"{function} returns an array of shape {array.shape}, but needs a value")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{function} returns shape {array.shape}, but needs shape {shape}")
    return array.astype(np.float64, copy=False)


def name_and_version(name: object, version: object) -> tuple[str, str] | None:
    """Both, or neither."""
    for value, label in ((name, "name"), (version, "version")):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{label} is {_type(value)}, but needs a str")
    if isinstance(name, str) and isinstance(version, str):
        return name, version
    if name is not None or version is not None:
        given, missing = ("version", "name") if name is None else ("name", "version")
        raise ValueError(f"{given} is given, but {missing} is missing: a store needs both")
    return None


def store_key(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The key of a statistic, if it has one."""
    if value is None:
        raise ValueError(
            "store is given, but the statistic has no name and version: a function's results "
            "can only be kept with statistics.Function(f, name=..., version=...)"
        )
    return value


def trial_number(value: object, name: str, block_size: int) -> int:
    number = non_negative_int(value, name)
    if number >= block_size:
        raise ValueError(f"{name} is {number}, but a block has {block_size}")
    return number


def absent(value: object, name: str, reason: str) -> None:
    """That an option is not given where it would mean nothing."""
    if value is not None:
        raise ValueError(f"{name} is {value!r}, but {reason}")


def instance(value: object, name: str, kind: type[_Kind], needed: str) -> _Kind:
    """An object of a class of relufast's own, or of a library's."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {_type(value)}, but needs {needed}")
    return value


def at_least_one(needed: str, **values: object) -> None:
    """That not all of these options are missing."""
    if all(value is None for value in values.values()):
        raise ValueError(f"{' and '.join(values)} are missing: {needed}")


def file_path(value: object, name: str = "path") -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} is {_type(value)}, but needs a str or a path object")
    return Path(value)


def network_widths(value: object, name: str = "widths") -> tuple[int, ...]:
    """(inputs, one or more hidden widths, outputs)."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {_type(value)}, but needs a list or tuple of integers")
    widths = tuple(positive_int(width, f"{name}[{i}]") for i, width in enumerate(value))
    if len(widths) < 3:
        raise ValueError(
            f"{name} has {len(widths)} entries, but needs at least 3: inputs, hidden, outputs"
        )
    return widths


def one_input_widths(value: object, name: str = "widths") -> tuple[int, ...]:
    """As `network_widths`, with one input."""
    widths = network_widths(value, name)
    if widths[0] != 1:
        raise ValueError(f"{name}[0] is {widths[0]}, but must be 1: one input, one line")
    return widths


def rising_integers(value: object, name: str) -> tuple[int, ...]:
    """One or more positive integers, each larger than the one before."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple, range)):
        raise TypeError(f"{name} is {_type(value)}, but needs a list or tuple of integers")
    numbers = tuple(positive_int(number, f"{name}[{i}]") for i, number in enumerate(value))
    if not numbers or any(b <= a for a, b in pairwise(numbers)):
        raise ValueError(f"{name} is {numbers}, but needs at least one integer, and rising ones")
    return numbers


def network_parameters(
    weights: object, biases: object
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Finite weights and biases whose shapes make a network with a hidden layer."""
    checked_weights = _weights(weights)
    if biases is None:
        return checked_weights, tuple(np.zeros(len(w)) for w in checked_weights)
    if not isinstance(biases, (list, tuple)):
        raise TypeError(f"biases is {_type(biases)}, but needs a list or tuple of vectors, or None")
    if len(biases) != len(checked_weights):
        raise ValueError(
            f"biases has {len(biases)} entries, but needs {len(checked_weights)}, one for each "
            "entry of weights"
        )
    checked_biases = []
    for i, (bias, weight) in enumerate(zip(biases, checked_weights, strict=True)):
        if bias is None:
            raise TypeError(f"biases[{i}] is None, but needs a vector; zeros for no bias")
        checked_biases.append(vector(bias, f"biases[{i}]", len(weight)))
    return checked_weights, tuple(checked_biases)


def _weights(weights: object) -> tuple[FloatArray, ...]:
    if not isinstance(weights, (list, tuple)):
        raise TypeError(f"weights is {_type(weights)}, but needs a list or tuple of matrices")
    if len(weights) < 2:
        raise ValueError(
            f"weights has {len(weights)} entries, but needs at least 2: a hidden layer and the "
            "output layer"
        )
    checked: list[FloatArray] = []
    for i, weight in enumerate(weights):
        name = f"weights[{i}]"
        array = float_array(weight, name)
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(
                f"{name} has shape {array.shape}, but needs shape (n_out, n_in), both at least 1"
            )
        if i > 0 and array.shape[1] != len(checked[-1]):
            raise ValueError(
                f"{name} has shape {array.shape}, but needs {len(checked[-1])} columns, one for "
                f"each row of weights[{i - 1}]"
            )
        checked.append(array)
    return tuple(checked)


def _largest(integers: NDArray[Any]) -> int:
    """In size, as Python's integer, because no other holds that of -2**63 and 2**64 - 1."""
    return max(int(integers.max(initial=0)), -int(integers.min(initial=0)))


def _unmasked_array(value: object, name: str) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, but needs an array without a mask")
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged, but needs rows of equal length") from None


def _require_both(start: object, stop: object) -> None:
    if start is None or stop is None:
        given, missing = ("stop", "start") if start is None else ("start", "stop")
        raise ValueError(f"{given} is given, but {missing} is missing: a line needs both")


def _require_finite(array: FloatArray, name: str) -> None:
    finite = np.isfinite(array)
    if finite.all():
        return
    index = tuple(int(i) for i in np.argwhere(~finite)[0])
    entry = f"{name}[{', '.join(map(str, index))}]" if index else name
    raise ValueError(f"{entry} is {array[index]}, but must be finite")


def _require_moderate(rows: NDArray[Any], name: str, first: int) -> None:
    # As Python's floats, because float32 does not hold the limit.
    if float(rows.min()) >= -_LARGEST_COORDINATE and float(rows.max()) <= _LARGEST_COORDINATE:
        return  # which no NaN passes
    fits = np.abs(rows.astype(np.float64)) <= _LARGEST_COORDINATE
    i, j = (int(k) for k in np.argwhere(~fits)[0])
    wanted = "at most 2**500 in size" if np.isfinite(rows[i, j]) else "finite"
    raise ValueError(f"{name}[{first + i}, {j}] is {rows[i, j]}, but must be {wanted}")


def _type(value: object) -> str:
    return f"of type {type(value).__name__}"
