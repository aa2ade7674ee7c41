"""Lines, the intervals on them, and functions along them."""

from __future__ import annotations

import math

import numpy as np

from relufast._validate.arrays import FloatArray, float_array, vector
from relufast._validate.options import flag


def interval(value: object, name: str = "interval") -> tuple[float, float]:
    """The two ends lo < hi, each of them possibly infinite."""
    # Two floats need no array.
    if type(value) is tuple and len(value) == 2 and type(value[0]) is type(value[1]) is float:
        lo, hi = value
    else:
        array = float_array(value, name, finite=False)
        if array.shape != (2,):
            raise ValueError(f"{name} has shape {array.shape}, but needs the two numbers (lo, hi)")
        lo, hi = array.tolist()
    # Not lo >= hi, which is False for NaN.
    if not lo < hi:
        raise ValueError(f"{name} is ({lo}, {hi}), but needs lo < hi")
    return lo, hi


def finite_interval(value: object, name: str = "interval") -> tuple[float, float]:
    """Two finite ends lo < hi."""
    ends = interval(value, name)
    if not all(map(math.isfinite, ends)):
        raise ValueError(f"{name} is {ends}, but needs two finite ends")
    return ends


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


def _require_both(start: object, stop: object) -> None:
    if start is None or stop is None:
        given, missing = ("stop", "start") if start is None else ("start", "stop")
        raise ValueError(f"{given} is given, but {missing} is missing: a line needs both")
